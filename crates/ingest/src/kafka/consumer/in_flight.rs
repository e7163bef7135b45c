//! Messages in flight: polled, and neither recorded nor given up yet.

use std::time::{Duration, UNIX_EPOCH};

use gathering_domain::intake::MessageOutcome;
use gathering_domain::store::StoreError;
use gathering_domain::time::Timestamp;
use gathering_support::trace::{ActiveSpan, SpanKind, TRACEPARENT, Tracer};
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
    /// Its span, from its arrival on, if it is sampled.
    span: Option<ActiveSpan>,
}

impl<'c> InFlight<'c> {
    pub(super) const fn new(message: BorrowedMessage<'c>, arrival: Timestamp) -> Self {
        Self { message, parsed: None, is_evaluated: false, error: None, is_kept: false, arrival, span: None }
    }

    /// Parses it and decides what is to be done about it, once.
    pub(super) fn evaluate(&mut self, topics: &Topics, policy: &IngestPolicy, tracer: Option<&Tracer>) {
        if !self.is_evaluated {
            let payload = self.message.payload().unwrap_or_default();
            self.parsed = topics.kind(&self.message).map(|kind| policy.evaluate(kind, payload, self.arrival));
            self.span = tracer.filter(|_| self.parsed.is_some()).and_then(|tracer| self.begin_span(tracer));
            self.is_evaluated = true;
        }
    }

    /// By its header, or by chance.
    fn begin_span(&self, tracer: &Tracer) -> Option<ActiveSpan> {
        let headers = self.message.headers();
        let header =
            headers.as_ref().and_then(|headers| headers.iter().find(|header| header.key == TRACEPARENT));
        let span = tracer.begin(header.and_then(|header| header.value))?;
        let micros = u64::try_from(self.arrival.as_micros()).unwrap_or_default();
        Some(span.since(UNIX_EPOCH + Duration::from_micros(micros)))
    }

    /// What is sent on as a part of its span, if it is sampled.
    pub(super) fn traceparent(&self) -> Option<String> {
        self.span.as_ref().map(ActiveSpan::traceparent)
    }

    /// Whether it has to be kept as a dead letter before its offset may be stored.
    pub(super) fn is_unkept_dead_letter(&self) -> bool {
        !self.is_kept && self.parsed.as_ref().is_some_and(ParsedMessage::is_dead_letter)
    }

    /// The partition that it belongs to.
    pub(super) fn partition(&self) -> Partition {
        partition_of(&self.message)
    }

    /// Ends its span, since it is finished.
    pub(super) fn end_span(&mut self, outcome: MessageOutcome) {
        let Some(span) = self.span.take() else { return };
        let attributes = vec![
            ("messaging.system", "kafka".to_owned()),
            ("messaging.destination.name", self.message.topic().to_owned()),
            ("messaging.destination.partition.id", self.message.partition().to_string()),
            ("messaging.kafka.offset", self.message.offset().to_string()),
            ("gathering.outcome", outcome.as_str().to_owned()),
        ];
        span.end("message", SpanKind::Consumer, attributes, outcome == MessageOutcome::Rejected);
    }

    /// `topic/partition@offset`
    pub(super) fn place(&self) -> String {
        format!("{}/{}@{}", self.message.topic(), self.message.partition(), self.message.offset())
    }
}
