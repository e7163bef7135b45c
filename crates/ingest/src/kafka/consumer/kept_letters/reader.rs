//! Reads a topic from its beginning to where it ends at the moment, without a group: nothing is committed.

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError as ClientError, RDKafkaErrorCode};
use rdkafka::message::BorrowedMessage;
use rdkafka::{Message, Offset, TopicPartitionList};

use super::super::client_config::unusable;
use crate::kafka::error::KafkaError;
use crate::kafka::settings::KafkaSettings;

/// How long a broker may take to answer one question, and how long a topic may say nothing although it has not ended.
const ANSWER: Duration = Duration::from_secs(10);
const SILENCE: Duration = Duration::from_secs(30);

/// A topic that is read as a whole.
pub(super) struct Reader {
    consumer: BaseConsumer,
    topic: String,
}

impl Reader {
    pub(super) fn new(settings: &KafkaSettings, topic: &str) -> Result<Self, KafkaError> {
        let mut config = settings.consumer()?;
        // The end of a partition is to be told of: what lies before it may be nothing that is ever delivered.
        config
            .set("enable.auto.commit", "false")
            .set("enable.partition.eof", "true")
            .set("statistics.interval.ms", "0");
        let consumer = config.create().map_err(|error| unusable(&error))?;
        Ok(Self { consumer, topic: topic.to_owned() })
    }

    /// Visits each message that is there when it begins, those of a partition in order.
    pub(super) fn read(
        &self,
        mut visit: impl FnMut(&BorrowedMessage<'_>) -> Result<(), KafkaError>,
    ) -> Result<(), KafkaError> {
        let mut open = self.ends().map_err(|error| self.unreadable(error))?;
        open.retain(|_, (begin, end)| begin < end);
        let mut list = TopicPartitionList::new();
        for (partition, (begin, _)) in &open {
            let added = list.add_partition_offset(&self.topic, *partition, Offset::Offset(*begin));
            added.map_err(|error| self.unreadable(error))?;
        }
        self.consumer.assign(&list).map_err(|error| self.unreadable(error))?;
        while !open.is_empty() {
            match self.consumer.poll(SILENCE) {
                Some(Ok(message)) => {
                    let (partition, offset) = (message.partition(), message.offset());
                    let Some((_, end)) = open.get(&partition).copied() else { continue };
                    if offset < end {
                        visit(&message)?;
                    }
                    if offset + 1 >= end {
                        open.remove(&partition);
                    }
                }
                Some(Err(ClientError::PartitionEOF(partition))) => {
                    open.remove(&partition);
                }
                Some(Err(error)) if error.rdkafka_error_code().is_some_and(may_pass) => {}
                Some(Err(error)) => return Err(self.unreadable(error)),
                None => return Err(self.unreadable("it says nothing any more")),
            }
        }
        self.consumer.unassign().map_err(|error| self.unreadable(error))
    }

    /// Where each partition begins and ends.
    ///
    /// # Errors
    /// Also for a topic that is not there, or that this user may not see: an empty one looks the same otherwise.
    fn ends(&self) -> Result<BTreeMap<i32, (i64, i64)>, ClientError> {
        let metadata = self.consumer.fetch_metadata(Some(&self.topic), ANSWER)?;
        let described = metadata.topics().iter().find(|described| described.name() == self.topic);
        let described = described.ok_or(ClientError::MetadataFetch(RDKafkaErrorCode::UnknownTopic))?;
        if let Some(code) = described.error() {
            return Err(ClientError::MetadataFetch(code.into()));
        }
        if described.partitions().is_empty() {
            return Err(ClientError::MetadataFetch(RDKafkaErrorCode::UnknownPartition));
        }
        let mut ends = BTreeMap::new();
        for partition in described.partitions() {
            let error = partition.error().map(RDKafkaErrorCode::from);
            // Its leader answers all the same.
            if let Some(code) = error.filter(|code| *code != RDKafkaErrorCode::ReplicaNotAvailable) {
                return Err(ClientError::MetadataFetch(code));
            }
            let found = self.consumer.fetch_watermarks(&self.topic, partition.id(), ANSWER)?;
            ends.insert(partition.id(), found);
        }
        Ok(ends)
    }

    fn unreadable(&self, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> KafkaError {
        KafkaError::Unreadable { topic: self.topic.clone(), source: error.into() }
    }
}

/// Whether librdkafka tells of something that it mends by itself: a broker or all of them are away for the moment.
const fn may_pass(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode::{AllBrokersDown, BrokerTransportFailure, OperationTimedOut, Resolve};
    matches!(code, AllBrokersDown | BrokerTransportFailure | OperationTimedOut | Resolve)
}
