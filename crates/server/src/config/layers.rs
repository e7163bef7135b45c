//! Where settings come from, one layer over the other, and where each value came from in the end.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

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
}

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
                self.value(&key, read(&value), &Origin::Environment(name.clone()));
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
        self.value(&key, read(value), &Origin::CommandLine);
        Ok(())
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
                self.origins.remove(&path.iter().take(depth + 1).cloned().collect::<Vec<_>>().join("."));
            }
            let Value::Table(inner) = entry else { return };
            table = inner;
        }
        table.insert(last.clone(), value);
        self.origins.insert(path.join("."), origin.clone());
    }
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
