//! The section on ingestion, each key with its type and range. `config/default.toml` says what they mean.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use gathering_ingest::kafka;
use serde::de::Error;
use serde::{Deserialize, Deserializer};

use super::value::{duration, size};

/// `[ingest]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config/default.toml documents each key")]
pub struct Ingest {
    pub allowlist_file: Option<PathBuf>,
    #[serde(deserialize_with = "duration")]
    pub refuse_after: Duration,
    pub http: IngestHttp,
    pub kafka: Kafka,
}

/// `[ingest.http]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config/default.toml documents each key")]
pub struct IngestHttp {
    pub enabled: bool,
    #[serde(deserialize_with = "size")]
    pub max_body: usize,
    #[serde(deserialize_with = "size")]
    pub max_in_flight: usize,
}

/// `[ingest.kafka]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config/default.toml documents each key")]
pub struct Kafka {
    pub enabled: bool,
    pub brokers: String,
    #[serde(deserialize_with = "name")]
    pub group: String,
    pub client_id: String,
    #[serde(deserialize_with = "name")]
    pub results_topic: String,
    #[serde(default, deserialize_with = "optional_name")]
    pub announcements_topic: Option<String>,
    #[serde(default, deserialize_with = "optional_name")]
    pub dead_letter_topic: Option<String>,
    #[serde(default, deserialize_with = "optional_name")]
    pub payload_tracker_topic: Option<String>,
    pub service_name: String,
    #[serde(deserialize_with = "start")]
    pub start: kafka::Start,
    pub security: KafkaSecurity,
    #[serde(default, deserialize_with = "properties")]
    pub properties: BTreeMap<String, String>,
}

/// `[ingest.kafka.security]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config/default.toml documents each key")]
pub struct KafkaSecurity {
    #[serde(deserialize_with = "protocol")]
    pub protocol: kafka::SecurityProtocol,
    pub ca_file: Option<PathBuf>,
    pub cert_file: Option<PathBuf>,
    pub key_file: Option<PathBuf>,
    #[serde(deserialize_with = "mechanism")]
    pub mechanism: kafka::SaslMechanism,
    pub username: Option<String>,
    pub password_file: Option<PathBuf>,
}

impl Kafka {
    /// Topics that this service writes to and reads as well: it would meet its own messages for ever.
    pub(super) fn circle(&self) -> Option<&'static str> {
        let read = [Some(&self.results_topic), self.announcements_topic.as_ref()];
        let is_read = |topic: &Option<String>| topic.is_some() && read.contains(&topic.as_ref());
        if is_read(&self.dead_letter_topic) {
            Some("dead_letter_topic")
        } else if is_read(&self.payload_tracker_topic) {
            Some("payload_tracker_topic")
        } else {
            None
        }
    }
}

fn name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let name = String::deserialize(deserializer)?;
    if name.trim().is_empty() { Err(D::Error::custom("it must not be empty")) } else { Ok(name) }
}

/// An empty name is none, so that a variable can take one back.
fn optional_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.filter(|name| !name.trim().is_empty()))
}

fn start<'de, D: Deserializer<'de>>(deserializer: D) -> Result<kafka::Start, D::Error> {
    match String::deserialize(deserializer)?.as_str() {
        "earliest" => Ok(kafka::Start::Earliest),
        "latest" => Ok(kafka::Start::Latest),
        _ => Err(D::Error::custom("it has to be \"earliest\" or \"latest\"")),
    }
}

fn protocol<'de, D: Deserializer<'de>>(deserializer: D) -> Result<kafka::SecurityProtocol, D::Error> {
    match String::deserialize(deserializer)?.to_ascii_lowercase().as_str() {
        "plaintext" => Ok(kafka::SecurityProtocol::Plaintext),
        "ssl" => Ok(kafka::SecurityProtocol::Ssl),
        "sasl_plaintext" => Ok(kafka::SecurityProtocol::SaslPlaintext),
        "sasl_ssl" => Ok(kafka::SecurityProtocol::SaslSsl),
        _ => Err(D::Error::custom("it has to be \"plaintext\", \"ssl\", \"sasl_plaintext\" or \"sasl_ssl\"")),
    }
}

fn mechanism<'de, D: Deserializer<'de>>(deserializer: D) -> Result<kafka::SaslMechanism, D::Error> {
    match String::deserialize(deserializer)?.to_ascii_uppercase().as_str() {
        "PLAIN" => Ok(kafka::SaslMechanism::Plain),
        "SCRAM-SHA-256" => Ok(kafka::SaslMechanism::ScramSha256),
        "SCRAM-SHA-512" => Ok(kafka::SaslMechanism::ScramSha512),
        _ => Err(D::Error::custom("it has to be \"PLAIN\", \"SCRAM-SHA-256\" or \"SCRAM-SHA-512\"")),
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
