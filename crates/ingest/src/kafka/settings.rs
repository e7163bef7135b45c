//! The settings of the consumer.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// What the consumer needs to know. See `config/default.toml` for defaults.
#[derive(Debug, Clone)]
pub struct KafkaSettings {
    /// `host:port` pairs, separated by commas.
    pub brokers: String,
    /// The consumer group.
    pub group: String,
    /// How the brokers know this client.
    pub client_id: String,
    /// Where results are published.
    pub results_topic: String,
    /// Where uploads are announced, if that is to be read.
    pub announcements_topic: Option<String>,
    /// Where refused messages go, if anywhere.
    pub dead_letter_topic: Option<String>,
    /// Where the payload tracker is told of messages, if anywhere.
    pub payload_tracker_topic: Option<String>,
    /// How the payload tracker knows this service.
    pub service_name: String,
    /// Where a group starts that has no offsets yet.
    pub start: Start,
    /// How brokers are talked to.
    pub security: Security,
    /// Properties of librdkafka, over what this crate sets, except for those that correctness depends on.
    pub properties: BTreeMap<String, String>,
}

/// Where a group starts that has no offsets yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// With what is waiting.
    Earliest,
    /// With what comes next: before it subscribes, the ends of each topic are committed that the group has no offset in.
    Latest,
}

/// How brokers are talked to.
#[derive(Debug, Clone)]
pub struct Security {
    /// Encrypted or not, with a login or not.
    pub protocol: SecurityProtocol,
    /// The certificate of the authority that signed those of the brokers; the system's without it.
    pub ca_file: Option<PathBuf>,
    /// The certificate of this client.
    pub cert_file: Option<PathBuf>,
    /// Its key.
    pub key_file: Option<PathBuf>,
    /// How to log in.
    pub mechanism: SaslMechanism,
    /// As whom.
    pub username: Option<String>,
    /// A file with the password, without one final newline.
    pub password_file: Option<PathBuf>,
}

/// `security.protocol` of librdkafka.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecurityProtocol {
    /// Neither encrypted nor with a login.
    Plaintext,
    /// Encrypted.
    Ssl,
    /// With a login.
    SaslPlaintext,
    /// Encrypted, with a login.
    SaslSsl,
}

/// `sasl.mechanism` of librdkafka.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names of RFC 4616, RFC 7677 and their like")]
pub enum SaslMechanism {
    Plain,
    ScramSha256,
    ScramSha512,
}
