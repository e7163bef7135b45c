//! Messages to the platform's payload tracker on how far each payload has come, in the words of today's service.

use std::sync::Arc;

use gathering_domain::time::Timestamp;
use gathering_support::trace::TRACEPARENT;
use log::Level;
use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError as ClientError;
use rdkafka::message::{DeliveryResult, Header, OwnedHeaders};
use rdkafka::producer::{BaseRecord, Producer, ProducerContext, ThreadedProducer};
use serde::Serialize;

use super::client_config::unusable;
use super::consumer_log::ConsumerLog;
use super::in_flight::InFlight;
use crate::kafka::error::KafkaError;
use crate::kafka::metrics::KafkaMetrics;
use crate::kafka::settings::KafkaSettings;
use crate::message::error::MessageError;
use crate::message::parsed::{Disposition, ParsedMessage};

/// Sends status messages and waits for none: losing one harms nobody.
pub(super) struct Tracker {
    producer: ThreadedProducer<TrackerCallbacks>,
    topic: String,
    service: String,
}

/// How far a payload has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Received,
    Processed,
    Success,
    Error,
}

#[derive(Serialize)]
struct Message<'a> {
    service: &'a str,
    request_id: &'a str,
    status: Status,
    date: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    org_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
}

impl Tracker {
    /// A tracker, if the settings name its topic.
    pub(super) fn new(
        settings: &KafkaSettings,
        metrics: KafkaMetrics,
        log: Arc<ConsumerLog>,
    ) -> Result<Option<Self>, KafkaError> {
        let Some(topic) = &settings.payload_tracker_topic else { return Ok(None) };
        let callbacks = TrackerCallbacks { metrics, log };
        let producer =
            settings.producer()?.create_with_context(callbacks).map_err(|error| unusable(&error))?;
        Ok(Some(Self { producer, topic: topic.clone(), service: settings.service_name.clone() }))
    }

    /// Tells when a result message, which says this, arrived, and that it is finished now.
    pub(super) fn tell(&self, item: &InFlight<'_>, parsed: &ParsedMessage, now: Timestamp) {
        let Some(request_id) = parsed.request.as_deref() else { return };
        let traceparent = item.traceparent();
        for status in statuses(parsed) {
            let message = Message {
                service: &self.service,
                request_id,
                status,
                date: if status == Status::Received { item.arrival } else { now },
                org_id: parsed.organization.map(|organization| organization.to_string()),
                account: parsed.account.map(|account| account.to_string()),
            };
            let Ok(payload) = serde_json::to_vec(&message) else { continue };
            let mut record: BaseRecord<'_, [u8], [u8]> = BaseRecord::to(&self.topic).payload(&payload);
            if let Some(value) = &traceparent {
                let header = Header { key: TRACEPARENT, value: Some(value) };
                record = record.headers(OwnedHeaders::new().insert(header));
            }
            if let Err((error, _)) = self.producer.send(record) {
                self.producer.context().count(&error);
            }
        }
    }
}

/// What today's service tells of such a message: that it was received, unless it could not be decoded, and at the end whether
/// it succeeded. An empty report is a success there.
fn statuses(parsed: &ParsedMessage) -> impl Iterator<Item = Status> {
    let error = match parsed.disposition {
        Disposition::Failed(_, error) | Disposition::Rejected(error) => Some(error),
        Disposition::Stored(_) | Disposition::Skipped(_) => None,
    };
    let is_decoded = parsed.organization.is_some()
        && parsed.cluster.is_some()
        && error.is_none_or(is_found_after_decoding);
    let end = if error.is_none_or(|error| error == MessageError::EmptyReport) {
        Status::Success
    } else {
        Status::Error
    };
    is_decoded.then_some(Status::Received).into_iter().chain([Status::Processed, end])
}

/// Whether today's service finds this error only after it has told that the message was received.
const fn is_found_after_decoding(error: MessageError) -> bool {
    match error {
        MessageError::EmptyReport
        | MessageError::ReportKey(_)
        | MessageError::ReportElement { .. }
        | MessageError::NotGranted(_)
        | MessageError::NotListed
        | MessageError::RefusedByDatabase => true,
        MessageError::Missing(attribute) | MessageError::Wrong { attribute, .. } => {
            matches!(attribute.as_bytes(), b"LastChecked" | b"reports" | b"info")
        }
        MessageError::NotJson { .. } | MessageError::NotAnObject => false,
    }
}

/// Counts and logs messages that the tracker did not get.
struct TrackerCallbacks {
    metrics: KafkaMetrics,
    log: Arc<ConsumerLog>,
}

impl TrackerCallbacks {
    fn count(&self, error: &ClientError) {
        self.metrics.tracker_failures.inc();
        let line = format_args!("the payload tracker does not get a message: {error}");
        self.log.tracker.log(Level::Warn, line);
    }
}

impl ClientContext for TrackerCallbacks {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        self.log.client(level, facility, line);
    }

    fn stats_raw(&self, _: &[u8]) {}

    fn error(&self, error: ClientError, reason: &str) {
        self.log.client_error(&error, reason);
    }
}

impl ProducerContext for TrackerCallbacks {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Err((error, _)) = result {
            self.count(error);
        }
    }
}

impl Drop for Tracker {
    fn drop(&mut self) {
        // The last messages before a clean stop. Nobody depends on them.
        let _ = self.producer.flush(std::time::Duration::from_secs(1));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::message::fixture::{message, parse, with};

    fn told(message: &Value) -> Vec<Status> {
        statuses(&parse(message)).collect()
    }

    #[test]
    fn the_sequences_of_today() {
        use Status::{Error, Processed, Received, Success};
        assert_eq!(told(&message()), [Received, Processed, Success]);
        assert_eq!(told(&with("/Report", json!({}))), [Received, Processed, Success]);
        assert_eq!(told(&with("/Report/system", None)), [Received, Processed, Error]);
        assert_eq!(told(&with("/Report/reports", json!([1]))), [Received, Processed, Error]);
        assert_eq!(told(&with("/LastChecked", json!("x"))), [Received, Processed, Error]);
        assert_eq!(told(&with("/Version", json!("x"))), [Processed, Error]);
        assert_eq!(told(&with("/OrgID", json!("x"))), [Processed, Error]);
        assert_eq!(told(&with("/ClusterName", json!("x"))), [Processed, Error]);
        assert_eq!(told(&with("/Metadata/gathering_time", json!("x"))), [Processed, Error]);
    }
}
