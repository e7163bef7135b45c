//! Partitions of topics.

use std::collections::HashSet;

use rdkafka::message::BorrowedMessage;
use rdkafka::{Message, TopicPartitionList};

/// A topic and the number of one of its partitions.
pub(super) type Partition = (String, i32);

/// The partition of a message.
pub(super) fn partition_of(message: &BorrowedMessage<'_>) -> Partition {
    (message.topic().to_owned(), message.partition())
}

/// Whether a message is of one of these partitions.
pub(super) fn is_of(message: &BorrowedMessage<'_>, partitions: &HashSet<Partition>) -> bool {
    partitions.iter().any(|(topic, partition)| *partition == message.partition() && topic == message.topic())
}

/// Partitions as librdkafka takes them.
pub(super) fn to_list<'p>(partitions: impl IntoIterator<Item = &'p Partition>) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    for (topic, partition) in partitions {
        list.add_partition(topic, *partition);
    }
    list
}
