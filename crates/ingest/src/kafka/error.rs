//! What keeps a consumer from starting, or ends it.

use std::path::PathBuf;

use rdkafka::error::KafkaError as ClientError;

/// Why there is no consumer.
#[derive(Debug, thiserror::Error)]
pub enum KafkaError {
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
        source: ClientError,
    },
    /// The client met an error that it cannot go on after.
    #[error("the Kafka client cannot go on: {source}")]
    Fatal {
        /// What the client said.
        source: ClientError,
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

impl KafkaError {
    /// What librdkafka says of its settings; a value can be a password, and is left out.
    pub(super) fn settings(error: &ClientError) -> Self {
        let problem = match error {
            ClientError::ClientConfig(_, description, key, _) => format!("{key}: {description}"),
            ClientError::ClientCreation(description) => description.clone(),
            other => other.to_string(),
        };
        Self::Settings { problem }
    }
}
