//! Messages that cannot be recorded while others can. They are held back, and their partitions wait for them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::Hash;
use std::time::Instant;

use gathering_domain::store::StoreError;
use rdkafka::message::BorrowedMessage;
use rdkafka::{Message, TopicPartitionList};

use super::backoff::Backoff;
use super::in_flight::InFlight;
use super::partition::{Partition, partition_of, to_list};
use crate::message::parsed::ParsedMessage;

/// The messages that wait for another attempt, by partition. Recorded messages are not among them, so no attempt writes one
/// again.
#[derive(Default)]
pub(super) struct HeldMessages<'c> {
    partitions: HashMap<Partition, Waiting<'c>>,
    backoff: Backoff,
    due: Option<Instant>,
}

/// The held messages of one partition.
#[derive(Default)]
struct Waiting<'c> {
    /// In the order in which they came.
    items: Vec<InFlight<'c>>,
    /// The offset after the last message that was recorded: where the partition goes on once nothing is held.
    next: i64,
}

/// Marks messages that follow an unrecorded one about the same request in the same partition. They have to be recorded after
/// it, a second time if need be: what comes last has to stay last.
pub(super) fn keep_order(items: &mut [InFlight<'_>]) {
    if items.iter().all(|item| item.error.is_none()) {
        return;
    }
    wait_in_order(items.iter_mut().filter_map(|item| {
        let request = item.parsed.as_ref().and_then(ParsedMessage::event)?.key.clone();
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

impl<'c> HeldMessages<'c> {
    pub(super) fn is_empty(&self) -> bool {
        self.partitions.is_empty()
    }

    /// The number of partitions that wait.
    pub(super) fn partitions(&self) -> usize {
        self.partitions.len()
    }

    /// The number of held messages.
    pub(super) fn len(&self) -> usize {
        self.items().count()
    }

    /// The size of the held messages, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.items().map(|item| item.message.payload_len()).sum()
    }

    /// Whether messages of the partition of this one are held.
    pub(super) fn has_partition_of(&self, message: &BorrowedMessage<'_>) -> bool {
        !self.is_empty() && self.has(&partition_of(message))
    }

    /// Whether messages of a partition are held.
    pub(super) fn has(&self, partition: &Partition) -> bool {
        self.partitions.contains_key(partition)
    }

    /// When the next attempt is due, if any message is held.
    pub(super) const fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Takes out all messages if an attempt is due. Their partitions stay in the list.
    pub(super) fn take_due(&mut self, now: Instant) -> Vec<InFlight<'c>> {
        if self.due.is_none_or(|due| now < due) {
            return Vec::new();
        }
        self.due = None;
        self.partitions.values_mut().flat_map(|waiting| std::mem::take(&mut waiting.items)).collect()
    }

    /// Holds these messages until the next attempt, which comes soon if something has changed since the last one.
    pub(super) fn hold(&mut self, items: Vec<InFlight<'c>>, is_changed: bool) {
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

    /// The offset to go on from in each partition of these messages: that of the first held message, if there is one.
    pub(super) fn next<'i>(
        &mut self,
        done: impl Iterator<Item = &'i InFlight<'c>>,
    ) -> BTreeMap<Partition, i64>
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

    /// Removes and returns partitions of which no message is held any more.
    pub(super) fn release(&mut self) -> Vec<Partition> {
        self.partitions
            .extract_if(|_, waiting| waiting.items.is_empty())
            .map(|(partition, _)| partition)
            .collect()
    }

    /// Forgets partitions that were revoked.
    pub(super) fn forget(&mut self, revoked: &HashSet<Partition>) {
        self.partitions.retain(|partition, _| !revoked.contains(partition));
        if self.is_empty() {
            (self.due, self.backoff) = (None, Backoff::default());
        }
    }

    /// The partitions of which messages are held.
    pub(super) fn list(&self) -> TopicPartitionList {
        to_list(self.partitions.keys())
    }

    fn items(&self) -> impl Iterator<Item = &InFlight<'c>> {
        self.partitions.values().flat_map(|waiting| &waiting.items)
    }
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
