//! Messages that cannot be recorded while others can: they are kept, and their partitions wait for them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::Hash;
use std::time::Instant;

use gathering_domain::StoreError;
use rdkafka::message::BorrowedMessage;
use rdkafka::{Message, TopicPartitionList};

use super::backoff::Backoff;
use super::batch::{Item, partition_of};
use super::client::Partition;
use crate::message::judgement::Judgement;

/// The messages that wait to be recorded, each in its partition, until an attempt is due. What is recorded is not among them,
/// so no attempt writes it again.
#[derive(Default)]
pub(super) struct Held<'c> {
    partitions: HashMap<Partition, Waiting<'c>>,
    backoff: Backoff,
    due: Option<Instant>,
}

/// What a partition waits for.
#[derive(Default)]
struct Waiting<'c> {
    /// In the order in which they came.
    items: Vec<Item<'c>>,
    /// The message after the last one that is done with: the next one once nothing waits.
    next: i64,
}

/// Of messages of one partition about one request, those behind one that is not recorded have to be recorded after it, again
/// if they are recorded already: what comes last stays last.
pub(super) fn keep_order(items: &mut [Item<'_>]) {
    if items.iter().all(|item| item.error.is_none()) {
        return;
    }
    wait_in_order(items.iter_mut().filter_map(|item| {
        let request = item.judgement.as_ref().and_then(Judgement::event)?.key.clone();
        Some(((item.partition(), request), &mut item.error))
    }));
}

fn wait_in_order<'e, K: Eq + Hash>(events: impl Iterator<Item = (K, &'e mut Option<StoreError>)>) {
    let mut waiting: HashMap<K, StoreError> = HashMap::new();
    for (key, error) in events {
        match (&error, waiting.get(&key)) {
            (Some(reason), _) => {
                waiting.insert(key, reason.clone());
            }
            (None, Some(reason)) => *error = Some(reason.clone()),
            (None, None) => {}
        }
    }
}

impl<'c> Held<'c> {
    pub(super) fn is_empty(&self) -> bool {
        self.partitions.is_empty()
    }

    /// How many partitions wait.
    pub(super) fn partitions(&self) -> usize {
        self.partitions.len()
    }

    /// How many messages wait.
    pub(super) fn len(&self) -> usize {
        self.items().count()
    }

    /// How many bytes they have.
    pub(super) fn bytes(&self) -> usize {
        self.items().map(|item| item.message.payload_len()).sum()
    }

    /// Whether the partition of a message waits.
    pub(super) fn has_partition_of(&self, message: &BorrowedMessage<'_>) -> bool {
        !self.is_empty() && self.has(&partition_of(message))
    }

    /// Whether a partition waits.
    pub(super) fn has(&self, partition: &Partition) -> bool {
        self.partitions.contains_key(partition)
    }

    /// When the next attempt is due, if anything waits.
    pub(super) const fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Those that wait, if an attempt is due. Their partitions wait on.
    pub(super) fn take_due(&mut self, now: Instant) -> Vec<Item<'c>> {
        if self.due.is_none_or(|due| now < due) {
            return Vec::new();
        }
        self.due = None;
        self.partitions.values_mut().flat_map(|waiting| std::mem::take(&mut waiting.items)).collect()
    }

    /// Has these wait for the next attempt. It comes soon where something has changed since the last one.
    pub(super) fn hold(&mut self, items: Vec<Item<'c>>, is_changed: bool) {
        for item in items {
            self.partitions.entry(item.partition()).or_default().items.push(item);
        }
        if is_changed {
            self.backoff = Backoff::default();
        }
        if self.items().next().is_none() {
            self.due = None;
        } else if is_changed || self.due.is_none() {
            self.due = Some(Instant::now() + self.backoff.next());
        }
    }

    /// The next message to come in each of the partitions that these are of: the first one that waits, if any does.
    pub(super) fn next<'i>(&mut self, done: impl Iterator<Item = &'i Item<'c>>) -> BTreeMap<Partition, i64>
    where
        'c: 'i,
    {
        let mut next: BTreeMap<Partition, i64> = BTreeMap::new();
        for item in done {
            let offset = next.entry(item.partition()).or_default();
            *offset = (*offset).max(item.message.offset() + 1);
        }
        for (partition, offset) in &mut next {
            if let Some(waiting) = self.partitions.get_mut(partition) {
                waiting.next = waiting.next.max(*offset);
                let first = waiting.items.iter().map(|item| item.message.offset()).min();
                *offset = first.unwrap_or(waiting.next);
            }
        }
        next
    }

    /// Partitions of which nothing waits any more.
    pub(super) fn release(&mut self) -> Vec<Partition> {
        self.partitions
            .extract_if(|_, waiting| waiting.items.is_empty())
            .map(|(partition, _)| partition)
            .collect()
    }

    /// Forgets partitions that somebody else has now.
    pub(super) fn forget(&mut self, revoked: &HashSet<Partition>) {
        self.partitions.retain(|partition, _| !revoked.contains(partition));
        if self.is_empty() {
            (self.due, self.backoff) = (None, Backoff::default());
        }
    }

    /// The partitions that wait, for librdkafka.
    pub(super) fn list(&self) -> TopicPartitionList {
        list(self.partitions.keys())
    }

    fn items(&self) -> impl Iterator<Item = &Item<'c>> {
        self.partitions.values().flat_map(|waiting| &waiting.items)
    }
}

/// Partitions, for librdkafka.
pub(super) fn list<'p>(partitions: impl IntoIterator<Item = &'p Partition>) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    for (topic, partition) in partitions {
        list.add_partition(topic, *partition);
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_later_about_a_request_waits_for_what_came_before() {
        let failed = || Some(StoreError::unavailable("locked"));
        let mut errors =
            [("a", None), ("b", failed()), ("a", None), ("b", None), ("c", failed()), ("b", None)];
        wait_in_order(errors.iter_mut().map(|(key, error)| (*key, error)));
        let waits: Vec<bool> = errors.iter().map(|(_, error)| error.is_some()).collect();
        assert_eq!(waits, [false, true, false, true, true, true]);
    }
}
