//! What the consumer needs to know, and what librdkafka is told of it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use rdkafka::ClientConfig;
use rdkafka::error::KafkaError as ClientError;

use super::{KafkaError, properties};

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
        self.consumer()?.create_native_config().map_err(refused)?;
        self.producer()?.create_native_config().map_err(refused)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(properties: &[(&str, &str)]) -> KafkaSettings {
        let properties = properties.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        KafkaSettings {
            brokers: "127.0.0.1:9092".to_owned(),
            group: "g".to_owned(),
            client_id: "c".to_owned(),
            results_topic: "r".to_owned(),
            announcements_topic: None,
            dead_letter_topic: None,
            payload_tracker_topic: None,
            service_name: "s".to_owned(),
            start: Start::Latest,
            security: Security {
                protocol: SecurityProtocol::Plaintext,
                ca_file: None,
                cert_file: None,
                key_file: None,
                mechanism: SaslMechanism::Plain,
                username: None,
                password_file: None,
            },
            properties: properties.collect(),
        }
    }

    #[test]
    fn properties_go_over_defaults_and_not_over_promises() {
        let config = settings(&[("statistics.interval.ms", "100"), ("fetch.min.bytes", "10")]);
        let consumer = config.consumer().unwrap();
        assert_eq!(consumer.get("statistics.interval.ms"), Some("100"));
        assert_eq!(consumer.get("fetch.min.bytes"), Some("10"));
        assert_eq!(consumer.get("auto.offset.reset"), Some("earliest"), "whatever the start");
        assert_eq!(consumer.get("enable.auto.offset.store"), Some("false"));
        assert!(config.check().is_ok());
        for key in properties::OURS {
            let error = settings(&[(key, "x")]).check().unwrap_err();
            assert!(matches!(error, KafkaError::ReservedProperty { .. }), "{key}");
        }
    }

    #[test]
    fn librdkafka_judges_properties_and_no_value_is_shown() {
        for (key, value) in [("no.such.property", "secret"), ("fetch.min.bytes", "secret")] {
            let error = settings(&[(key, value)]).check().unwrap_err().to_string();
            assert!(error.contains(key), "{error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn a_login_needs_a_name_and_a_password() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("password");
        std::fs::write(&path, "p w\n\n").unwrap();
        let mut settings = settings(&[]);
        settings.security.protocol = SecurityProtocol::SaslSsl;
        settings.security.mechanism = SaslMechanism::ScramSha512;
        assert!(matches!(settings.check(), Err(KafkaError::LoginMissing)));
        settings.security.username = Some("u".to_owned());
        settings.security.password_file = Some(path);
        let config = settings.consumer().unwrap();
        assert_eq!(config.get("sasl.mechanism"), Some("SCRAM-SHA-512"));
        assert_eq!(
            config.get("sasl.password"),
            Some("p w\n"),
            "one newline is the file's, not the password's"
        );
        assert!(settings.check().is_ok(), "TLS and SCRAM are compiled in");
        settings.security.ca_file = Some(folder.path().join("missing.pem"));
        assert!(matches!(settings.check(), Err(KafkaError::File { .. })));
    }
}
