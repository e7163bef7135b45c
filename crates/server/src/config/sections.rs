//! The configuration and its sections, each key with its type and range. `config/default.toml` says what they mean.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use gathering_domain::report::UnknownContent;
use gathering_http::{BasePath, Origin, PendingStatus};
use gathering_storage::{DatabaseUrl, Pooler};
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_with::{DeserializeAs, DisplayFromStr, serde_as};

use super::auth::Auth;
use super::ingest::Ingest;
use super::report_filter::ReportFilter;
use super::telemetry::Telemetry;
use super::value::{Address, PositiveTime, Size, Time, Timeout, Whole, text};

/// The configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub http: Http,
    pub admin: Admin,
    pub auth: Auth,
    pub storage: Storage,
    pub ingest: Ingest,
    pub report: Report,
    pub wait: Wait,
    pub ui: Ui,
    pub telemetry: Telemetry,
    pub log: Log,
    /// The settings as text, without secrets.
    #[serde(skip)]
    pub shown: String,
}

/// `[http]`
#[serde_as]
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    #[serde_as(as = "Address")]
    pub bind: SocketAddr,
    #[serde_as(as = "BasePaths")]
    pub base_paths: Vec<BasePath>,
    #[serde_as(as = "Whole<0, 1024>")]
    pub workers: usize,
    #[serde_as(as = "Size")]
    pub max_body: usize,
    #[serde_as(as = "Size")]
    pub max_in_flight: usize,
    #[serde_as(as = "Whole<1, 1_000_000>")]
    pub max_request_ids: usize,
    #[serde_as(as = "Whole<0, 100_000_000>")]
    pub max_list: usize,
    #[serde_as(as = "StatusCode")]
    pub pending_status: PendingStatus,
    #[serde_as(as = "Whole<1, 1_000_000>")]
    pub max_connections: usize,
    #[serde_as(as = "Timeout")]
    pub write_timeout: Duration,
    #[serde_as(as = "Time")]
    pub shutdown_delay: Duration,
    #[serde_as(as = "Time")]
    pub shutdown_grace: Duration,
    #[serde_as(as = "Vec<DisplayFromStr>")]
    pub cors_origins: Vec<Origin>,
    #[serde(default)]
    pub tls: Tls,
}

/// `[http.tls]` and `[admin.tls]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    pub cert: Option<PathBuf>,
    pub key: Option<PathBuf>,
    pub client_ca: Option<PathBuf>,
}

/// `[admin]`
#[serde_as]
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Admin {
    #[serde_as(as = "Address")]
    pub bind: SocketAddr,
    #[serde(default)]
    pub tls: Tls,
}

/// `[storage]`
#[serde_as]
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Storage {
    #[serde_as(as = "DisplayFromStr")]
    pub url: DatabaseUrl,
    #[serde_as(as = "Option<DisplayFromStr>")]
    #[serde(default)]
    pub read_url: Option<DatabaseUrl>,
    #[serde_as(as = "Word")]
    pub pooler: Pooler,
    #[serde_as(as = "Whole<1, 1000>")]
    pub pool_size: u32,
    #[serde_as(as = "Timeout")]
    pub pool_timeout: Duration,
    #[serde_as(as = "Timeout")]
    pub query_timeout: Duration,
    pub migrate_on_start: bool,
    #[serde_as(as = "PositiveTime")]
    pub retention: Duration,
    #[serde_as(as = "PositiveTime")]
    pub purge_interval: Duration,
    #[serde_as(as = "Time")]
    pub cluster_retention: Duration,
    #[serde_as(as = "Size")]
    pub processed_cache: usize,
}

/// `[report]`
#[serde_as]
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    #[serde_as(as = "Word")]
    pub unknown_content: UnknownContent,
    #[serde_as(as = "Whole<0, { u32::MAX }>")]
    pub max_entries: usize,
    #[serde_as(as = "Whole<0, { u32::MAX }>")]
    pub max_description: usize,
    pub filter: ReportFilter,
}

/// `[wait]`
#[serde_as]
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wait {
    #[serde_as(as = "Time")]
    pub max: Duration,
    #[serde_as(as = "Time")]
    pub hold: Duration,
    #[serde_as(as = "Whole<0, 1_000_000>")]
    pub max_waiters: usize,
    #[serde_as(as = "PositiveTime")]
    pub recheck: Duration,
    #[serde_as(as = "Time")]
    pub retry_after: Duration,
}

/// `[ui]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ui {
    pub enabled: bool,
}

/// `[log]`
#[serde_as]
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    #[serde_as(as = "LogFilter")]
    pub filter: String,
    pub format: LogFormat,
    pub audit: bool,
}

/// `log.format`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Text,
    Json,
}

/// At least one base path; one that comes twice counts once.
struct BasePaths;

impl<'de> DeserializeAs<'de, Vec<BasePath>> for BasePaths {
    fn deserialize_as<D: Deserializer<'de>>(deserializer: D) -> Result<Vec<BasePath>, D::Error> {
        let listed: Vec<BasePath> = Vec::<DisplayFromStr>::deserialize_as(deserializer)?;
        let mut paths = Vec::new();
        for path in listed {
            if !paths.contains(&path) {
                paths.push(path);
            }
        }
        if paths.is_empty() { Err(D::Error::custom("at least one base path is needed")) } else { Ok(paths) }
    }
}

struct StatusCode;

impl<'de> DeserializeAs<'de, PendingStatus> for StatusCode {
    fn deserialize_as<D: Deserializer<'de>>(deserializer: D) -> Result<PendingStatus, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Value {
            Code(u16),
            Word(String),
        }
        match Value::deserialize(deserializer) {
            Ok(Value::Code(200)) => Ok(PendingStatus::Ok),
            Ok(Value::Code(404)) => Ok(PendingStatus::NotFound),
            // In the environment a number may be a text.
            Ok(Value::Word(word)) if word == "auto" => Ok(PendingStatus::Auto),
            _ => Err(D::Error::custom("it has to be \"auto\", 200 or 404")),
        }
    }
}

struct Word;

impl<'de> DeserializeAs<'de, UnknownContent> for Word {
    fn deserialize_as<D: Deserializer<'de>>(deserializer: D) -> Result<UnknownContent, D::Error> {
        text(deserializer, "\"omit\" or \"include\"", |word| match word {
            "omit" => Some(UnknownContent::Omit),
            "include" => Some(UnknownContent::Include),
            _ => None,
        })
    }
}

impl<'de> DeserializeAs<'de, Pooler> for Word {
    fn deserialize_as<D: Deserializer<'de>>(deserializer: D) -> Result<Pooler, D::Error> {
        text(deserializer, "\"none\" or \"transaction\"", |word| match word {
            "none" => Some(Pooler::None),
            "transaction" => Some(Pooler::Transaction),
            _ => None,
        })
    }
}

struct LogFilter;

impl<'de> DeserializeAs<'de, String> for LogFilter {
    fn deserialize_as<D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
        let expected = "off, error, warn, info, debug or trace, or target=level pairs with commas between";
        text(deserializer, expected, |filter| {
            // A word that is no level would be taken for a target: a mistyped level would switch the log off.
            let words_are_levels = filter
                .split(',')
                .map(str::trim)
                .filter(|part| !part.contains('='))
                .all(|part| part.parse::<log::LevelFilter>().is_ok());
            let is_filter = words_are_levels && env_filter::Builder::new().try_parse(filter).is_ok();
            is_filter.then(|| filter.to_owned())
        })
    }
}
