//! A Kafka broker for tests: librdkafka's mock cluster, or the real one that `make test-kafka` has started. Both speak the
//! real protocol on a port of this machine.

mod admin;

use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Header, Headers, Message as _, OwnedHeaders};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{Offset, TopicPartitionList};

/// Where the real broker is.
const VARIABLE: &str = "GATHERING_TEST_KAFKA";

const PATIENCE: Duration = Duration::from_secs(60);

/// A broker, or a way to the one that all tests share. Topics and groups have names of their own for each test.
pub struct Broker {
    servers: String,
    mock: Option<MockCluster<'static, DefaultProducerContext>>,
    publisher: Publisher,
}

impl std::fmt::Debug for Broker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Broker").field("servers", &self.servers).finish_non_exhaustive()
    }
}

/// Publishes messages, from any thread.
pub struct Publisher(ThreadedProducer<DefaultProducerContext>);

impl std::fmt::Debug for Publisher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Publisher").finish_non_exhaustive()
    }
}

impl Publisher {
    /// Publishes a message without key and headers, as the pipeline does.
    ///
    /// # Panics
    /// If the client takes no more.
    pub fn publish(&self, topic: &str, value: impl AsRef<[u8]>) {
        self.send(BaseRecord::to(topic).key("").payload(value.as_ref()), false);
    }

    /// Publishes a message with key and headers.
    ///
    /// # Panics
    /// If the client takes no more.
    pub fn publish_with(&self, topic: &str, value: impl AsRef<[u8]>, key: &str, headers: &[(&str, &str)]) {
        let headers = headers.iter().fold(OwnedHeaders::new(), |headers, &(key, value)| {
            headers.insert(Header { key, value: Some(value) })
        });
        self.send(BaseRecord::to(topic).key(key).payload(value.as_ref()).headers(headers), true);
    }

    /// Publishes to one partition.
    ///
    /// # Panics
    /// If the client takes no more.
    pub fn publish_to(&self, topic: &str, partition: i32, value: impl AsRef<[u8]>) {
        self.send(BaseRecord::to(topic).partition(partition).key("").payload(value.as_ref()), false);
    }

    fn send(&self, mut record: BaseRecord<'_, str, [u8]>, has_key: bool) {
        if !has_key {
            record.key = None;
        }
        if let Err((error, _)) = self.0.send(record) {
            panic!("{error}");
        }
    }

    /// Waits until the broker has everything that was published.
    ///
    /// # Panics
    /// If it does not take it.
    pub fn flush(&self) {
        self.0.flush(PATIENCE).expect("the broker takes everything");
    }
}

/// A message as it lies in a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    /// Its value.
    pub value: Vec<u8>,
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// Its headers, in order.
    pub headers: Vec<(String, String)>,
}

impl Delivered {
    /// The value of the only header of this name.
    ///
    /// # Panics
    /// If there is none, or more than one.
    pub fn header(&self, name: &str) -> &str {
        let mut found = self.headers.iter().filter(|(key, _)| key == name);
        let (_, value) = found.next().unwrap_or_else(|| panic!("no header {name}: {:?}", self.headers));
        assert_eq!(found.next(), None, "{name} is there twice");
        value
    }
}

impl Broker {
    /// A broker to be used by one test.
    ///
    /// # Panics
    /// If it does not start, or the real one does not answer.
    pub fn start() -> Self {
        let real = cfg!(feature = "apache-kafka").then(|| {
            std::env::var(VARIABLE)
                .unwrap_or_else(|_| panic!("{VARIABLE} is not set: run the tests with `make test-kafka`"))
        });
        let mock = real.is_none().then(|| MockCluster::new(1).expect("a mock cluster"));
        let servers =
            real.or_else(|| mock.as_ref().map(MockCluster::bootstrap_servers)).expect("one of the two");
        let producer = ClientConfig::new()
            .set("bootstrap.servers", &servers)
            .set("acks", "all")
            .set("linger.ms", "5")
            // A broker that comes back is found at once, not after up to ten seconds a try.
            .set("reconnect.backoff.max.ms", "500")
            .set("queue.buffering.max.messages", "1000000")
            .create()
            .expect("a producer");
        Self { servers, mock, publisher: Publisher(producer) }
    }

    /// True for Apache Kafka, false for the mock cluster.
    pub const fn is_real(&self) -> bool {
        self.mock.is_none()
    }

    /// `host:port` of the listener of this name, `TLS` or `LOGIN`, of the real broker.
    ///
    /// # Panics
    /// With the mock cluster, which has neither.
    pub fn listener(name: &str) -> String {
        std::env::var(format!("{VARIABLE}_{name}")).expect("a listener of the real broker")
    }

