//! The start of a group that is to skip waiting messages: the ends of its topics, committed before it subscribes.
//!
//! librdkafka's own `auto.offset.reset = latest` looks for the end of a partition whenever it has no offset that is valid,
//! so it also skips what was published into a partition before that was noticed, and what an expired offset left out.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use log::Level;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::{KafkaError as ClientError, RDKafkaErrorCode};
use rdkafka::metadata::MetadataPartition;
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{Offset, TopicPartitionList};

use super::callbacks::ConsumerCallbacks;
use super::consumer_log::ConsumerLog;
use super::partition::Partition;

/// How long a broker may take to answer one question. A stop waits as long.
const ANSWER: Duration = Duration::from_secs(5);

/// How long partitions without a leader are waited for, from when the first broker answers. Later they are read from their
/// beginning: nothing else may wait for them for ever.
const PATIENCE: Duration = Duration::from_secs(30);

/// The topics whose ends are still to be committed.
pub(super) struct TopicEnds<'c> {
    consumer: &'c BaseConsumer<ConsumerCallbacks>,
    log: &'c ConsumerLog,
    topics: Vec<String>,
    /// The ends that were found. Whatever is published later is read.
    found: BTreeMap<Partition, i64>,
    /// When a broker answered for the first time.
    answered: Option<Instant>,
}

/// Why an attempt was not enough.
enum Obstacle {
    /// Brokers do not answer, and would not let anybody join the group either.
    Away(ClientError),
    /// One topic is not usable as a whole.
    Topic(String),
    /// The consumer is to stop.
    Stopped,
}

impl From<ClientError> for Obstacle {
    fn from(error: ClientError) -> Self {
        Self::Away(error)
    }
}

impl<'c> TopicEnds<'c> {
    pub(super) fn new(
        consumer: &'c BaseConsumer<ConsumerCallbacks>,
        log: &'c ConsumerLog,
        topics: Vec<String>,
    ) -> Self {
        Self { consumer, log, topics, found: BTreeMap::new(), answered: None }
    }

    /// Tries once. `is_over` says whether to give up meanwhile.
    ///
    /// # Errors
    /// In one sentence, what is missing.
    pub(super) fn commit(&mut self, is_over: impl Fn() -> bool) -> Result<(), String> {
        let mut problem = None;
        for topic in std::mem::take(&mut self.topics) {
            match self.topic(&topic, &is_over) {
                Ok(()) => continue,
                Err(Obstacle::Stopped) => problem = Some("it is to stop".to_owned()),
                Err(Obstacle::Away(error)) => {
                    self.answered = None;
                    problem = Some(format!("where topic {topic} ends is not known yet: {error}"));
                }
                Err(Obstacle::Topic(reason)) if self.is_patient() => {
                    problem = Some(format!("where topic {topic} ends is not known yet: {reason}"));
                }
                Err(Obstacle::Topic(reason)) => {
                    let line = format_args!(
                        "topic {topic} is read from its beginning where no end is known: {reason}"
                    );
                    self.log.group.log(Level::Warn, line);
                    continue;
                }
            }
            self.topics.push(topic);
        }
        problem.map_or(Ok(()), Err)
    }

    fn is_patient(&self) -> bool {
        self.answered.is_none_or(|answered| answered.elapsed() < PATIENCE)
    }

    fn topic(&mut self, topic: &str, is_over: &impl Fn() -> bool) -> Result<(), Obstacle> {
        let metadata = self.consumer.fetch_metadata(Some(topic), ANSWER)?;
        self.answered.get_or_insert_with(Instant::now);
        let Some(described) = metadata.topics().iter().find(|described| described.name() == topic) else {
            return Err(Obstacle::Topic("no broker says anything of it".to_owned()));
        };
        match described.error() {
            None => {}
            // All that comes to a topic that is not there yet comes later.
            Some(RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) => return Ok(()),
            Some(error) => return Err(Obstacle::Topic(RDKafkaErrorCode::from(error).to_string())),
        }
        let partitions: Vec<i32> = described.partitions().iter().map(MetadataPartition::id).collect();
        if self.has_offsets(topic, &partitions)? {
            return Ok(());
        }
        let mut missing = None;
        for partition in described.partitions() {
            if is_over() {
                return Err(Obstacle::Stopped);
            }
            let key = (topic.to_owned(), partition.id());
            if self.found.contains_key(&key) {
                continue;
            }
            // librdkafka would wait for a leader as long as it may.
            let end = if partition.leader() < 0 {
                Err("it has no leader".to_owned())
            } else {
                let ends = self.consumer.fetch_watermarks(topic, partition.id(), ANSWER);
                ends.map_err(|error| error.to_string())
            };
            match end {
                Ok((_, end)) => {
                    self.found.insert(key, end);
                }
                Err(reason) => missing = Some(format!("partition {}: {reason}", partition.id())),
            }
        }
        match missing {
            Some(missing) if self.is_patient() => Err(Obstacle::Topic(missing)),
            missing => {
                self.commit_found(topic)?;
                missing.map_or(Ok(()), |missing| Err(Obstacle::Topic(missing)))
            }
        }
    }

    /// Whether the group has an offset in any of these partitions.
    fn has_offsets(&self, topic: &str, partitions: &[i32]) -> Result<bool, Obstacle> {
        let mut list = TopicPartitionList::with_capacity(partitions.len());
        for partition in partitions {
            list.add_partition(topic, *partition);
        }
        let committed = self.consumer.committed_offsets(list, ANSWER)?;
        for element in committed.elements() {
            element.error()?;
        }
        Ok(committed.elements().iter().any(|element| matches!(element.offset(), Offset::Offset(_))))
    }

    fn commit_found(&self, topic: &str) -> Result<(), Obstacle> {
        let mut list = TopicPartitionList::new();
        for ((_, partition), end) in self.found.iter().filter(|((of, _), _)| of == topic) {
            list.add_partition_offset(topic, *partition, Offset::Offset(*end))?;
        }
        if list.count() == 0 {
            return Ok(());
        }
        match self.consumer.commit(&list, CommitMode::Sync) {
            Ok(()) => {
                log::info!("topic {topic} is read from its end on: the group had no offset in it");
                Ok(())
            }
            // Another process of the group has joined since; it commits before it does, if it is of this program.
            Err(error) if is_of_others(&error) => {
                Err(Obstacle::Topic(format!("others of the group have no offsets yet ({error})")))
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Whether offsets are refused because the group has members, which alone may commit.
fn is_of_others(error: &ClientError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(
            RDKafkaErrorCode::UnknownMemberId
                | RDKafkaErrorCode::IllegalGeneration
                | RDKafkaErrorCode::RebalanceInProgress
        )
    )
}
