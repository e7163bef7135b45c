//! The section on ingestion, each key with its type and range. `config/default.toml` says what they mean.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use gathering_ingest::kafka;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_with::{DeserializeAs, serde_as};

use super::value::{Name, NameOrNothing, Size, Time, text};

/// `[ingest]`
#[serde_as]
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ingest {
    pub allowlist_file: Option<PathBuf>,
    #[serde_as(as = "Time")]
    pub refuse_after: Duration,
    pub http: IngestHttp,
    pub kafka: Kafka,
}

/// `[ingest.http]`
#[serde_as]
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IngestHttp {
    pub enabled: bool,
    #[serde_as(as = "Size")]
    pub max_body: usize,
    #[serde_as(as = "Size")]
    pub max_in_flight: usize,
}

/// `[ingest.kafka]`
#[serde_as]
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kafka {
    pub enabled: bool,
    pub brokers: String,
    #[serde_as(as = "Name")]
    pub group: String,
    pub client_id: String,
    #[serde_as(as = "Name")]
    pub results_topic: String,
    #[serde(default)]
    #[serde_as(as = "NameOrNothing")]
    pub announcements_topic: Option<String>,
    #[serde(default)]
    #[serde_as(as = "NameOrNothing")]
    pub dead_letter_topic: Option<String>,
    #[serde(default)]
    #[serde_as(as = "NameOrNothing")]
    pub payload_tracker_topic: Option<String>,
    pub service_name: String,
    #[serde_as(as = "Word")]
    pub start: kafka::Start,
    pub security: KafkaSecurity,
    #[serde(default, deserialize_with = "properties")]
    pub properties: BTreeMap<String, String>,
}

/// `[ingest.kafka.security]`
#[serde_as]
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KafkaSecurity {
    #[serde_as(as = "Word")]
    pub protocol: kafka::SecurityProtocol,
    pub ca_file: Option<PathBuf>,
    pub cert_file: Option<PathBuf>,
    pub key_file: Option<PathBuf>,
    #[serde_as(as = "Word")]
    pub mechanism: kafka::SaslMechanism,
    pub username: Option<String>,
    #[serde(default, deserialize_with = "password")]
    pub password: Option<kafka::Password>,
    pub password_file: Option<PathBuf>,
}

impl KafkaSecurity {
    /// The password of the login, wherever it is.
    pub(super) fn password(&self) -> Option<kafka::Password> {
        self.password.clone().or_else(|| self.password_file.clone().map(kafka::Password::File))
    }
}

/// A password as a text. It never shows itself.
fn password<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<kafka::Password>, D::Error> {
    Name::deserialize_as(deserializer).map(|password| Some(kafka::Password::Text(password)))
}

/// One of a few words that Kafka's own settings have, in any case where Kafka takes any.
struct Word;

impl<'de> DeserializeAs<'de, kafka::Start> for Word {
    fn deserialize_as<D: Deserializer<'de>>(deserializer: D) -> Result<kafka::Start, D::Error> {
        text(deserializer, "\"earliest\" or \"latest\"", |word| match word {
            "earliest" => Some(kafka::Start::Earliest),
            "latest" => Some(kafka::Start::Latest),
            _ => None,
        })
    }
}

impl<'de> DeserializeAs<'de, kafka::SecurityProtocol> for Word {
    fn deserialize_as<D: Deserializer<'de>>(deserializer: D) -> Result<kafka::SecurityProtocol, D::Error> {
        let expected = "\"plaintext\", \"ssl\", \"sasl_plaintext\" or \"sasl_ssl\"";
        text(deserializer, expected, |word| match word.to_ascii_lowercase().as_str() {
            "plaintext" => Some(kafka::SecurityProtocol::Plaintext),
            "ssl" => Some(kafka::SecurityProtocol::Ssl),
            "sasl_plaintext" => Some(kafka::SecurityProtocol::SaslPlaintext),
            "sasl_ssl" => Some(kafka::SecurityProtocol::SaslSsl),
            _ => None,
        })
    }
}

impl<'de> DeserializeAs<'de, kafka::SaslMechanism> for Word {
    fn deserialize_as<D: Deserializer<'de>>(deserializer: D) -> Result<kafka::SaslMechanism, D::Error> {
        let expected = "\"PLAIN\", \"SCRAM-SHA-256\" or \"SCRAM-SHA-512\"";
        text(deserializer, expected, |word| match word.to_ascii_uppercase().as_str() {
            "PLAIN" => Some(kafka::SaslMechanism::Plain),
            "SCRAM-SHA-256" => Some(kafka::SaslMechanism::ScramSha256),
            "SCRAM-SHA-512" => Some(kafka::SaslMechanism::ScramSha512),
            _ => None,
        })
    }
}

/// Names of properties have dots. Without quotes, and on the command line, TOML makes tables of them.
fn properties<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    fn flatten(prefix: &str, value: toml::Value, into: &mut BTreeMap<String, String>) -> Result<(), String> {
        let text = match value {
            toml::Value::Table(table) => {
                return table.into_iter().try_for_each(|(key, value)| {
                    let key = if prefix.is_empty() { key } else { format!("{prefix}.{key}") };
                    flatten(&key, value, into)
                });
            }
            toml::Value::String(text) => text,
            toml::Value::Integer(number) => number.to_string(),
            toml::Value::Float(number) => number.to_string(),
            toml::Value::Boolean(value) => value.to_string(),
            toml::Value::Datetime(_) | toml::Value::Array(_) => {
                return Err(format!("{prefix} has to be a text, a number, true or false"));
            }
        };
        into.insert(prefix.to_owned(), text);
        Ok(())
    }
    let mut properties = BTreeMap::new();
    flatten("", toml::Value::Table(toml::Table::deserialize(deserializer)?), &mut properties)
        .map_err(D::Error::custom)?;
    Ok(properties)
}
