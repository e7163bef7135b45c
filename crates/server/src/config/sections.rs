//! The sections of the configuration, each key with its type and range. `config/default.toml` says what they mean.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use gathering_domain::{OrganizationId, UnknownContent};
use gathering_http::{BasePath, PendingStatus};
use gathering_storage::DatabaseUrl;
use serde::de::Error;
use serde::{Deserialize, Deserializer};

use super::value::{duration, parsed, positive_duration, size};

/// `[http]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config/default.toml documents each key")]
pub struct Http {
    pub bind: SocketAddr,
    #[serde(deserialize_with = "base_paths")]
    pub base_paths: Vec<BasePath>,
    #[serde(deserialize_with = "workers")]
    pub workers: usize,
    #[serde(deserialize_with = "size")]
    pub max_body: usize,
    pub max_request_ids: usize,
    #[serde(deserialize_with = "pending_status")]
    pub pending_status: PendingStatus,
    #[serde(deserialize_with = "duration")]
    pub shutdown_grace: Duration,
    #[serde(deserialize_with = "origins")]
    pub cors_origins: Vec<String>,
}

/// `[admin]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config/default.toml documents each key")]
pub struct Admin {
    pub bind: SocketAddr,
}

/// `[auth]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config/default.toml documents each key")]
pub struct Auth {
    pub mode: AuthMode,
    pub disabled_org: OrganizationId,
    pub issuer: Option<String>,
    pub audience: Option<String>,
    #[serde(deserialize_with = "duration")]
    pub leeway: Duration,
    pub keys: Keys,
}

/// `auth.mode`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "config/default.toml documents each value")]
pub enum AuthMode {
    Jwt,
    Disabled,
}

/// `[auth.keys]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config/default.toml documents each key")]
pub struct Keys {
    pub hmac_secret_file: Option<PathBuf>,
    pub public_key_files: Vec<PathBuf>,
}

/// `[storage]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config/default.toml documents each key")]
pub struct Storage {
    #[serde(deserialize_with = "parsed")]
    pub url: DatabaseUrl,
    #[serde(deserialize_with = "pool_size")]
    pub pool_size: u32,
    #[serde(deserialize_with = "positive_duration")]
    pub pool_timeout: Duration,
    #[serde(deserialize_with = "positive_duration")]
    pub query_timeout: Duration,
    pub migrate_on_start: bool,
    #[serde(deserialize_with = "positive_duration")]
    pub retention: Duration,
    #[serde(deserialize_with = "positive_duration")]
    pub purge_interval: Duration,
    #[serde(deserialize_with = "duration")]
    pub cluster_retention: Duration,
}

/// `[report]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config/default.toml documents each key")]
pub struct Report {
    #[serde(deserialize_with = "unknown_content")]
    pub unknown_content: UnknownContent,
    pub max_entries: usize,
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

fn origins<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let origins = Vec::<String>::deserialize(deserializer)?;
    let is_origin = |text: &String| {
        text.split_once("://").is_some_and(|(scheme, host)| {
            ["http", "https"].contains(&scheme)
                && !host.is_empty()
                && host.chars().all(|c| c.is_ascii_alphanumeric() || "-.:[]".contains(c))
        })
    };
    if origins.iter().all(is_origin) {
        Ok(origins)
    } else {
        Err(D::Error::custom(
            "an origin is a scheme, a host and no path, such as https://console.example.com",
        ))
    }
}

fn unknown_content<'de, D: Deserializer<'de>>(deserializer: D) -> Result<UnknownContent, D::Error> {
    match String::deserialize(deserializer)?.as_str() {
        "omit" => Ok(UnknownContent::Omit),
        "include" => Ok(UnknownContent::Include),
        _ => Err(D::Error::custom("it has to be \"omit\" or \"include\"")),
    }
}

fn workers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    match usize::deserialize(deserializer)? {
        workers @ 0..=1024 => Ok(workers),
        _ => Err(D::Error::custom("it has to be a number from 0 to 1024")),
    }
}

fn pool_size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    match u32::deserialize(deserializer)? {
        size @ 1..=1000 => Ok(size),
        _ => Err(D::Error::custom("it has to be a number from 1 to 1000")),
    }
}

fn log_filter<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let filter = String::deserialize(deserializer)?;
    match env_filter::Builder::new().try_parse(&filter) {
        Ok(_) => Ok(filter),
        Err(error) => Err(D::Error::custom(error)),
    }
}
