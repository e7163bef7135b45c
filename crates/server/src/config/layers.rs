//! Where settings come from, one layer over the other, and where each value came from in the end.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use toml::{Table, Value};

use super::ConfigError;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// `config/default.toml`.
    Default,
    /// What `gathering demo` sets.
    Demo,
    /// The configuration file.
    File(PathBuf),
    /// A variable of the environment.
    Environment(String),
    /// `--set`.
    CommandLine,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("the defaults"),
            Self::Demo => f.write_str("the settings of the demo"),
            Self::File(path) => write!(f, "the file {}", path.display()),
            Self::Environment(name) => write!(f, "the variable {name}"),
            Self::CommandLine => f.write_str("--set"),
        }
    }
}

/// What variables start with.
const PREFIX: &str = "GATHERING__";

/// The merged settings, before they have types.
#[derive(Debug, Default)]
pub(super) struct Layers {
    pub(super) merged: Table,
    origins: BTreeMap<String, Origin>,
    /// Values of the environment that TOML makes something else of than a text, as they were given.
    texts: BTreeMap<String, String>,
}

/// Why settings cannot be given their types, and at which key.
pub(super) type Refusal = serde_path_to_error::Error<toml::de::Error>;

impl Layers {
    /// Puts a TOML document over what is there.
    pub(super) fn text(&mut self, text: &str, origin: &Origin) -> Result<(), ConfigError> {
        let table: Table = text.parse().map_err(|error: toml::de::Error| ConfigError::Syntax {
            origin: origin.clone(),
            problem: error.message().to_owned(),
            line: error
                .span()
                .map_or(0, |span| text.get(..span.start).unwrap_or_default().lines().count().max(1)),
        })?;
        self.table(&table, &mut Vec::new(), origin);
        Ok(())
    }

    pub(super) fn file(&mut self, path: &Path) -> Result<(), ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::File { path: path.to_owned(), source })?;
        self.text(&text, &Origin::File(path.to_owned()))
    }

    /// Takes the variables that are meant for settings.
    pub(super) fn environment(
        &mut self,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<(), ConfigError> {
        for (name, value) in variables {
            if let Some(key) = name.strip_prefix(PREFIX) {
                let key: Vec<String> = key.split("__").map(str::to_lowercase).collect();
                self.variable(&key, value, &Origin::Environment(name.clone()));
            } else if name.starts_with("GATHERING_") && name.contains("__") {
                return Err(ConfigError::Variable { name });
            }
        }
        Ok(())
    }

    /// Takes one `section.key=VALUE`.
    pub(super) fn assignment(&mut self, assignment: &str) -> Result<(), ConfigError> {
        let wrong = || ConfigError::Assignment { text: assignment.to_owned() };
        let (key, value) = assignment.split_once('=').ok_or_else(wrong)?;
        let key: Vec<String> = key.trim().split('.').map(str::to_owned).collect();
        if key.len() < 2 || key.iter().any(String::is_empty) {
            return Err(wrong());
        }
        let value = match read(value) {
            // As it is written: `1e3` is another text than `1000`.
            Value::Integer(_) | Value::Float(_) if is_property(&key) => {
                Value::String(value.trim().to_owned())
            }
            value => value,
        };
        self.value(&key, value, &Origin::CommandLine);
        Ok(())
    }

    /// Takes a value of the environment. Whether it is a text the type of the setting has to say, later: see
    /// [`typed`](Self::typed).
    fn variable(&mut self, path: &[String], text: String, origin: &Origin) {
        let value = match read(&text) {
            // Only a section takes tables.
            Value::Table(_) if !self.has_section(path) => Value::String(text),
            value @ (Value::String(_) | Value::Table(_)) => value,
            _ if is_property(path) => Value::String(text),
            value => {
                self.value(path, value, origin);
                self.texts.insert(path.join("."), text);
                return;
            }
        };
        self.value(path, value, origin);
    }

    fn has_section(&self, path: &[String]) -> bool {
        let mut parts = path.iter();
        let first = parts.next().and_then(|part| self.merged.get(part));
        first
            .and_then(|first| parts.try_fold(first, |outer, part| outer.get(part)))
            .is_some_and(Value::is_table)
    }

    /// Gives the settings their types. Where that fails for a value of the environment, it is taken for a text: quotes,
    /// which TOML wants around one, are not expected there.
    pub(super) fn typed<T: DeserializeOwned>(&mut self) -> Result<T, Refusal> {
        let mut refusal = match deserialize(&self.merged) {
            Ok(typed) => return Ok(typed),
            Err(refusal) => refusal,
        };
        loop {
            let key = refusal.path().to_string();
            let Some(former) = self.take_as_text(&key) else { return Err(refusal) };
            match deserialize(&self.merged) {
                Ok(typed) => return Ok(typed),
                Err(error) if error.path().to_string() == key => {
                    // It is no text either, and the first refusal says better what it has to be.
                    self.put(&key, former);
                    return Err(refusal);
                }
                Err(other) => refusal = other,
            }
        }
    }

    /// Puts the text in place of what TOML made of it, and returns that.
    fn take_as_text(&mut self, key: &str) -> Option<Value> {
        let text = self.texts.remove(key)?;
        self.put(key, Value::String(text))
    }

    fn put(&mut self, key: &str, value: Value) -> Option<Value> {
        let mut parts = key.split('.');
        let first = self.merged.get_mut(parts.next()?)?;
        let place = parts.try_fold(first, |outer, part| outer.get_mut(part))?;
        Some(std::mem::replace(place, value))
    }

    /// The origin of a key, or of the nearest part of the document that it lies in.
    pub(super) fn origin(&self, key: &str) -> Origin {
        let inner = self.origins.range(key.to_owned()..).next().filter(|(found, _)| found.starts_with(key));
        let mut outer = Some(key);
        while let Some(part) = outer {
            if let Some(origin) = self.origins.get(part) {
                return origin.clone();
            }
            outer = part.rsplit_once('.').map(|(parent, _)| parent);
        }
        inner.map_or(Origin::Default, |(_, origin)| origin.clone())
    }

    fn table(&mut self, table: &Table, path: &mut Vec<String>, origin: &Origin) {
        for (key, value) in table {
            // Only names of Kafka's properties have dots; quoted or not, they are the same names.
            let depth = path.len();
            path.extend(key.split('.').map(str::to_owned));
            self.value(path, value.clone(), origin);
            path.truncate(depth);
        }
    }

    fn value(&mut self, path: &[String], value: Value, origin: &Origin) {
        if let Value::Table(inner) = &value {
            // `{url = "…"}` sets the keys that it names, as a section of a file does.
            return self.table(inner, &mut path.to_vec(), origin);
        }
        let Some((last, parents)) = path.split_last() else { return };
        let mut table = &mut self.merged;
        for (depth, parent) in parents.iter().enumerate() {
            let entry = table.entry(parent.clone()).or_insert_with(|| Value::Table(Table::new()));
            if !entry.is_table() {
                // A section in place of a value; the types will refuse it.
                *entry = Value::Table(Table::new());
                let key = path.iter().take(depth + 1).cloned().collect::<Vec<_>>().join(".");
                self.origins.remove(&key);
                self.texts.remove(&key);
            }
            let Value::Table(inner) = entry else { return };
            table = inner;
        }
        table.insert(last.clone(), value);
        self.texts.remove(&path.join("."));
        self.origins.insert(path.join("."), origin.clone());
    }
}

