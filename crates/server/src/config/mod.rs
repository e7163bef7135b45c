//! The configuration: layers, types, and what one value demands of another. Read once, checked before any socket opens.

mod auth;
mod ingest;
mod layers;
mod sections;
mod settings;
mod value;

use std::path::PathBuf;

use gathering_storage::DatabaseUrl;
use serde::Deserialize;

pub use auth::{Auth, AuthMode, Issuer, Keys, RateLimit};
pub use ingest::{Ingest, IngestHttp, Kafka, KafkaSecurity};
use layers::Layers;
pub use layers::Origin;
pub use sections::{Admin, Http, Log, LogFormat, Report, Storage, Tls};

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
    #[error(
        "--set takes section.key=VALUE, such as --set http.workers=4, and not '{}'",
        DatabaseUrl::redact(text)
    )]
    Assignment {
        /// What was given.
        text: String,
    },
    /// A variable that was meant for a setting.
    #[error(
        "there is no setting for the variable {name}; each has two underscores between its parts, such as GATHERING__STORAGE__URL"
    )]
    Variable {
        /// Its name.
        name: String,
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
    /// The configuration file.
    pub file: Option<PathBuf>,
    /// Variables of the environment.
    pub environment: Vec<(String, String)>,
    /// Settings of the demo, over everything but the command line: a database that happens to be configured must not
    /// be filled with demo data.
    pub demo: Option<String>,
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
    /// What is taken in.
    pub ingest: Ingest,
    /// How reports are made.
    pub report: Report,
    /// Logging.
    pub log: Log,
    /// The settings as text, without secrets.
    #[serde(skip)]
    pub shown: String,
}

impl Config {
    /// Reads, merges and checks.
    pub fn load(sources: &Sources) -> Result<Self, ConfigError> {
        let mut layers = Layers::default();
        layers.text(DEFAULTS, &Origin::Default)?;
        if let Some(file) = &sources.file {
            layers.file(file)?;
        }
        layers.environment(sources.environment.iter().cloned())?;
        if let Some(demo) = &sources.demo {
            layers.text(demo, &Origin::Demo)?;
        }
        for assignment in &sources.assignments {
            layers.assignment(assignment)?;
        }
        let mut config: Self =
            layers.typed().map_err(|error| refusal(&layers, &error.path().to_string(), error.inner()))?;
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
        if let Some((key, problem)) = self.auth.contradiction() {
            return Err(value_error(layers, &key, problem));
        }
        for (section, tls) in [("http.tls", &self.http.tls), ("admin.tls", &self.admin.tls)] {
            if let Some((key, problem)) = tls.contradiction() {
                return Err(value_error(layers, &format!("{section}.{key}"), problem));
            }
        }
        if self.ingest.kafka.enabled && self.ingest.kafka.brokers.trim().is_empty() {
            let problem = "it has to name a broker, such as \"kafka:9092\", when ingest.kafka.enabled is set";
            return Err(value_error(layers, "ingest.kafka.brokers", problem));
        }
        if let Some(key) = self.ingest.kafka.circle() {
            let problem = "it has to be another topic than those that are read";
            return Err(value_error(layers, &format!("ingest.kafka.{key}"), problem));
        }
        if self.admin.bind == self.http.bind && self.http.bind.port() != 0 {
            return Err(value_error(layers, "admin.bind", "it has to be another address than http.bind"));
        }
        Ok(())
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
            ConfigError::UnknownKey { origin: origin_of(layers, &key), key }
        }
        None => value_error(layers, path, message),
    }
}

fn value_error(layers: &Layers, path: &str, problem: &str) -> ConfigError {
    // An element of a plain list is named as list[2]; the list is the setting.
    let key = match path.rsplit_once('[') {
        Some((list, index)) if index.ends_with(']') => list,
        _ => path,
    };
    let value = find(&layers.merged, key).cloned().map_or_else(
        || "(nothing)".to_owned(),
        |mut value| {
            hide_secrets(key, &mut value);
            value.to_string()
        },
    );
    // Wherever a URL turns up, and be it in the wrong place, its password does not.
    ConfigError::Value {
        origin: origin_of(layers, key),
        key: key.to_owned(),
        value: DatabaseUrl::redact(&value),
        problem: in_toml(&DatabaseUrl::redact(problem.trim())),
    }
}

/// The origin of a key. A list comes whole from where it comes.
fn origin_of(layers: &Layers, key: &str) -> Origin {
    layers.origin(key.split('[').next().unwrap_or(key))
}

/// The value of a key such as `auth.issuers[1].keys.jwks_url`.
fn find<'a>(table: &'a toml::Table, key: &str) -> Option<&'a toml::Value> {
    let mut parts = key.split(['.', '[']).map(|part| part.trim_end_matches(']'));
    let first = table.get(parts.next()?)?;
    parts.try_fold(first, |outer, part| match outer {
        toml::Value::Array(list) => list.get(part.parse::<usize>().ok()?),
        outer => outer.get(part),
    })
}

/// What the deserializer says, in the words of TOML instead of Rust.
fn in_toml(problem: &str) -> String {
    const WORDS: [(&str, &str); 6] = [
        ("expected usize", "expected a whole number"),
        ("expected u16", "expected a whole number"),
        ("expected u32", "expected a whole number"),
        ("expected a sequence", "expected a list such as [\"one\", \"two\"]"),
        ("expected a string", "expected a text in quotes"),
        ("expected path string", "expected a path in quotes"),
    ];
    // A section is a struct there, and its name of no use here.
    if let Some((before, _)) = problem.split_once("expected struct ") {
        return format!("{before}expected a section");
    }
    WORDS.iter().fold(problem.to_owned(), |problem, (rust, toml)| problem.replace(rust, toml))
}

fn shown(layers: &Layers) -> String {
    let mut table = layers.merged.clone();
    if let Some(toml::Value::String(url)) =
        table.get_mut("storage").and_then(|storage| storage.get_mut("url"))
    {
        *url = DatabaseUrl::redact(url);
    }
    if let Some(properties) = table
        .get_mut("ingest")
        .and_then(|ingest| ingest.get_mut("kafka"))
        .and_then(|kafka| kafka.get_mut("properties"))
    {
        hide_secrets("", properties);
    }
    table.to_string()
}

/// Hides the values of properties that hold secrets: passwords, and keys and tokens given as texts.
fn hide_secrets(key: &str, value: &mut toml::Value) {
    const SECRET: [&str; 4] = ["password", "secret", "key.pem", "oauthbearer.config"];
    match value {
        toml::Value::Table(table) => {
            for (inner, value) in table.iter_mut() {
                hide_secrets(&format!("{key}.{inner}"), value);
            }
        }
        // Where a secret is may be told.
        value if !key.ends_with("_file") && SECRET.iter().any(|word| key.contains(word)) => {
            *value = toml::Value::String("***".to_owned());
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests;
