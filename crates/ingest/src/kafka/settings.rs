//! The settings of the consumer.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// The settings of the consumer. `config/default.toml` has the defaults.
#[derive(Debug, Clone)]
pub struct KafkaSettings {
    /// `host:port` pairs, separated by commas.
    pub brokers: String,
    pub group: String,
    /// The name of this client at the brokers.
    pub client_id: String,
    /// The topic of result messages.
    pub results_topic: String,
    /// The topic of upload announcements, if they are to be read.
    pub announcements_topic: Option<String>,
    /// The topic for refused messages, if they are to be kept.
    pub dead_letter_topic: Option<String>,
    /// The topic of the payload tracker, if it is to be told.
    pub payload_tracker_topic: Option<String>,
    /// The name of this service at the payload tracker.
    pub service_name: String,
    pub start: Start,
    pub security: Security,
    /// Properties of librdkafka, which override what this crate sets. Those that correctness depends on are refused.
    pub properties: BTreeMap<String, String>,
}

/// Where a group starts that has no offsets yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// At the first message that is there.
    Earliest,
    /// At the next message. Before the consumer subscribes, it commits the ends of each topic in which the group has no offset.
    Latest,
}

/// Encryption and login.
#[derive(Debug, Clone)]
pub struct Security {
    pub protocol: SecurityProtocol,
    /// The certificate of the authority of the brokers. Without it, those of the system count.
    pub ca_file: Option<PathBuf>,
    pub cert_file: Option<PathBuf>,
    pub key_file: Option<PathBuf>,
    pub mechanism: SaslMechanism,
    pub username: Option<String>,
    pub password: Option<Password>,
}

/// Where the password of a login is.
#[derive(Clone, PartialEq, Eq)]
pub enum Password {
    /// It is this text.
    Text(String),
    /// A file holds it, before one final newline.
    File(PathBuf),
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => f.write_str("Text(***)"),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
        }
    }
}

/// `security.protocol` of librdkafka.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecurityProtocol {
    Plaintext,
    Ssl,
    SaslPlaintext,
    SaslSsl,
}

/// `sasl.mechanism` of librdkafka.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaslMechanism {
    Plain,
    ScramSha256,
    ScramSha512,
}
