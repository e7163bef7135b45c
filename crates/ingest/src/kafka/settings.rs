//! What the consumer needs to know, and what librdkafka is told of it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use rdkafka::ClientConfig;

use super::error::KafkaError;
use super::properties;

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

impl SecurityProtocol {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Plaintext => "plaintext",
            Self::Ssl => "ssl",
            Self::SaslPlaintext => "sasl_plaintext",
            Self::SaslSsl => "sasl_ssl",
        }
    }

    const fn has_login(self) -> bool {
        matches!(self, Self::SaslPlaintext | Self::SaslSsl)
    }
}

impl SaslMechanism {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
        }
    }
}

/// How often topics are looked at for new partitions, and for topics that were not there before, in milliseconds. librdkafka's
/// own five minutes are longer than anybody waits for an answer; it keeps what it knows for three times as long.
const METADATA_REFRESH: &str = "10000";

impl KafkaSettings {
    /// Finds out whether librdkafka would take these settings. Opens no connection.
    pub fn check(&self) -> Result<(), KafkaError> {
        let refused = |error| KafkaError::settings(&error);
        let consumer = self.consumer()?.create_native_config().map_err(refused)?;
        let producer = self.producer()?.create_native_config().map_err(refused)?;
        for (config, keys) in [(consumer, properties::OF_CONSUMER), (producer, properties::OF_PRODUCER)] {
            for key in keys {
                // As librdkafka has understood it: it takes " 0", "0x0" and "0.5" for 0.
                let value = config.get(key).map_err(refused)?;
                if value.parse::<i64>().is_ok_and(|value| value <= 0) {
                    return Err(KafkaError::Settings { problem: format!("{key}: it has to be more than 0") });
                }
            }
        }
        Ok(())
    }

    /// How the consumer is made.
    pub(super) fn consumer(&self) -> Result<ClientConfig, KafkaError> {
        let mut config = ClientConfig::new();
        config
            // Partitions that stay where they are are read on during a rebalance.
            .set("partition.assignment.strategy", "cooperative-sticky")
            // Bounds the memory of what is fetched ahead. The wait once that is full has to be shorter than it takes to
            // work it off: with the usual second, a consumer gets 16 MiB a second.
            .set("queued.max.messages.kbytes", "16384")
            .set("fetch.queue.backoff.ms", "10")
            .set("statistics.interval.ms", "5000");
        self.client(&mut config)?;
        config
            .set("group.id", &self.group)
            // Of new partitions, and where an offset has expired, everything is read that is there. Where a group starts
            // is committed beforehand.
            .set("auto.offset.reset", "earliest")
            // What is committed every few seconds, and when a partition is given away, are the offsets that were
            // stored, and they are stored once the messages before them are durable.
            .set("enable.auto.commit", "true")
            .set("enable.auto.offset.store", "false");
        Ok(config)
    }

    /// How the producers of dead letters and for the payload tracker are made.
    pub(super) fn producer(&self) -> Result<ClientConfig, KafkaError> {
        let mut config = ClientConfig::new();
        config
            // The topic's own limit counts.
            .set("message.max.bytes", "100000000")
            .set("message.timeout.ms", "20000");
        self.client(&mut config)?;
        if let Some(alias) = properties::spare_timeout(&self.properties) {
            config.remove(alias);
        }
        config.set("acks", "all");
        Ok(config)
    }

    fn client(&self, config: &mut ClientConfig) -> Result<(), KafkaError> {
        config.set("topic.metadata.refresh.interval.ms", METADATA_REFRESH);
        let has_file = self.security.ca_file.is_some();
        if !has_file && !properties::name_authorities(&self.properties) {
            // OpenSSL, where it is built with this program, looks where no system has them.
            config.set("ssl.ca.location", "probe");
        }
        for (key, value) in &self.properties {
            if properties::is_reserved(key, value, has_file) {
                return Err(KafkaError::ReservedProperty { key: key.clone() });
            }
            config.set(key, value);
        }
        let Security { protocol, ca_file, cert_file, key_file, mechanism, username, password_file } =
            &self.security;
        config
            .set("bootstrap.servers", &self.brokers)
            .set("client.id", &self.client_id)
            .set("security.protocol", protocol.as_str());
        for (key, file) in [
            ("ssl.ca.location", ca_file),
            ("ssl.certificate.location", cert_file),
            ("ssl.key.location", key_file),
        ] {
            if let Some(path) = file {
                // librdkafka would find out as well, but say it less clearly.
                std::fs::metadata(path).map_err(|source| KafkaError::File { path: path.clone(), source })?;
                config.set(key, path.to_string_lossy());
            }
        }
        if protocol.has_login() {
            let (Some(username), Some(path)) = (username, password_file) else {
                return Err(KafkaError::LoginMissing);
            };
            let password = std::fs::read_to_string(path)
                .map_err(|source| KafkaError::File { path: path.clone(), source })?;
            config
                .set("sasl.mechanism", mechanism.as_str())
                .set("sasl.username", username)
                .set("sasl.password", password.strip_suffix('\n').unwrap_or(&password));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
