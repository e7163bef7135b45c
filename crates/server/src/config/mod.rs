//! The configuration: layers, types, and what one value demands of another. Read once, checked before any socket opens.

mod layers;
mod value;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use gathering_auth as auth;
use gathering_domain::{OrganizationId, ReportPolicy, Retention, UnknownContent};
use gathering_http::{BasePath, PendingStatus};
use gathering_storage::{self as storage, DatabaseUrl};
use serde::{Deserialize, Deserializer};

use layers::Layers;
pub use layers::Origin;
use value::{duration, parsed, positive_duration, size};

/// The defaults, with a comment for each key.
pub const DEFAULTS: &str = include_str!("../../../../config/default.toml");

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The configuration file cannot be read.
    #[error("the configuration file {} cannot be read ({source})", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A document is not TOML.
    #[error("{origin} is not TOML, see line {line} ({problem})")]
    Syntax {
        /// Which document.
        origin: Origin,
        /// The line, from 1.
        line: usize,
        /// What the TOML reader said.
        problem: String,
    },
    /// A `--set` without key or value.
    #[error("--set takes section.key=VALUE, such as --set http.workers=4, and not '{text}'")]
    Assignment {
        /// What was given.
        text: String,
    },
    /// A key that does not exist.
    #[error("there is no setting {key} (from {origin}); config/default.toml lists all of them")]
    UnknownKey {
        /// The key.
        key: String,
        /// Where it came from.
        origin: Origin,
    },
    /// A value that cannot be.
    #[error("the setting {key} = {value} (from {origin}) is not usable: {problem}")]
    Value {
        /// The key.
        key: String,
        /// The value, without secrets.
        value: String,
        /// Where it came from.
        origin: Origin,
        /// Why.
        problem: String,
    },
}

/// Where the configuration comes from, beside the defaults.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// Settings of the demo, under everything that the user says.
    pub demo: Option<String>,
    /// The configuration file.
    pub file: Option<PathBuf>,
    /// Variables of the environment.
    pub environment: Vec<(String, String)>,
    /// `--set` of the command line, in order.
    pub assignments: Vec<String>,
}

/// The configuration. `config/default.toml` says what each key means.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The API.
    pub http: Http,
    /// The admin address.
    pub admin: Admin,
    /// Who may call.
    pub auth: Auth,
    /// The database.
    pub storage: Storage,
    /// How reports are made.
    pub report: Report,
    /// Logging.
    pub log: Log,
    /// The settings as text, without secrets.
    #[serde(skip)]
    pub shown: String,
}

/// `[http]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config/default.toml documents each key")]
pub struct Http {
    pub bind: SocketAddr,
    #[serde(deserialize_with = "base_paths")]
    pub base_paths: Vec<BasePath>,
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

impl Config {
    /// Reads, merges and checks.
    pub fn load(sources: &Sources) -> Result<Self, ConfigError> {
        let mut layers = Layers::default();
        layers.text(DEFAULTS, &Origin::Default)?;
        if let Some(demo) = &sources.demo {
            layers.text(demo, &Origin::Demo)?;
        }
        if let Some(file) = &sources.file {
            layers.file(file)?;
        }
        layers.environment(sources.environment.iter().cloned());
        for assignment in &sources.assignments {
            layers.assignment(assignment)?;
        }
        let mut config: Self = serde_path_to_error::deserialize(layers.merged.clone())
            .map_err(|error| refusal(&layers, &error.path().to_string(), error.inner()))?;
        config.check(&layers)?;
        config.shown = shown(&layers);
        Ok(config)
    }

    fn check(&self, layers: &Layers) -> Result<(), ConfigError> {
        if self.auth.mode == AuthMode::Disabled && !self.http.bind.ip().is_loopback() {
            let problem =
                "without authentication, http.bind has to be a loopback address such as 127.0.0.1:8080";
            return Err(value_error(layers, "auth.mode", problem));
        }
        Ok(())
    }

    /// What the API needs to know.
    pub fn http_settings(&self) -> gathering_http::Settings {
        gathering_http::Settings {
            bind: self.http.bind,
            base_paths: self.http.base_paths.clone(),
            workers: self.workers(),
            max_body: self.http.max_body,
            max_request_ids: self.http.max_request_ids,
            pending_status: self.http.pending_status,
            shutdown_grace: self.http.shutdown_grace,
            cors_origins: self.http.cors_origins.clone(),
        }
    }

