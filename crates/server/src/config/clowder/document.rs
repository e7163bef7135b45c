//! Reading the platform's file key by key, so that a sentence names the key that is wrong, and shows no value.

use serde_json::{Map, Value};

/// What is wrong with a key, and which one, as in `kafka.brokers[0].port`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) key: String,
    pub(super) text: &'static str,
}

/// An object of the file. A key with null, or an empty text, counts as missing.
pub(super) struct Section<'a> {
    key: String,
    values: &'a Map<String, Value>,
}

impl<'a> Section<'a> {
    pub(super) fn root(document: &'a Value) -> Result<Self, Problem> {
        Self::new(String::new(), document)
    }

    fn new(key: String, value: &'a Value) -> Result<Self, Problem> {
        match value {
            Value::Object(values) => Ok(Self { key, values }),
            _ if key.is_empty() => {
                Err(Problem { key: "the whole".to_owned(), text: "it has to be an object" })
            }
            _ => Err(Problem { key, text: "it has to be an object" }),
        }
    }

    pub(super) fn section(&self, key: &str) -> Result<Option<Self>, Problem> {
        self.value(key).map(|value| Section::new(self.path(key), value)).transpose()
    }

    /// A list of objects; an empty one where the key is missing.
    pub(super) fn list(&self, key: &str) -> Result<Vec<Self>, Problem> {
        match self.value(key) {
            None => Ok(Vec::new()),
            Some(Value::Array(list)) => {
                let element = |(at, value)| Section::new(format!("{}[{at}]", self.path(key)), value);
                list.iter().enumerate().map(element).collect()
            }
            Some(_) => Err(self.problem(key, "it has to be a list")),
        }
    }

    pub(super) fn text(&self, key: &str) -> Result<Option<String>, Problem> {
        match self.value(key) {
            None => Ok(None),
            Some(Value::String(text)) if text.contains('\0') => {
                Err(self.problem(key, "it has to be a text without a null character"))
            }
            Some(Value::String(text)) => Ok(Some(text.clone()).filter(|text| !text.is_empty())),
            Some(_) => Err(self.problem(key, "it has to be a text")),
        }
    }

    pub(super) fn needed_text(&self, key: &str) -> Result<String, Problem> {
        self.text(key)?.ok_or_else(|| self.problem(key, "it is missing"))
    }

    pub(super) fn port(&self, key: &str) -> Result<Option<u16>, Problem> {
        let Some(value) = self.value(key) else { return Ok(None) };
        let port = value.as_u64().and_then(|port| u16::try_from(port).ok()).filter(|port| *port > 0);
        port.map(Some).ok_or_else(|| self.problem(key, "it has to be a whole number from 1 to 65535"))
    }

    pub(super) fn problem(&self, key: &str, text: &'static str) -> Problem {
        Problem { key: self.path(key), text }
    }

    fn value(&self, key: &str) -> Option<&'a Value> {
        self.values.get(key).filter(|value| !value.is_null())
    }

    fn path(&self, key: &str) -> String {
        if self.key.is_empty() { key.to_owned() } else { format!("{}.{key}", self.key) }
    }
}
