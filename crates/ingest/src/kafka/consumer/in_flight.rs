//! Messages in flight: polled, and neither recorded nor given up yet.

use gathering_domain::store::StoreError;
use gathering_domain::time::Timestamp;
use rdkafka::Message;
use rdkafka::message::BorrowedMessage;

use super::partition::{Partition, partition_of};
use super::topics::Topics;
use crate::message::parsed::ParsedMessage;
use crate::policy::IngestPolicy;

/// A message in flight.
pub(super) struct InFlight<'c> {
    pub(super) message: BorrowedMessage<'c>,
    /// `None` before it is evaluated, and for a message that is not for us.
    pub(super) parsed: Option<ParsedMessage>,
    is_evaluated: bool,
    /// Why its event is not recorded, if the last attempt failed or has to be repeated.
    pub(super) error: Option<StoreError>,
    /// Whether it was kept as a dead letter already.
    pub(super) is_kept: bool,
    /// When it arrived.
    pub(super) arrival: Timestamp,
}

impl<'c> InFlight<'c> {
    pub(super) const fn new(message: BorrowedMessage<'c>, arrival: Timestamp) -> Self {
        Self { message, parsed: None, is_evaluated: false, error: None, is_kept: false, arrival }
    }

    /// Parses it and decides what is to be done about it, once.
    pub(super) fn evaluate(&mut self, topics: &Topics, policy: &IngestPolicy) {
        if !self.is_evaluated {
            let payload = self.message.payload().unwrap_or_default();
            self.parsed = topics.kind(&self.message).map(|kind| policy.evaluate(kind, payload, self.arrival));
            self.is_evaluated = true;
        }
    }

    /// Whether it has to be kept as a dead letter before its offset may be stored.
    pub(super) fn is_unkept_dead_letter(&self) -> bool {
        !self.is_kept && self.parsed.as_ref().is_some_and(ParsedMessage::is_dead_letter)
    }

    /// The partition that it belongs to.
    pub(super) fn partition(&self) -> Partition {
        partition_of(&self.message)
    }

    /// `topic/partition@offset`
    pub(super) fn place(&self) -> String {
        format!("{}/{}@{}", self.message.topic(), self.message.partition(), self.message.offset())
    }
}
