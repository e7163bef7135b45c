//! What keeps a consumer from starting, or ends it.

use std::error::Error;
use std::path::PathBuf;

/// Why there is no consumer.
#[derive(Debug, thiserror::Error)]
pub enum KafkaError {
    /// This program has no Kafka client.
    #[error(
        "this program is built without Kafka: set ingest.kafka.enabled = false, or use one that is built with the \
         feature \"kafka\""
    )]
    NotBuilt,
    /// librdkafka does not take the settings.
    #[error("the settings of ingest.kafka are not usable: {problem}")]
    Settings {
        /// What it said, without values.
        problem: String,
    },
    /// A property of librdkafka that has a setting of its own, or that correctness depends on.
    #[error(
        "the property {key} cannot be set in ingest.kafka.properties: a setting of ingest.kafka or the promise to lose \
         nothing stands for it"
    )]
    ReservedProperty {
        /// Which one.
        key: String,
    },
    /// A file that the settings name cannot be read.
    #[error("the file {} cannot be read ({source}); check ingest.kafka.security", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A protocol with a login, and no login.
    #[error(
        "this ingest.kafka.security.protocol needs ingest.kafka.security.username and \
         ingest.kafka.security.password_file"
    )]
    LoginMissing,
    /// The topics cannot be subscribed to.
    #[error("the topics cannot be subscribed to: {source}")]
    Subscription {
        /// What the client said.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The client met an error that it cannot go on after.
    #[error("the Kafka client cannot go on: {source}")]
    Fatal {
        /// What the client said.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The system gave no thread.
    #[error("the consumer cannot start: {source}")]
    Thread {
        /// What the system said.
        source: std::io::Error,
    },
    /// The consumer's thread ended without a word: a defect.
    #[error("the consumer has ended")]
    Ended,
}
