//! The layers of the configuration, one over the other: defaults, file, environment, demo, command line.

use std::path::Path;

use serde::de::DeserializeOwned;
use toml::{Table, Value};

use super::alternatives;
use super::error::ConfigError;
use super::origin::Origin;
use super::setting::{self, Given, Mismatch, Section, Setting};

/// What variables start with.
const PREFIX: &str = "GATHERING__";

/// The merged settings, before they have types.
#[derive(Debug, Default)]
pub(super) struct Layers(Section);

/// Why settings cannot be given their types, and at which key.
pub(super) type Refusal = serde_path_to_error::Error<Mismatch>;

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
        self.put_table(&table, &mut Vec::new(), origin);
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
                self.put_variable(&key, value, &Origin::Environment(name.clone()));
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
        self.put(&key, value, None, &Origin::CommandLine);
        Ok(())
    }

    /// Puts one value over what is there.
    pub(super) fn set(&mut self, path: &[&str], value: Value, origin: &Origin) {
        let path: Vec<String> = path.iter().map(|&part| part.to_owned()).collect();
        self.put(&path, value, None, origin);
    }

    /// The text that a setting has, whatever TOML would make of it.
    pub(super) fn text_of(&self, path: &[&str]) -> Option<String> {
        match self.find(path.iter().copied())? {
            Setting::Given(Given { value: Value::String(text), .. } | Given { text: Some(text), .. }) => {
                Some(text.clone())
            }
            _ => None,
        }
    }

    /// Gives the settings their types.
    pub(super) fn typed<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        serde_path_to_error::deserialize(setting::Source::Section(&self.0))
    }

    /// The values that count, once [`typed`](Self::typed) has found which of them are texts.
    pub(super) fn effective(&self) -> Table {
        setting::effective(&self.0)
    }

    /// The value of a key such as `auth.issuers[1].keys.jwks_url`, as `shown` has it of a whole setting.
    pub(super) fn value(&self, key: &str, shown: impl Fn(&Setting) -> Value) -> Option<Value> {
        let (path, inner) = key.split_once('[').unwrap_or((key, ""));
        let whole = shown(self.find(path.split('.'))?);
        let mut parts = inner.split(['.', '[']).map(|part| part.trim_end_matches(']'));
        parts.try_fold(whole, |outer, part| match outer {
            outer if part.is_empty() => Some(outer),
            Value::Array(mut list) => {
                let index = part.parse::<usize>().ok().filter(|index| *index < list.len())?;
                Some(list.swap_remove(index))
            }
            Value::Table(mut table) => table.remove(part),
            _ => None,
        })
    }

    /// Where a key comes from, or the nearest part that it lies in or that lies in it. A list comes whole.
    pub(super) fn origin(&self, key: &str) -> Origin {
        let key = key.split('[').next().unwrap_or(key);
        let mut section = &self.0;
        for part in key.split('.') {
            match section.get(part) {
                Some(Setting::Section(inner)) => section = inner,
                Some(Setting::Given(given)) => return given.origin.clone(),
                None => return Origin::Default,
            }
        }
        first_origin(section).cloned().unwrap_or(Origin::Default)
    }

    fn find<'a>(&self, mut path: impl Iterator<Item = &'a str>) -> Option<&Setting> {
        let first = self.0.get(path.next()?)?;
        path.try_fold(first, |outer, part| match outer {
            Setting::Section(section) => section.get(part),
            Setting::Given(_) => None,
        })
    }

    /// Takes a value of the environment. Whether it is a text the type of the setting has to say, later.
    fn put_variable(&mut self, path: &[String], text: String, origin: &Origin) {
        let (value, text) = match read(&text) {
            // Only a section takes tables.
            Value::Table(_) if !self.is_section(path) => (Value::String(text), None),
            value @ (Value::String(_) | Value::Table(_)) => (value, None),
            _ if is_property(path) => (Value::String(text), None),
            value => (value, Some(text)),
        };
        self.put(path, value, text, origin);
    }

    fn is_section(&self, path: &[String]) -> bool {
        matches!(self.find(path.iter().map(String::as_str)), Some(Setting::Section(_)))
    }

    fn put_table(&mut self, table: &Table, path: &mut Vec<String>, origin: &Origin) {
        for (key, value) in table {
            // Only names of Kafka's properties have dots; quoted or not, they are the same names.
            let depth = path.len();
            path.extend(key.split('.').map(str::to_owned));
            self.put(path, value.clone(), None, origin);
            path.truncate(depth);
        }
    }

    fn put(&mut self, path: &[String], value: Value, text: Option<String>, origin: &Origin) {
        if let Value::Table(inner) = &value {
            // `{url = "…"}` sets the keys that it names, as a section of a file does.
            return self.put_table(inner, &mut path.to_vec(), origin);
        }
        let Some((last, parents)) = path.split_last() else { return };
        let mut section = &mut self.0;
        for parent in parents {
            let place = section.entry(parent.clone()).or_insert_with(|| Setting::Section(Section::new()));
            if matches!(place, Setting::Given(_)) {
                // A section in place of a value; the types will refuse it.
                *place = Setting::Section(Section::new());
            }
            let Setting::Section(inner) = place else { return };
            section = inner;
        }
        let given = Given { value, text, is_text: false.into(), origin: origin.clone() };
        section.insert(last.clone(), Setting::Given(given));
        self.take_back_alternatives(&path.join("."), origin);
    }

    fn take_back_alternatives(&mut self, key: &str, origin: &Origin) {
        for other in alternatives::of(key) {
            if self.find(other.split('.')).is_some() && !self.origin(other).is_same_layer(origin) {
                self.remove(other);
            }
        }
    }

    /// Makes these keys, sections or values, what they are in `defaults`.
    pub(super) fn reset(&mut self, keys: &[&str], defaults: &mut Self) {
        for key in keys {
            let default = defaults.remove(key);
            self.remove(key);
            if let Some((section, last)) = self.place(key) {
                section.extend(default.map(|default| (last.to_owned(), default)));
            }
        }
    }

    fn remove(&mut self, key: &str) -> Option<Setting> {
        self.place(key).and_then(|(section, last)| section.remove(last))
    }

    /// The section that a key lies in, and its name there.
    fn place<'a>(&mut self, key: &'a str) -> Option<(&mut Section, &'a str)> {
        let (parents, last) =
            key.rsplit_once('.').map_or((None, key), |(parents, last)| (Some(parents), last));
        let mut parents = parents.into_iter().flat_map(|parents| parents.split('.'));
        let section = parents.try_fold(&mut self.0, |section, part| match section.get_mut(part) {
            Some(Setting::Section(inner)) => Some(inner),
            _ => None,
        })?;
        Some((section, last))
    }
}

