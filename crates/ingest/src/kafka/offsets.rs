//! Offsets of messages that are done with.

use std::collections::BTreeMap;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::{Message, Offset, TopicPartitionList};

use super::client::{Client, Partition};

/// Says that these messages and all before them in their partitions need not come again. They are committed a little
/// later.
pub(super) fn store<'a, M: Message + 'a>(
    consumer: &BaseConsumer<Client>,
    messages: impl Iterator<Item = &'a M>,
) -> Result<(), KafkaError> {
    let mut next: BTreeMap<Partition, i64> = BTreeMap::new();
    for message in messages {
        let offset = next.entry((message.topic().to_owned(), message.partition())).or_default();
        *offset = (*offset).max(message.offset() + 1);
    }
    let mut list = TopicPartitionList::with_capacity(next.len());
    for ((topic, partition), offset) in &next {
        list.add_partition_offset(topic, *partition, Offset::Offset(*offset))?;
    }
    consumer.store_offsets(&list)
}
