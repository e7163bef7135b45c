//! From layers to a configuration that is checked, before any socket opens.

use std::path::PathBuf;

use gathering_storage::DatabaseUrl;
use toml::Value;

use super::clowder;
use super::error::ConfigError;
use super::layers::{Layers, Refusal};
use super::origin::Origin;
use super::redaction;
use super::sections::Config;
use super::setting::{Mismatch, Setting};
use super::validate::validate;

/// The defaults, with a comment for each key.
const DEFAULTS: &str = include_str!("../../../../config/default.toml");

/// What a demo does not take from what is configured: other databases, who may call, and what others say of organizations.
const OF_OTHERS: [&str; 7] = [
    "auth",
    "http.tls",
    "admin.tls",
    "storage.read_url",
    "storage.pooler",
    "storage.migrate_on_start",
    "report.filter",
];

/// Where the configuration comes from, beside the defaults.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The configuration file.
    pub file: Option<PathBuf>,
    /// The file of the platform, as Clowder writes it.
    pub platform: Option<PathBuf>,
    /// Variables of the environment.
    pub environment: Vec<(String, String)>,
    /// Settings of the demo, over everything but the command line: a database that happens to be configured must not
    /// be filled with demo data.
    pub demo: Option<String>,
    /// `--set` of the command line, in order.
    pub assignments: Vec<String>,
    /// Whether tokens are made or looked at and nobody is served. Then what they say may be set in every mode.
    pub for_tokens: bool,
}

impl Config {
    /// Reads, merges and checks.
    pub fn load(sources: &Sources) -> Result<Self, ConfigError> {
        let mut layers = Layers::default();
        layers.text(DEFAULTS, &Origin::Default)?;
        if let Some(file) = &sources.file {
            layers.file(file)?;
        }
        let platform =
            sources.platform.as_deref().map(|path| clowder::Platform::read(path, &mut layers)).transpose()?;
        layers.environment(sources.environment.iter().cloned())?;
        if let Some(demo) = &sources.demo {
            let mut defaults = Layers::default();
            defaults.text(DEFAULTS, &Origin::Default)?;
            layers.reset(&OF_OTHERS, &mut defaults);
            layers.text(demo, &Origin::Demo)?;
        }
        for assignment in &sources.assignments {
            layers.assignment(assignment)?;
        }
        if let Some(platform) = &platform {
            platform.name_topics(&mut layers);
        }
        let mut config: Self = layers.typed().map_err(|refusal| refused(&layers, &refusal))?;
        validate(&config, sources.for_tokens)
            .map_err(|invalid| value_error(&layers, &invalid.key, invalid.problem, Setting::effective))?;
        config.shown = redaction::show(layers.effective());
        Ok(config)
    }
}

fn refused(layers: &Layers, refusal: &Refusal) -> ConfigError {
    let key = refusal.path().to_string();
    match refusal.inner() {
        Mismatch::UnknownKey => ConfigError::UnknownKey { origin: layers.origin(&key), key },
        Mismatch::Unusable(problem) => value_error(layers, &key, problem, Setting::as_given),
    }
}

fn value_error(layers: &Layers, key: &str, problem: &str, value: impl Fn(&Setting) -> Value) -> ConfigError {
    // An element of a plain list is named as list[2]; the list is the setting.
    let key = match key.rsplit_once('[') {
        Some((list, index)) if index.ends_with(']') => list,
        _ => key,
    };
    let value = layers.value(key, value);
    let problem = match &value {
        Some(value) => redaction::show_problem(key, value, problem.trim()),
        None => DatabaseUrl::redact(problem.trim()),
    };
    ConfigError::Value {
        key: key.to_owned(),
        value: value.map_or_else(|| "(nothing)".to_owned(), |value| redaction::show_value(key, value)),
        origin: layers.origin(key),
        problem,
    }
}

#[cfg(test)]
mod tests;
