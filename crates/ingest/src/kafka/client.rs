//! What librdkafka tells the consumer aside from messages: rebalances, statistics, errors.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, Rebalance};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::{ClientContext, Statistics, TopicPartitionList};

use super::health::ConsumerHealth;
use super::metrics::KafkaMetrics;

/// The target of the lines that librdkafka writes.
const TARGET: &str = "librdkafka";

/// The context of the producer of dead letters.
pub(super) struct Quiet;

impl ClientContext for Quiet {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        log_line(level, facility, line);
    }

    /// Those of the consumer are enough.
    fn stats_raw(&self, _: &[u8]) {}

    fn error(&self, error: KafkaError, reason: &str) {
        log_error(&error, reason);
    }
}

/// Writes a line of librdkafka to the log.
pub(super) fn log_line(level: RDKafkaLogLevel, facility: &str, line: &str) {
    // Consumer and producers get the same properties; each warns of those of the others.
    if facility == "CONFWARN" && line.contains("will be ignored by this") {
        return;
    }
    let level = match level {
        RDKafkaLogLevel::Emerg
        | RDKafkaLogLevel::Alert
        | RDKafkaLogLevel::Critical
        | RDKafkaLogLevel::Error => log::Level::Error,
        RDKafkaLogLevel::Warning => log::Level::Warn,
        RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => log::Level::Info,
        RDKafkaLogLevel::Debug => log::Level::Debug,
    };
    log::log!(target: TARGET, level, "{facility}: {line}");
}

/// Writes what a client tells of its connections to the log. Whatever it means for messages is told where they are.
pub(super) fn log_error(error: &KafkaError, reason: &str) {
    log::warn!(target: TARGET, "{error}: {reason}");
}

/// A partition of a topic.
pub(super) type Partition = (String, i32);

/// The context of the consumer. Its callbacks run within polls, so on the consumer's own thread.
pub(super) struct Client {
    health: ConsumerHealth,
    metrics: KafkaMetrics,
    revoked: Mutex<HashSet<Partition>>,
}

impl Client {
    pub(super) fn new(health: ConsumerHealth, metrics: KafkaMetrics) -> Self {
        Self { health, metrics, revoked: Mutex::default() }
    }

    /// The partitions that were taken away since this was asked last. Messages of theirs that are in hand are somebody
    /// else's now.
    pub(super) fn take_revoked(&self) -> HashSet<Partition> {
        std::mem::take(&mut *self.revoked.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn partitions(list: &TopicPartitionList) -> Vec<Partition> {
    list.elements().iter().map(|element| (element.topic().to_owned(), element.partition())).collect()
}

impl ConsumerContext for Client {
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        match rebalance {
            Rebalance::Assign(list) => {
                self.health.set_connected(true);
                log::info!("partitions assigned: {:?}", partitions(list));
            }
            Rebalance::Revoke(list) => {
                let partitions = partitions(list);
                log::info!("partitions revoked: {partitions:?}");
                // Paused is paused for librdkafka, also when the partition comes back after others had it.
                if let Err(error) = consumer.resume(list) {
                    log::warn!("revoked partitions cannot be resumed: {error}");
                }
                for (topic, partition) in &partitions {
                    // There is none for a partition without statistics so far.
                    let _ = self.metrics.lag.remove_label_values(&[topic, &partition.to_string()]);
                }
                self.revoked.lock().unwrap_or_else(PoisonError::into_inner).extend(partitions);
            }
            Rebalance::Error(error) => log::warn!("rebalancing failed: {error}"),
        }
    }

    fn commit_callback(&self, result: KafkaResult<()>, _: &TopicPartitionList) {
        match result {
            // There was nothing to commit.
            Ok(()) | Err(KafkaError::ConsumerCommit(RDKafkaErrorCode::NoOffset)) => {}
            // They are committed with the next ones; at worst messages come again.
            Err(error) => log::warn!("offsets are not committed yet: {error}"),
        }
    }
}

impl ClientContext for Client {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        log_line(level, facility, line);
    }

    fn stats(&self, statistics: Statistics) {
        let is_up = statistics.brokers.values().any(|broker| broker.nodeid >= 0 && broker.state == "UP");
        self.health.set_connected(is_up);
        for topic in statistics.topics.values() {
            // Partition -1 is librdkafka's own; partitions of others have no lag here.
            for partition in topic.partitions.values().filter(|partition| partition.partition >= 0) {
                let lag = partition.consumer_lag_stored;
                if lag >= 0 && partition.fetch_state != "none" {
                    let labels = [topic.topic.as_str(), &partition.partition.to_string()];
                    self.metrics.lag.with_label_values(&labels).set(lag);
                }
            }
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::AllBrokersDown) {
            self.health.set_connected(false);
        }
        log_error(&error, reason);
    }
}