fn first_origin(section: &Section) -> Option<&Origin> {
    section.values().find_map(|setting| match setting {
        Setting::Given(given) => Some(&given.origin),
        Setting::Section(inner) => first_origin(inner),
    })
}

/// Whether this is a property of Kafka's client. Their values are texts, whatever they look like.
fn is_property(path: &[String]) -> bool {
    const PROPERTIES: [&str; 3] = ["ingest", "kafka", "properties"];
    path.len() > PROPERTIES.len() && path.iter().zip(PROPERTIES).all(|(part, property)| part == property)
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
            ("\"8\"", "8".into()),
            ("[\"a\", \"b\"]", vec!["a", "b"].into()),
            ("24h", "24h".into()),
            ("127.0.0.1:8080", "127.0.0.1:8080".into()),
            ("sqlite://data/x.db", "sqlite://data/x.db".into()),
            ("", "".into()),
            ("1\nx = 2", "1\nx = 2".into()),
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
        let wrong = layers.environment([("GATHERING_STORAGE__URL".to_owned(), "x".to_owned())]);
        assert!(matches!(wrong, Err(ConfigError::Variable { .. })));
        layers.assignment("http.workers=3").unwrap();
        layers.assignment("http.inner={a=1}").unwrap();
        let mut merged = layers.effective();
        let inner = merged["http"].as_table_mut().unwrap().remove("inner").unwrap();
        assert_eq!(inner["a"].as_integer(), Some(1));
        assert_eq!(merged.to_string(), "[http]\nbind = \"b\"\nworkers = 3\n\n[log]\nfilter = \"debug\"\n");
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
        assert_eq!(layers.effective()["auth"]["keys"]["hmac_secret_file"].as_str(), Some("a=b"));
    }
}
