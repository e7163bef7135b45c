//! Offsets of finished messages.

use std::collections::{BTreeMap, HashMap, HashSet};

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};

use super::callbacks::ConsumerCallbacks;
use super::partition::Partition;

/// The offsets that were stored for the partitions of this process.
#[derive(Debug, Default)]
pub(super) struct Offsets {
    next: HashMap<Partition, i64>,
}

impl Offsets {
    /// Stores these offsets: everything before them in their partitions is finished. librdkafka commits them a little later.
    ///
    /// librdkafka commits nothing by itself that lies before what was committed. After an offset that a topic no longer
    /// has, since it was made anew or lost its end, it reads from the beginning: until the old offset was reached, a
    /// restart would begin there and skip what came to lie before it. So the first offset of a partition, and each that
    /// goes back, is committed at once.
    pub(super) fn store(
        &mut self,
        consumer: &BaseConsumer<ConsumerCallbacks>,
        next: BTreeMap<Partition, i64>,
    ) -> Result<(), KafkaError> {
        if consumer.context().take_commit_failed() {
            self.next.clear();
        }
        let (mut list, mut at_once) =
            (TopicPartitionList::with_capacity(next.len()), TopicPartitionList::new());
        for (partition, &offset) in &next {
            list.add_partition_offset(&partition.0, partition.1, Offset::Offset(offset))?;
            if self.next.get(partition).is_none_or(|&before| before > offset) {
                at_once.add_partition_offset(&partition.0, partition.1, Offset::Offset(offset))?;
            }
        }
        consumer.store_offsets(&list)?;
        if at_once.count() > 0 {
            consumer.commit(&at_once, CommitMode::Async)?;
        }
        self.next.extend(next);
        Ok(())
    }

    /// Forgets partitions that were revoked.
    pub(super) fn forget(&mut self, revoked: &HashSet<Partition>) {
        self.next.retain(|partition, _| !revoked.contains(partition));
    }
}
