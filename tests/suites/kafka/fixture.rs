//! A broker with topics, a database, and the settings that bring both together.

use gathering_tests::{Broker, CLUSTER, Message, TestDatabase, TestServer, TestServerBuilder};

/// What flows from where to where.
pub(crate) struct Flow {
    pub(crate) broker: Broker,
    pub(crate) results: String,
    pub(crate) dead_letters: String,
    pub(crate) group: String,
}

impl Flow {
    pub(crate) fn new(partitions: i32) -> Self {
        let broker = Broker::start();
        let (results, dead_letters) = (broker.topic(partitions), broker.topic(1));
        let group = format!("g{}", uuid::Uuid::new_v4().simple());
        Self { broker, results, dead_letters, group }
    }

    /// The settings of the consumer.
    pub(crate) fn settings(&self) -> Vec<String> {
        vec![
            "ingest.kafka.enabled=true".to_owned(),
            format!("ingest.kafka.brokers={}", self.broker.servers()),
            format!("ingest.kafka.group={}", self.group),
            format!("ingest.kafka.results_topic={}", self.results),
            format!("ingest.kafka.dead_letter_topic={}", self.dead_letters),
            // The shortest that Apache Kafka lets through by default.
            "ingest.kafka.properties.session.timeout.ms=6000".to_owned(),
            "ingest.kafka.properties.heartbeat.interval.ms=500".to_owned(),
            "ingest.kafka.properties.statistics.interval.ms=100".to_owned(),
            "ingest.kafka.properties.auto.commit.interval.ms=200".to_owned(),
        ]
    }

    /// A server with the consumer in it.
    pub(crate) fn server(&self, database: TestDatabase) -> TestServerBuilder {
        let builder = TestServer::builder(database).set("report.unknown_content=include");
        self.settings().iter().fold(builder, |builder, setting| builder.set(setting))
    }

    /// Arguments for the program.
    pub(crate) fn arguments<'a>(&self, command: &'a [&'a str], database: &str) -> Vec<String> {
        let mut arguments: Vec<String> = command.iter().map(|&part| part.to_owned()).collect();
        for setting in self.settings().into_iter().chain([format!("storage.url={database}")]) {
            arguments.extend(["--set".to_owned(), setting]);
        }
        arguments
    }

    pub(crate) fn publish(&self, messages: &[Message]) {
        for message in messages {
            self.broker.publisher().publish(&self.results, message.to_string());
        }
        self.broker.publisher().flush();
    }
}

/// A message with one hit, whose key tells its number.
pub(crate) fn numbered(number: usize) -> Message {
    Message::new(42, CLUSTER, &format!("r{number}")).hit(&format!("rules.a|KEY_{number}"))
}

/// What the database has to hold of so many numbered messages.
pub(crate) fn expected(count: usize) -> Vec<(String, String)> {
    let mut expected: Vec<_> =
        (0..count).map(|number| (format!("r{number}"), format!("rules.a|KEY_{number}"))).collect();
    expected.sort();
    expected
}

/// The value of a sample in a text of metrics.
pub(crate) fn sample(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
}
