//! Flow control: partitions whose messages cannot be recorded are paused, so that the others go on.

use std::collections::HashSet;

use log::Level;
use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, Consumer};

use super::callbacks::ConsumerCallbacks;
use super::consumer_log::ConsumerLog;
use super::held::HeldMessages;
use super::in_flight::InFlight;
use super::partition::{Partition, to_list};
use crate::kafka::health::ConsumerHealth;

/// Pauses and resumes the partitions of a consumer, and keeps the messages that they wait for.
pub(super) struct FlowControl<'c> {
    consumer: &'c BaseConsumer<ConsumerCallbacks>,
    log: &'c ConsumerLog,
    health: ConsumerHealth,
    /// Messages that cannot be recorded. Their partitions are paused.
    pub(super) held: HeldMessages<'c>,
    /// Whether other partitions may be paused too.
    is_paused: bool,
}

impl<'c> FlowControl<'c> {
    /// Starts with every partition being fetched from.
    pub(super) fn new(
        consumer: &'c BaseConsumer<ConsumerCallbacks>,
        log: &'c ConsumerLog,
        health: ConsumerHealth,
    ) -> Self {
        Self { consumer, log, health, held: HeldMessages::default(), is_paused: false }
    }

    /// Pauses every partition.
    pub(super) fn pause(&mut self) {
        self.is_paused = true;
        let paused = self.consumer.assignment().and_then(|partitions| self.consumer.pause(&partitions));
        if let Err(error) = paused {
            self.log.group_warning("partitions cannot be paused", error);
        }
    }

    /// Resumes every partition, if they are paused, except for those that wait for held messages.
    pub(super) fn resume(&mut self) {
        if !self.is_paused {
            return;
        }
        let resumed = self.consumer.assignment().and_then(|partitions| {
            let mut others = TopicPartitionList::new();
            for partition in partitions.elements() {
                let id = (partition.topic().to_owned(), partition.partition());
                if !self.held.has(&id) {
                    others.add_partition(&id.0, id.1);
                }
            }
            self.consumer.resume(&others)
        });
        match resumed {
            Ok(()) => {
                self.is_paused = false;
                if self.held.is_empty() {
                    self.health.set_stalled(None);
                }
                log::info!("messages are taken again");
            }
            // The next round tries again.
            Err(error) => self.log.group_warning("partitions cannot be resumed", error),
        }
    }

    /// Moves messages that are not recorded to the held ones, and pauses their partitions.
    pub(super) fn hold(&mut self, items: &mut Vec<InFlight<'c>>) {
        let is_recorded = |item: &InFlight<'_>| {
            item.error.is_none() && item.parsed.as_ref().is_some_and(|parsed| parsed.event().is_some())
        };
        let is_any_recorded = items.iter().any(is_recorded);
        let held = &self.held;
        let has_progress = items.iter().any(|item| is_recorded(item) && held.has_partition_of(&item.message));
        let failed: Vec<_> = items.extract_if(.., |item| item.error.is_some()).collect();
        let Some((error, place)) = failed.first().and_then(|item| Some((item.error.clone()?, item.place())))
        else {
            self.held.hold(failed, has_progress);
            if is_any_recorded {
                self.health.set_stalled(None);
            }
            return;
        };
        let cause = std::error::Error::source(&error).map(|cause| format!(" ({cause})")).unwrap_or_default();
        let count = failed.len();
        let line = format_args!("messages cannot be recorded: {error}{cause}; {count} wait, such as {place}");
        self.log.waiting.log(Level::Warn, line);
        let is_new = failed.iter().any(|item| !self.held.has_partition_of(&item.message));
        self.held.hold(failed, is_new || has_progress);
        let partitions = self.consumer.assignment().map_or(usize::MAX, |partitions| partitions.count());
        if self.held.partitions() >= partitions || (is_new && !is_any_recorded) {
            self.health.set_stalled(Some(error.to_string()));
        } else if is_any_recorded {
            self.health.set_stalled(None);
        }
        if let Err(error) = self.consumer.pause(&self.held.list()) {
            self.log.group_warning("partitions cannot be paused", error);
        }
    }

    /// Resumes partitions of which no message is held any more.
    pub(super) fn release(&mut self) {
        let released = self.held.release();
        if released.is_empty() {
            return;
        }
        if let Err(error) = self.consumer.resume(&to_list(&released)) {
            self.log.group_warning("partitions cannot be resumed", error);
            // The next round tries again.
            self.is_paused = true;
        }
        self.health.set_stalled(None);
        if self.held.is_empty() {
            log::info!("all messages that waited are recorded");
        }
    }

    /// Forgets held messages of partitions that were revoked.
    pub(super) fn forget(&mut self, revoked: &HashSet<Partition>) {
        if !self.held.is_empty() {
            self.held.forget(revoked);
            if self.held.is_empty() {
                self.health.set_stalled(None);
            }
        }
    }
}
