//! Callbacks of librdkafka: rebalances, statistics, log lines, errors.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use log::Level;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, Rebalance};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::statistics;
use rdkafka::{ClientContext, Statistics, TopicPartitionList};

use super::consumer_log::ConsumerLog;
use super::partition::Partition;
use crate::kafka::health::ConsumerHealth;
use crate::kafka::metrics::KafkaMetrics;

/// How long brokers may send nothing before they count as away, in microseconds. A broker that is only slow is asked for its
/// topics every ten seconds, and answers.
const SILENCE: i64 = 15_000_000;

/// The callbacks of the producer of dead letters.
pub(super) struct ProducerCallbacks(pub(super) Arc<ConsumerLog>);

impl ClientContext for ProducerCallbacks {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        self.0.client(level, facility, line);
    }

    /// The statistics of the consumer are enough.
    fn stats_raw(&self, _: &[u8]) {}

    fn error(&self, error: KafkaError, reason: &str) {
        self.0.client_error(&error, reason);
    }
}

/// The callbacks of the consumer. They run within polls, so on the consumer's thread.
pub(super) struct ConsumerCallbacks {
    health: ConsumerHealth,
    metrics: KafkaMetrics,
    log: Arc<ConsumerLog>,
    revoked: Mutex<HashSet<Partition>>,
    traffic: Mutex<Traffic>,
    commit_failed: AtomicBool,
}

/// How many answers brokers have sent so far, and when that number last grew, in microseconds of librdkafka's clock.
#[derive(Debug, Default)]
struct Traffic {
    answers: u64,
    at: i64,
}

impl ConsumerCallbacks {
    pub(super) fn new(health: ConsumerHealth, metrics: KafkaMetrics, log: Arc<ConsumerLog>) -> Self {
        let (revoked, traffic, commit_failed) = (Mutex::default(), Mutex::default(), AtomicBool::default());
        Self { health, metrics, log, revoked, traffic, commit_failed }
    }

    /// Takes the partitions that were revoked since the last call. Messages of theirs that are in flight belong to another
    /// consumer now.
    pub(super) fn take_revoked(&self) -> HashSet<Partition> {
        std::mem::take(&mut *self.revoked.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether a commit of offsets has failed since the last call.
    pub(super) fn take_commit_failed(&self) -> bool {
        self.commit_failed.swap(false, Ordering::Relaxed)
    }

    /// How many brokers are connected; none if all are silent. A connection through a network that swallows everything stays up
    /// for a minute.
    fn connected(&self, statistics: &Statistics) -> usize {
        let up =
            statistics.brokers.values().filter(|broker| broker.nodeid >= 0 && broker.state == "UP").count();
        let answers = statistics.brokers.values().map(|broker| broker.rx).fold(0, u64::saturating_add);
        let mut traffic = self.traffic.lock().unwrap_or_else(PoisonError::into_inner);
        if answers != traffic.answers {
            *traffic = Traffic { answers, at: statistics.ts };
        }
        if statistics.ts.saturating_sub(traffic.at) < SILENCE { up } else { 0 }
    }
}

fn partitions(list: &TopicPartitionList) -> Vec<Partition> {
    list.elements().iter().map(|element| (element.topic().to_owned(), element.partition())).collect()
}

impl ConsumerContext for ConsumerCallbacks {
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        match rebalance {
            Rebalance::Assign(list) => {
                self.health.set_connected(true);
                let partitions = partitions(list);
                self.log.group.log(Level::Info, format_args!("partitions assigned: {partitions:?}"));
            }
            Rebalance::Revoke(list) => {
                let partitions = partitions(list);
                self.log.group.log(Level::Info, format_args!("partitions revoked: {partitions:?}"));
                // Paused is paused for librdkafka, also when the partition comes back after others had it.
                if let Err(error) = consumer.resume(list) {
                    self.log.group_warning("revoked partitions cannot be resumed", error);
                }
                for (topic, partition) in &partitions {
                    // There is none for a partition without statistics so far.
                    let _ = self.metrics.lag.remove_label_values(&[topic, &partition.to_string()]);
                }
                self.revoked.lock().unwrap_or_else(PoisonError::into_inner).extend(partitions);
            }
            Rebalance::Error(error) => self.log.group_warning("rebalancing failed", error),
        }
    }

    fn commit_callback(&self, result: KafkaResult<()>, _: &TopicPartitionList) {
        match result {
            // There was nothing to commit.
            Ok(()) | Err(KafkaError::ConsumerCommit(RDKafkaErrorCode::NoOffset)) => {}
            // They are committed with the next ones; at worst messages come again.
            Err(error) => {
                self.commit_failed.store(true, Ordering::Relaxed);
                self.log.group_warning("offsets are not committed yet", error);
            }
        }
    }
}

/// How many messages of a partition wait to be recorded: those after the offset that is to be committed, else those after the one
/// that was, else, where nothing of it was ever recorded, all that it has. `None` until the broker has said.
fn lag(partition: &statistics::Partition) -> Option<i64> {
    let all = (partition.lo_offset >= 0).then(|| partition.hi_offset - partition.lo_offset);
    [Some(partition.consumer_lag_stored), Some(partition.consumer_lag), all]
        .into_iter()
        .flatten()
        .find(|lag| *lag >= 0)
}

impl ClientContext for ConsumerCallbacks {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        self.log.client(level, facility, line);
    }

    fn stats(&self, statistics: Statistics) {
        let connected = self.connected(&statistics);
        self.health.set_connected(connected > 0);
        self.metrics.brokers_up.set(i64::try_from(connected).unwrap_or(i64::MAX));
        for topic in statistics.topics.values() {
            // Partition -1 is librdkafka's own; partitions of others have no lag here.
            for partition in topic.partitions.values().filter(|partition| partition.partition >= 0) {
                if let Some(lag) = lag(partition).filter(|_| partition.fetch_state != "none") {
                    let labels = [topic.topic.as_str(), &partition.partition.to_string()];
                    self.metrics.lag.with_label_values(&labels).set(lag);
                }
            }
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::AllBrokersDown) {
            self.health.set_connected(false);
            self.metrics.brokers_up.set(0);
        }
        self.log.client_error(&error, reason);
    }
}