/// Whether this is a property of Kafka's client. Their values are texts, whatever they look like.
fn is_property(path: &[String]) -> bool {
    const PROPERTIES: [&str; 3] = ["ingest", "kafka", "properties"];
    path.len() > PROPERTIES.len() && path.iter().zip(PROPERTIES).all(|(part, property)| part == property)
}

fn deserialize<T: DeserializeOwned>(table: &Table) -> Result<T, Refusal> {
    serde_path_to_error::deserialize(table.clone())
}

/// A value of the environment or the command line: TOML, or else a text.
fn read(text: &str) -> Value {
    text.trim().parse().unwrap_or_else(|_| Value::String(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_toml_and_bare_words_are_texts() {
        for (text, value) in [
            ("8", Value::Integer(8)),
            ("true", Value::Boolean(true)),
            ("\"8\"", Value::String("8".to_owned())),
            (
                "[\"a\", \"b\"]",
                Value::Array(vec![Value::String("a".to_owned()), Value::String("b".to_owned())]),
            ),
            ("24h", Value::String("24h".to_owned())),
            ("127.0.0.1:8080", Value::String("127.0.0.1:8080".to_owned())),
            ("sqlite://data/x.db", Value::String("sqlite://data/x.db".to_owned())),
            ("", Value::String(String::new())),
            ("1\nx = 2", Value::String("1\nx = 2".to_owned())),
        ] {
            assert_eq!(read(text), value, "{text}");
        }
    }

    #[test]
    fn later_layers_win_and_are_remembered() {
        let mut layers = Layers::default();
        layers.text("[http]\nbind = \"a\"\nworkers = 1\n[log]\nfilter = \"info\"", &Origin::Default).unwrap();
        layers.text("[http]\nbind = \"b\"", &Origin::File("x.toml".into())).unwrap();
        layers
            .environment([
                ("GATHERING__LOG__FILTER".to_owned(), "debug".to_owned()),
                ("GATHERING_CONFIG".to_owned(), "y".to_owned()),
                ("HOME".to_owned(), "/".to_owned()),
                // What Kubernetes sets for a service of this name.
                ("GATHERING_PORT_8080_TCP".to_owned(), "x".to_owned()),
            ])
            .unwrap();
        let mistyped = layers.environment([("GATHERING_STORAGE__URL".to_owned(), "x".to_owned())]);
        assert!(matches!(mistyped, Err(ConfigError::Variable { .. })));
        layers.assignment("http.workers=3").unwrap();
        layers.assignment("http.inner={a=1}").unwrap();
        assert_eq!(
            layers.merged["http"].as_table_mut().unwrap().remove("inner").unwrap()["a"].as_integer(),
            Some(1)
        );
        let expected = "[http]\nbind = \"b\"\nworkers = 3\n\n[log]\nfilter = \"debug\"\n";
        assert_eq!(layers.merged.to_string(), expected);
        assert_eq!(layers.origin("http.bind"), Origin::File("x.toml".into()));
        assert_eq!(layers.origin("http.workers"), Origin::CommandLine);
        assert_eq!(layers.origin("log.filter"), Origin::Environment("GATHERING__LOG__FILTER".to_owned()));
    }

    #[test]
    fn an_assignment_has_a_section_a_key_and_a_value() {
        for wrong in ["", "x", "x=1", ".x=1", "a.=1", "=1"] {
            assert!(Layers::default().assignment(wrong).is_err(), "{wrong}");
        }
        let mut layers = Layers::default();
        layers.assignment("auth.keys.hmac_secret_file=a=b").unwrap();
        assert_eq!(layers.merged["auth"]["keys"]["hmac_secret_file"].as_str(), Some("a=b"));
    }
}
