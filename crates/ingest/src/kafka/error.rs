//! What keeps a consumer from starting, or ends it.

use std::error::Error;
use std::path::PathBuf;

/// Why there is no consumer.
#[derive(Debug, thiserror::Error)]
pub enum KafkaError {
    #[error(
        "this program is built without Kafka: set ingest.kafka.enabled = false, or use one that `make build` makes, or that is \
         built with the feature \"kafka\""
    )]
    NotBuilt,
    #[error("the settings of ingest.kafka are not usable: {problem}")]
    Settings { problem: String },
    #[error(
        "the property {key} cannot be set in ingest.kafka.properties: a setting of ingest.kafka or the promise to lose \
         nothing stands for it"
    )]
    ReservedProperty { key: String },
    #[error("the file {} cannot be read ({source}); check ingest.kafka.security", path.display())]
    File { path: PathBuf, source: std::io::Error },
    #[error(
        "this ingest.kafka.security.protocol needs ingest.kafka.security.username and, as password or password_file, its \
         password"
    )]
    LoginMissing,
    #[error("there is no dead letter topic; set ingest.kafka.dead_letter_topic")]
    NoDeadLetterTopic,
    #[error("the topic {topic} cannot be read: {source}")]
    Unreadable { topic: String, source: Box<dyn Error + Send + Sync> },
    #[error(
        "nothing was sent: the topic {topic} takes no marks of what was sent again, so that every run would send the same \
         ({source}); check the right to write to it"
    )]
    NoMarks { topic: String, source: Box<dyn Error + Send + Sync> },
    #[error(
        "{source}; {sent} were sent again before that, and the same command passes them over but for {unmarked} that could not be \
         marked"
    )]
    ReplayStopped {
        /// Letters that their topics have.
        sent: u64,
        /// Those of them that the next run sends once more.
        unmarked: u64,
        source: Box<KafkaError>,
    },
    #[error("the dead letter {partition}/{offset} could not be sent again: {source}")]
    NotReplayed { partition: i32, offset: i64, source: Box<dyn Error + Send + Sync> },
    #[error("the dead letter {partition}/{offset} was sent again, but could not be marked as sent: {source}")]
    NotMarked { partition: i32, offset: i64, source: Box<dyn Error + Send + Sync> },
    #[error("the topics cannot be subscribed to: {source}")]
    Subscription { source: Box<dyn Error + Send + Sync> },
    #[error("the Kafka client cannot go on: {source}")]
    Fatal { source: Box<dyn Error + Send + Sync> },
    #[error("the consumer cannot start: {source}")]
    Thread { source: std::io::Error },
    #[error("the consumer has ended")]
    Ended,
}