    /// What authentication needs to know.
    pub fn auth_settings(&self) -> auth::Settings {
        auth::Settings {
            mode: match self.auth.mode {
                AuthMode::Jwt => auth::Mode::Jwt,
                AuthMode::Disabled => auth::Mode::Disabled { organization: self.auth.disabled_org },
            },
            issuer: self.auth.issuer.clone(),
            audience: self.auth.audience.clone(),
            leeway: self.auth.leeway,
            hmac_secret_file: self.auth.keys.hmac_secret_file.clone(),
            public_key_files: self.auth.keys.public_key_files.clone(),
        }
    }

    /// What storage needs to know.
    pub fn storage_settings(&self) -> storage::Settings {
        storage::Settings {
            url: self.storage.url.clone(),
            pool_size: self.storage.pool_size,
            readers: u32::try_from(self.workers()).unwrap_or(u32::MAX),
            pool_timeout: self.storage.pool_timeout,
            query_timeout: self.storage.query_timeout,
            retention: Retention {
                requests: self.storage.retention,
                clusters: self.storage.cluster_retention,
            },
        }
    }

    /// How reports are made.
    pub const fn report_policy(&self) -> ReportPolicy {
        ReportPolicy {
            unknown_content: self.report.unknown_content,
            max_entries: self.report.max_entries,
            max_description: self.report.max_description,
        }
    }

    fn workers(&self) -> usize {
        match self.http.workers {
            0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            workers => workers,
        }
    }
}

fn refusal(layers: &Layers, path: &str, error: &toml::de::Error) -> ConfigError {
    let message = error.message();
    let unknown = message.strip_prefix("unknown field `").and_then(|rest| rest.split_once('`'));
    match unknown {
        Some((field, _)) => {
            let key = match path {
                "." | "" => field.to_owned(),
                path if path.rsplit('.').next() == Some(field) => path.to_owned(),
                path => format!("{path}.{field}"),
            };
            ConfigError::UnknownKey { origin: layers.origin(&key), key }
        }
        None => value_error(layers, path, message),
    }
}

fn value_error(layers: &Layers, path: &str, problem: &str) -> ConfigError {
    // An element of a list is named as list[2]; the list is the setting.
    let key = path.split('[').next().unwrap_or(path).to_owned();
    let mut value = key.split('.').try_fold(None, |outer: Option<&toml::Value>, part| {
        Some(Some(match outer {
            None => layers.merged.get(part)?,
            Some(outer) => outer.get(part)?,
        }))
    });
    let value = value.take().flatten().map_or_else(|| "(nothing)".to_owned(), |value| redacted(&key, value));
    ConfigError::Value { origin: layers.origin(&key), key, value, problem: problem.trim().to_owned() }
}

fn redacted(key: &str, value: &toml::Value) -> String {
    match value {
        toml::Value::String(url) if key == "storage.url" => {
            toml::Value::String(DatabaseUrl::redact(url)).to_string()
        }
        other => other.to_string(),
    }
}

fn shown(layers: &Layers) -> String {
    let mut table = layers.merged.clone();
    if let Some(toml::Value::String(url)) =
        table.get_mut("storage").and_then(|storage| storage.get_mut("url"))
    {
        *url = DatabaseUrl::redact(url);
    }
    table.to_string()
}

fn base_paths<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<BasePath>, D::Error> {
    use serde::de::Error;
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
        _ => Err(serde::de::Error::custom("it has to be 200 or 404")),
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
        Err(serde::de::Error::custom(
            "an origin is a scheme, a host and no path, such as https://console.example.com",
        ))
    }
}

fn unknown_content<'de, D: Deserializer<'de>>(deserializer: D) -> Result<UnknownContent, D::Error> {
    match String::deserialize(deserializer)?.as_str() {
        "omit" => Ok(UnknownContent::Omit),
        "include" => Ok(UnknownContent::Include),
        _ => Err(serde::de::Error::custom("it has to be \"omit\" or \"include\"")),
    }
}

fn pool_size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    match u32::deserialize(deserializer)? {
        size @ 1..=1000 => Ok(size),
        _ => Err(serde::de::Error::custom("it has to be a number from 1 to 1000")),
    }
}

fn log_filter<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let filter = String::deserialize(deserializer)?;
    match env_filter::Builder::new().try_parse(&filter) {
        Ok(_) => Ok(filter),
        Err(error) => Err(serde::de::Error::custom(error)),
    }
}

#[cfg(test)]
mod tests;
