//! Dead letters: refused messages as they were, with headers that say why and where they come from.

use std::sync::Arc;

use gathering_support::trace::TRACEPARENT;
use log::Level;
use rdkafka::Message;
use rdkafka::error::{KafkaError as ClientError, RDKafkaErrorCode};
use rdkafka::message::{Header, Headers, OwnedHeaders};
use rdkafka::producer::{DeliveryFuture, FutureProducer, FutureRecord};
use tokio::runtime::Handle;

use super::callbacks::ProducerCallbacks;
use super::client_config::unusable;
use super::consumer_log::ConsumerLog;
use super::in_flight::InFlight;
use crate::kafka::error::KafkaError;
use crate::kafka::metrics::KafkaMetrics;
use crate::kafka::settings::KafkaSettings;
use crate::message::parsed::ParsedMessage;

/// The prefix of our headers. A dead letter that was sent again and refused again has those of the last time only.
pub(super) const PREFIX: &str = "gathering-";

/// How much of a message is logged if there is no topic for it, in bytes. It is half of what brokers accept by default.
const LOGGED: usize = 512 * 1024;

/// Keeps refused messages.
pub(super) struct DeadLetters {
    topic: Option<(FutureProducer<ProducerCallbacks>, String)>,
    metrics: KafkaMetrics,
    log: Arc<ConsumerLog>,
    runtime: Handle,
}

impl DeadLetters {
    pub(super) fn new(
        settings: &KafkaSettings,
        metrics: KafkaMetrics,
        log: Arc<ConsumerLog>,
        runtime: Handle,
    ) -> Result<Self, KafkaError> {
        let topic = match &settings.dead_letter_topic {
            None => None,
            Some(topic) => {
                let producer = settings
                    .producer()?
                    .create_with_context(ProducerCallbacks(Arc::clone(&log)))
                    .map_err(|error| unusable(&error))?;
                Some((producer, topic.clone()))
            }
        };
        Ok(Self { topic, metrics, log, runtime })
    }

    /// Keeps every dead letter among these messages that is not kept yet.
    ///
    /// # Errors
    /// When the topic has not acknowledged all of them. Those that it has are marked as kept.
    pub(super) fn keep(&self, items: &mut [InFlight<'_>]) -> Result<(), ClientError> {
        let letters = items.iter_mut().filter(|item| item.is_unkept_dead_letter());
        let Some((producer, topic)) = &self.topic else {
            letters.for_each(|item| self.log_payload(item, ""));
            return Ok(());
        };
        let mut result = Ok(());
        let sent: Vec<(&mut InFlight<'_>, Result<DeliveryFuture, ClientError>)> = letters
            .map(|item| {
                let delivery = send(producer, topic, item);
                (item, delivery)
            })
            .collect();
        for (item, delivery) in sent {
            let acknowledged = delivery.and_then(|delivery| match self.runtime.block_on(delivery) {
                Ok(Ok(_)) => Ok(()),
                Ok(Err((error, _))) => Err(error),
                Err(_) => Err(ClientError::Canceled),
            });
            match acknowledged {
                Ok(()) => {
                    let (place, reason) = (item.place(), reason(item));
                    let line = format_args!("{place}: kept as a dead letter: {reason}");
                    self.log.refused.log(Level::Warn, line);
                    item.is_kept = true;
                    self.metrics.dead_letters.inc();
                }
                Err(error) if is_too_large(&error) => {
                    self.log_payload(item, &format!(" and too large for the dead letter topic ({error})"));
                }
                Err(error) => result = Err(error),
            }
        }
        result
    }

    /// The last resort: logs the message itself, unless there are too many.
    fn log_payload(&self, item: &mut InFlight<'_>, why: &str) {
        let payload = item.message.payload().unwrap_or_default();
        let shown = payload.get(..LOGGED).unwrap_or(payload);
        let cut = if shown.len() < payload.len() { " (cut)" } else { "" };
        let (place, reason, text) = (item.place(), reason(item), String::from_utf8_lossy(shown));
        let line = format_args!("{place}: refused: {reason}{why}; the message{cut}: {text}");
        self.log.unkept.log(Level::Warn, line);
        item.is_kept = true;
        self.metrics.unkept.inc();
    }
}

fn reason(item: &InFlight<'_>) -> String {
    item.parsed.as_ref().and_then(|parsed| parsed.record().reason).unwrap_or_default()
}

/// Whether the error is one that will not pass: the message is too large.
fn is_too_large(error: &ClientError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(RDKafkaErrorCode::MessageSizeTooLarge | RDKafkaErrorCode::InvalidMessageSize)
    )
}

fn send(
    producer: &FutureProducer<ProducerCallbacks>,
    topic: &str,
    item: &InFlight<'_>,
) -> Result<DeliveryFuture, ClientError> {
    let mut record: FutureRecord<'_, [u8], [u8]> = FutureRecord::to(topic).headers(headers(item));
    record.payload = item.message.payload();
    record.key = item.message.key();
    producer.send_result(record).map_err(|(error, _)| error)
}

fn headers(item: &InFlight<'_>) -> OwnedHeaders {
    let message = &item.message;
    let mut headers = OwnedHeaders::new();
    let traceparent = item.traceparent();
    let is_replaced = |key: &str| key.starts_with(PREFIX) || (key == TRACEPARENT && traceparent.is_some());
    if let Some(original) = message.headers() {
        for header in original.iter().filter(|header| !is_replaced(header.key)) {
            headers = headers.insert(Header { key: header.key, value: header.value });
        }
    }
    let record = item.parsed.as_ref().map(ParsedMessage::record);
    let outcome = record.as_ref().map(|record| record.outcome.as_str());
    let reason = record.as_ref().and_then(|record| record.reason.as_deref());
    let (partition, offset) = (message.partition().to_string(), message.offset().to_string());
    let timestamp = message.timestamp().to_millis().map(|millis| millis.to_string());
    for (name, value) in [
        (TRACEPARENT, traceparent.as_deref()),
        ("gathering-outcome", outcome),
        ("gathering-reason", reason),
        ("gathering-topic", Some(message.topic())),
        ("gathering-partition", Some(partition.as_str())),
        ("gathering-offset", Some(offset.as_str())),
        ("gathering-timestamp", timestamp.as_deref()),
    ] {
        if value.is_some() {
            headers = headers.insert(Header { key: name, value });
        }
    }
    headers
}
