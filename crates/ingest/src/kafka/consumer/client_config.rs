//! The configuration of librdkafka.

use rdkafka::ClientConfig;
use rdkafka::error::KafkaError as ClientError;

use super::properties;
use crate::kafka::error::KafkaError;
use crate::kafka::settings::{KafkaSettings, Password, SaslMechanism, Security, SecurityProtocol};

/// How often the brokers are asked for new partitions and topics, in milliseconds. The default of librdkafka, five minutes, is
/// longer than anybody waits for an answer.
const METADATA_REFRESH: &str = "10000";

impl KafkaSettings {
    /// Finds out whether librdkafka would take these settings. Opens no connection.
    pub fn check(&self) -> Result<(), KafkaError> {
        let refused = |error| unusable(&error);
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

    /// The configuration of the consumer.
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

    /// The configuration of the producers, for dead letters and for the payload tracker.
    pub(super) fn producer(&self) -> Result<ClientConfig, KafkaError> {
        let mut config = ClientConfig::new();
        config
            // The topic's own limit counts.
            .set("message.max.bytes", "100000000")
            .set("message.timeout.ms", "20000");
        self.client(&mut config)?;
        if let Some(alias) = properties::redundant_timeout(&self.properties) {
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
        let Security { protocol, ca_file, cert_file, key_file, mechanism, username, password } =
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
            let (Some(username), Some(password)) = (username, password) else {
                return Err(KafkaError::LoginMissing);
            };
            config
                .set("sasl.mechanism", mechanism.as_str())
                .set("sasl.username", username)
                .set("sasl.password", password.read()?);
        }
        Ok(())
    }
}

impl Password {
    fn read(&self) -> Result<String, KafkaError> {
        match self {
            Self::Text(password) => Ok(password.clone()),
            Self::File(path) => {
                let password = std::fs::read_to_string(path)
                    .map_err(|source| KafkaError::File { path: path.clone(), source })?;
                Ok(password.strip_suffix('\n').unwrap_or(&password).to_owned())
            }
        }
    }
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

/// An error of librdkafka about its configuration, without the value, which can be a password.
pub(super) fn unusable(error: &ClientError) -> KafkaError {
    let problem = match error {
        ClientError::ClientConfig(_, description, key, _) => format!("{key}: {description}"),
        ClientError::ClientCreation(description) => description.clone(),
        other => other.to_string(),
    };
    KafkaError::Settings { problem }
}

#[cfg(test)]
mod tests;