    /// A file that goes with these listeners: `ca.crt`, `client.crt`, `client.key` or `password`.
    ///
    /// # Panics
    /// With the mock cluster, which has none.
    pub fn file(name: &str) -> String {
        let folder = std::env::var(format!("{VARIABLE}_FILES")).expect("the files of the real broker");
        format!("{folder}/{name}")
    }

    /// `host:port`
    pub fn servers(&self) -> &str {
        &self.servers
    }

    /// The way into its topics.
    pub const fn publisher(&self) -> &Publisher {
        &self.publisher
    }

    /// A name that no topic and no group has.
    pub fn name() -> String {
        format!("t{}", uuid::Uuid::new_v4().simple())
    }

    /// A topic that takes no message.
    ///
    /// # Panics
    /// If the mock cluster does not make one.
    pub fn unusable_topic(&self) -> String {
        // A name that no real broker makes a topic of. The mock cluster takes any, but lets itself be told.
        let name = format!("not/{}", uuid::Uuid::new_v4().simple());
        if let Some(mock) = &self.mock {
            mock.create_topic(&name, 1, 1).expect("a topic");
            mock.topic_error(&name, RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
                .expect("a topic that fails");
        }
        name
    }

    /// Everything that a topic holds.
    ///
    /// # Panics
    /// If it cannot be read.
    pub fn read(&self, topic: &str) -> Vec<Delivered> {
        let reader = self.client(&format!("reader{}", uuid::Uuid::new_v4().simple()));
        let ends = Self::ends(&reader, topic);
        let mut list = TopicPartitionList::new();
        for (partition, _) in &ends {
            list.add_partition_offset(topic, *partition, Offset::Beginning).expect("a partition");
        }
        reader.assign(&list).expect("partitions");
        drop(list);
        let total: i64 = ends.iter().map(|(_, (low, high))| high - low).sum();
        let mut delivered = Vec::new();
        while i64::try_from(delivered.len()).expect("few") < total {
            let message = reader.poll(PATIENCE).expect("what is there comes").expect("a message");
            let headers = message.headers().map(|headers| {
                let text =
                    |value: Option<&[u8]>| String::from_utf8_lossy(value.unwrap_or_default()).into_owned();
                headers.iter().map(|header| (header.key.to_owned(), text(header.value))).collect()
            });
            delivered.push(Delivered {
                value: message.payload().unwrap_or_default().to_vec(),
                key: message.key().map(<[u8]>::to_vec),
                headers: headers.unwrap_or_default(),
            });
        }
        delivered
    }

    /// How many messages of a topic a group has not committed.
    ///
    /// # Panics
    /// If the broker does not say.
    pub fn uncommitted(&self, topic: &str, group: &str) -> i64 {
        let client = self.client(group);
        let ends = Self::ends(&client, topic);
        let mut list = TopicPartitionList::new();
        for (partition, _) in &ends {
            list.add_partition(topic, *partition);
        }
        let committed = Self::committed_offsets(&client, &list);
        ends.iter()
            .map(|(partition, (low, high))| {
                match committed.find_partition(topic, *partition).map(|element| element.offset()) {
                    Some(Offset::Offset(offset)) => high - offset,
                    _ => high - low,
                }
            })
            .sum()
    }

    /// Asks again where a broker has yet to find out that it coordinates a new group.
    fn committed_offsets(client: &BaseConsumer, list: &TopicPartitionList) -> TopicPartitionList {
        let started = Instant::now();
        loop {
            match client.committed_offsets(list.clone(), PATIENCE) {
                Ok(committed) => return committed,
                Err(error) => assert!(started.elapsed() < PATIENCE, "{error}"),
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn client(&self, group: &str) -> BaseConsumer {
        ClientConfig::new()
            .set("bootstrap.servers", &self.servers)
            .set("group.id", group)
            .set("enable.auto.commit", "false")
            .create()
            .expect("a client")
    }

    /// Where each partition begins and ends.
    fn ends(client: &BaseConsumer, topic: &str) -> Vec<(i32, (i64, i64))> {
        let metadata = client.fetch_metadata(Some(topic), PATIENCE).expect("metadata");
        let partitions = metadata.topics().first().expect("the topic").partitions();
        partitions
            .iter()
            .map(|partition| {
                let ends = client.fetch_watermarks(topic, partition.id(), PATIENCE).expect("watermarks");
                (partition.id(), ends)
            })
            .collect()
    }
}
