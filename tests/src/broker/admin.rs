//! What an administrator does to topics, groups and brokers, and what happens to them.

use std::future::Future;
use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use super::{Broker, PATIENCE};

impl Broker {
    /// A new topic with a name of its own.
    ///
    /// # Panics
    /// If it cannot be made.
    pub fn topic(&self, partitions: i32) -> String {
        let name = Self::name();
        self.create_topic(&name, partitions);
        name
    }

    /// Makes a topic of this name.
    ///
    /// # Panics
    /// If it cannot be made.
    pub fn create_topic(&self, name: &str, partitions: i32) {
        if let Some(mock) = &self.mock {
            mock.create_topic(name, partitions, 1).expect("a topic");
            return;
        }
        let topic = NewTopic::new(name, partitions, TopicReplication::Fixed(1));
        for result in wait(self.admin().create_topics([&topic], &options())) {
            result.expect("a topic");
        }
    }

    /// Adds partitions to a topic until it has so many.
    ///
    /// # Panics
    /// With the mock cluster, which cannot.
    pub fn grow_topic(&self, name: &str, partitions: usize) {
        let partitions = NewPartitions::new(name, partitions);
        for result in wait(self.admin().create_partitions([&partitions], &options())) {
            result.expect("partitions");
        }
    }

    /// Deletes a topic with all that is in it.
    ///
    /// # Panics
    /// With the mock cluster, which cannot.
    pub fn delete_topic(&self, name: &str) {
        for result in wait(self.admin().delete_topics(&[name], &options())) {
            result.expect("a topic");
        }
    }

    /// Deletes the messages of a partition before this offset, as their retention would.
    ///
    /// # Panics
    /// With the mock cluster, which cannot.
    pub fn delete_records(&self, topic: &str, partition: i32, before: i64) {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, partition, Offset::Offset(before)).expect("a partition");
        wait(self.admin().delete_records(&list, &options()));
    }

    /// Commits an offset as a group without members.
    ///
    /// # Panics
    /// If the broker refuses.
    pub fn commit(&self, topic: &str, group: &str, partition: i32, offset: i64) {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, partition, Offset::Offset(offset)).expect("a partition");
        self.client(group).commit(&list, CommitMode::Sync).expect("a committed offset");
    }

    /// What a group has committed in each partition of a topic.
    ///
    /// # Panics
    /// If the broker does not say.
    pub fn committed(&self, topic: &str, group: &str, partitions: i32) -> Vec<Option<i64>> {
        let mut list = TopicPartitionList::new();
        for partition in 0..partitions {
            list.add_partition(topic, partition);
        }
        let committed = Self::committed_offsets(&self.client(group), &list);
        let offsets = committed.elements();
        offsets.iter().map(|element| element.offset().to_raw().filter(|offset| *offset >= 0)).collect()
    }

    /// Takes the mock cluster's only broker off the network, or puts it back.
    ///
    /// # Panics
    /// With a real broker, which other tests use.
    pub fn set_up(&self, is_up: bool) {
        let mock = self.mock();
        if is_up { mock.broker_up(1) } else { mock.broker_down(1) }.expect("a broker that obeys");
    }

    /// Lets the mock cluster's only broker take this long for each answer.
    ///
    /// # Panics
    /// With a real broker, which other tests use.
    pub fn set_delay(&self, delay: Duration) {
        self.mock().broker_round_trip_time(1, delay).expect("a broker that obeys");
    }

    /// Takes its leader from a partition of the mock cluster, or gives it back.
    ///
    /// # Panics
    /// With a real broker.
    pub fn set_leader(&self, topic: &str, partition: i32, has_leader: bool) {
        let leader = has_leader.then_some(1);
        self.mock().partition_leader(topic, partition, leader).expect("a broker that obeys");
    }

    fn mock(&self) -> &MockCluster<'static, DefaultProducerContext> {
        self.mock.as_ref().expect("the mock cluster")
    }

    fn admin(&self) -> AdminClient<DefaultClientContext> {
        assert!(self.is_real(), "the mock cluster has no administration");
        ClientConfig::new().set("bootstrap.servers", &self.servers).create().expect("a client")
    }
}

fn options() -> AdminOptions {
    AdminOptions::new().operation_timeout(Some(PATIENCE))
}

fn wait<T>(answer: impl Future<Output = rdkafka::error::KafkaResult<T>>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(answer).expect("an answer")
}
