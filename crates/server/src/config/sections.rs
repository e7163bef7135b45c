//! The sections of the configuration, each key with its type and range. `config/default.toml` says what they mean.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use gathering_domain::UnknownContent;
use gathering_http::{BasePath, Origin, PendingStatus};
use gathering_storage::DatabaseUrl;
use serde::de::Error;
use serde::{Deserialize, Deserializer};

use super::value::{address, duration, parsed, positive_duration, size, timeout, whole};

/// `[http]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config/default.toml documents each key")]
pub struct Http {
    #[serde(deserialize_with = "address")]
    pub bind: SocketAddr,
    #[serde(deserialize_with = "base_paths")]
    pub base_paths: Vec<BasePath>,
    #[serde(deserialize_with = "whole::<_, _, 0, 1024>")]
    pub workers: usize,
    #[serde(deserialize_with = "size")]
    pub max_body: usize,
    #[serde(deserialize_with = "size")]
    pub max_in_flight: usize,
    #[serde(deserialize_with = "whole::<_, _, 1, 1_000_000>")]
    pub max_request_ids: usize,
    #[serde(deserialize_with = "whole::<_, _, 0, 100_000_000>")]
    pub max_list: usize,
    #[serde(deserialize_with = "pending_status")]
    pub pending_status: PendingStatus,
    #[serde(deserialize_with = "whole::<_, _, 1, 1_000_000>")]
    pub max_connections: usize,
    #[serde(deserialize_with = "timeout")]
    pub write_timeout: Duration,
    #[serde(deserialize_with = "duration")]
    pub shutdown_delay: Duration,
    #[serde(deserialize_with = "duration")]
    pub shutdown_grace: Duration,
    #[serde(deserialize_with = "origins")]
    pub cors_origins: Vec<Origin>,
    #[serde(default)]
    pub tls: Tls,
}

/// `[http.tls]` and `[admin.tls]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config/default.toml documents each key")]
pub struct Tls {
    pub cert: Option<PathBuf>,
    pub key: Option<PathBuf>,
    pub client_ca: Option<PathBuf>,
}

impl Tls {
    /// What does not go together: the key, and why.
    pub(super) const fn contradiction(&self) -> Option<(&'static str, &'static str)> {
        match (&self.cert, &self.key, &self.client_ca) {
            (Some(_), None, _) => Some(("key", "it is needed beside the certificate")),
            (None, Some(_), _) => Some(("cert", "it is needed beside the key")),
            (None, None, Some(_)) => Some(("client_ca", "it is of use with cert and key only")),
            _ => None,
        }
    }
}

/// `[admin]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config/default.toml documents each key")]
pub struct Admin {
    #[serde(deserialize_with = "address")]
    pub bind: SocketAddr,
    #[serde(default)]
    pub tls: Tls,
}

/// `[storage]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config/default.toml documents each key")]
pub struct Storage {
    #[serde(deserialize_with = "parsed")]
    pub url: DatabaseUrl,
    #[serde(deserialize_with = "whole::<_, _, 1, 1000>")]
    pub pool_size: u32,
    #[serde(deserialize_with = "timeout")]
    pub pool_timeout: Duration,
    #[serde(deserialize_with = "timeout")]
    pub query_timeout: Duration,
    pub migrate_on_start: bool,
    #[serde(deserialize_with = "positive_duration")]
    pub retention: Duration,
    #[serde(deserialize_with = "positive_duration")]
    pub purge_interval: Duration,
    #[serde(deserialize_with = "duration")]
    pub cluster_retention: Duration,
    #[serde(deserialize_with = "size")]
    pub processed_cache: usize,
}

/// `[report]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config/default.toml documents each key")]
pub struct Report {
    #[serde(deserialize_with = "unknown_content")]
    pub unknown_content: UnknownContent,
    #[serde(deserialize_with = "whole::<_, _, 0, { u32::MAX }>")]
    pub max_entries: usize,
    #[serde(deserialize_with = "whole::<_, _, 0, { u32::MAX }>")]
    pub max_description: usize,
}

/// `[log]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config/default.toml documents each key")]
pub struct Log {
    #[serde(deserialize_with = "log_filter")]
    pub filter: String,
    pub format: LogFormat,
}

/// `log.format`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "config/default.toml documents each value")]
pub enum LogFormat {
    Text,
    Json,
}

fn base_paths<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<BasePath>, D::Error> {
    let mut paths: Vec<BasePath> = Vec::new();
    for text in Vec::<String>::deserialize(deserializer)? {
        let path = text.parse().map_err(D::Error::custom)?;
        if !paths.contains(&path) {
            paths.push(path);
        }
    }
    if paths.is_empty() { Err(D::Error::custom("at least one base path is needed")) } else { Ok(paths) }
}

fn pending_status<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PendingStatus, D::Error> {
    match u16::deserialize(deserializer)? {
        200 => Ok(PendingStatus::Ok),
        404 => Ok(PendingStatus::NotFound),
        _ => Err(D::Error::custom("it has to be 200 or 404")),
    }
}

fn origins<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Origin>, D::Error> {
    let origins = Vec::<String>::deserialize(deserializer)?;
    origins.iter().map(|origin| origin.parse().map_err(D::Error::custom)).collect()
}

fn unknown_content<'de, D: Deserializer<'de>>(deserializer: D) -> Result<UnknownContent, D::Error> {
    match String::deserialize(deserializer)?.as_str() {
        "omit" => Ok(UnknownContent::Omit),
        "include" => Ok(UnknownContent::Include),
        _ => Err(D::Error::custom("it has to be \"omit\" or \"include\"")),
    }
}

fn log_filter<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    const EXPECTED: &str =
        "it has to be off, error, warn, info, debug or trace, or target=level pairs with commas between";
    let filter = String::deserialize(deserializer).map_err(|_| D::Error::custom(EXPECTED))?;
    // A word that is no level would be taken for a target: a mistyped level would switch the log off.
    let words_are_levels = filter
        .split(',')
        .map(str::trim)
        .filter(|part| !part.contains('='))
        .all(|part| part.parse::<log::LevelFilter>().is_ok());
    if words_are_levels && env_filter::Builder::new().try_parse(&filter).is_ok() {
        Ok(filter)
    } else {
        Err(D::Error::custom(EXPECTED))
    }
}
