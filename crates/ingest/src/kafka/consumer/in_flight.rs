//! Messages in flight: polled, and neither recorded nor given up yet.

use std::time::{Duration, UNIX_EPOCH};

use gathering_domain::intake::MessageOutcome;
use gathering_domain::store::StoreError;
use gathering_domain::time::Timestamp;
use gathering_support::trace::{SpanKind, Tracer};
use rdkafka::Message;
use rdkafka::message::{BorrowedMessage, Headers};

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

    /// The span of a message that is finished, from its arrival on, if it is sampled: by its header `traceparent`, or by chance.
    pub(super) fn trace(&self, tracer: &Tracer, outcome: MessageOutcome) {
        let headers = self.message.headers();
        let header =
            headers.as_ref().and_then(|headers| headers.iter().find(|header| header.key == "traceparent"));
        let Some(span) = tracer.begin(header.and_then(|header| header.value)) else { return };
        let attributes = vec![
            ("messaging.system", "kafka".to_owned()),
            ("messaging.destination.name", self.message.topic().to_owned()),
            ("messaging.destination.partition.id", self.message.partition().to_string()),
            ("messaging.kafka.offset", self.message.offset().to_string()),
            ("gathering.outcome", outcome.as_str().to_owned()),
        ];
        let micros = u64::try_from(self.arrival.as_micros()).unwrap_or_default();
        let span = span.since(UNIX_EPOCH + Duration::from_micros(micros));
        span.end("message", SpanKind::Consumer, attributes, outcome == MessageOutcome::Rejected);
    }

    /// `topic/partition@offset`
    pub(super) fn place(&self) -> String {
        format!("{}/{}@{}", self.message.topic(), self.message.partition(), self.message.offset())
    }
}
