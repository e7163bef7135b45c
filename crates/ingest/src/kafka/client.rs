//! What librdkafka tells the consumer aside from messages: rebalances, statistics, errors.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use log::Level;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, Rebalance};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::{ClientContext, Statistics, TopicPartitionList};

use super::health::ConsumerHealth;
use super::lines::Lines;
use super::metrics::KafkaMetrics;

/// How long brokers may send nothing before they count as away, in microseconds. A broker that is only slow is asked for its
/// topics every ten seconds, and answers.
const SILENCE: i64 = 15_000_000;

/// The context of the producer of dead letters.
pub(super) struct Quiet(pub(super) Arc<Lines>);

impl ClientContext for Quiet {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        self.0.client(level, facility, line);
    }

    /// Those of the consumer are enough.
    fn stats_raw(&self, _: &[u8]) {}

    fn error(&self, error: KafkaError, reason: &str) {
        self.0.client_error(&error, reason);
    }
}

/// A partition of a topic.
pub(super) type Partition = (String, i32);

/// The context of the consumer. Its callbacks run within polls, so on the consumer's own thread.
pub(super) struct Client {
    health: ConsumerHealth,
    metrics: KafkaMetrics,
    lines: Arc<Lines>,
    revoked: Mutex<HashSet<Partition>>,
    heard: Mutex<Heard>,
    commit_failed: AtomicBool,
}

/// What came from brokers so far, and when it last grew, on librdkafka's clock.
#[derive(Debug, Default)]
struct Heard {
    answers: u64,
    at: i64,
}

impl Client {
    pub(super) fn new(health: ConsumerHealth, metrics: KafkaMetrics, lines: Arc<Lines>) -> Self {
        let (revoked, heard, commit_failed) = (Mutex::default(), Mutex::default(), AtomicBool::default());
        Self { health, metrics, lines, revoked, heard, commit_failed }
    }

    /// The partitions that were taken away since this was asked last. Messages of theirs that are in hand are somebody
    /// else's now.
    pub(super) fn take_revoked(&self) -> HashSet<Partition> {
        std::mem::take(&mut *self.revoked.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether offsets could not be committed since this was asked last.
    pub(super) fn take_commit_failed(&self) -> bool {
        self.commit_failed.swap(false, Ordering::Relaxed)
    }

    /// Whether any broker is connected, and not silent. A connection through a network that swallows everything stays up
    /// for a minute.
    fn is_connected(&self, statistics: &Statistics) -> bool {
        let is_up = statistics.brokers.values().any(|broker| broker.nodeid >= 0 && broker.state == "UP");
        let answers = statistics.brokers.values().map(|broker| broker.rx).fold(0, u64::saturating_add);
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        if answers != heard.answers {
            *heard = Heard { answers, at: statistics.ts };
        }
        is_up && statistics.ts.saturating_sub(heard.at) < SILENCE
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
                let partitions = partitions(list);
                self.lines.group.tell(Level::Info, format_args!("partitions assigned: {partitions:?}"));
            }
            Rebalance::Revoke(list) => {
                let partitions = partitions(list);
                self.lines.group.tell(Level::Info, format_args!("partitions revoked: {partitions:?}"));
                // Paused is paused for librdkafka, also when the partition comes back after others had it.
                if let Err(error) = consumer.resume(list) {
                    self.lines.group_warning("revoked partitions cannot be resumed", error);
                }
                for (topic, partition) in &partitions {
                    // There is none for a partition without statistics so far.
                    let _ = self.metrics.lag.remove_label_values(&[topic, &partition.to_string()]);
                }
                self.revoked.lock().unwrap_or_else(PoisonError::into_inner).extend(partitions);
            }
            Rebalance::Error(error) => self.lines.group_warning("rebalancing failed", error),
        }
    }

    fn commit_callback(&self, result: KafkaResult<()>, _: &TopicPartitionList) {
        match result {
            // There was nothing to commit.
            Ok(()) | Err(KafkaError::ConsumerCommit(RDKafkaErrorCode::NoOffset)) => {}
            // They are committed with the next ones; at worst messages come again.
            Err(error) => {
                self.commit_failed.store(true, Ordering::Relaxed);
                self.lines.group_warning("offsets are not committed yet", error);
            }
        }
    }
}

impl ClientContext for Client {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        self.lines.client(level, facility, line);
    }

    fn stats(&self, statistics: Statistics) {
        self.health.set_connected(self.is_connected(&statistics));
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
        self.lines.client_error(&error, reason);
    }
}
