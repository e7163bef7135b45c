//! What a platform says of ports, database and Kafka, in the file that Clowder writes and `ACG_CONFIG` names.
//!
//! It is the platform's file: keys that mean nothing here are passed over. What it says stands over our own file, and below
//! variables and the command line.

mod authority_file;
mod brokers;
mod database;
mod document;
mod settings;
mod values;

use std::collections::BTreeMap;
use std::path::Path;

use toml::Value;

use self::authority_file::write_authorities;
use self::document::{Problem, Section};
use self::settings::Settings;
use super::error::ConfigError;
use super::layers::Layers;
use super::origin::Origin;

/// The settings that name topics.
const TOPICS: [&str; 4] =
    ["results_topic", "announcements_topic", "dead_letter_topic", "payload_tracker_topic"];

/// What of the platform's file is needed after it was put among the layers.
pub(super) struct Platform {
    origin: Origin,
    /// The names that topics have at the brokers, by the names that were asked for.
    topics: BTreeMap<String, String>,
}

impl Platform {
    /// Reads the file and puts what it says over the layers that are there.
    pub(super) fn read(path: &Path, layers: &mut Layers) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::PlatformFile { path: path.to_owned(), source })?;
        let document: serde_json::Value = serde_json::from_str(&text)
            .map_err(|source| ConfigError::PlatformSyntax { path: path.to_owned(), source })?;
        let refused =
            |Problem { key, text }| ConfigError::PlatformKey { path: path.to_owned(), key, problem: text };
        let root = Section::root(&document).map_err(refused)?;
        let mut settings = Settings::new(layers, Origin::Platform(path.to_owned()));
        put_ports(&root, &mut settings).map_err(refused)?;
        if let Some(section) = root.section("database").map_err(refused)? {
            let (url, authorities) = database::url(&section).map_err(refused)?;
            let file = authorities.as_deref().map(write_authorities).transpose()?;
            settings.text("storage.url", database::with_authorities(url, file.as_deref()));
        }
        let topics = match root.section("kafka").map_err(refused)? {
            Some(kafka) => {
                brokers::put(&kafka, &mut settings).map_err(refused)?;
                topics(&kafka).map_err(refused)?
            }
            None => BTreeMap::new(),
        };
        Ok(Self { origin: settings.into_origin(), topics })
    }

    /// Puts the names that topics have at the brokers in place of those that were asked for, whichever layer named them.
    pub(super) fn name_topics(&self, layers: &mut Layers) {
        for topic in TOPICS {
            let key = ["ingest", "kafka", topic];
            if let Some(name) = layers.text_of(&key).and_then(|asked| self.topics.get(&asked)) {
                layers.set(&key, Value::String(name.clone()), &self.origin);
            }
        }
    }
}

/// Pods listen on every interface.
fn put_ports(root: &Section<'_>, settings: &mut Settings<'_>) -> Result<(), Problem> {
    // webPort is what publicPort was called first.
    let port = match root.port("publicPort")? {
        Some(port) => Some(port),
        None => root.port("webPort")?,
    };
    for (key, port) in [("http.bind", port), ("admin.bind", root.port("metricsPort")?)] {
        if let Some(port) = port {
            settings.text(key, format!("0.0.0.0:{port}"));
        }
    }
    Ok(())
}

fn topics(kafka: &Section<'_>) -> Result<BTreeMap<String, String>, Problem> {
    let topics = kafka.list("topics")?;
    topics.iter().map(|topic| Ok((topic.needed_text("requestedName")?, topic.needed_text("name")?))).collect()
}

#[cfg(test)]
mod tests;
