//! The YAML files of a tree, with the types that today's reader takes.
//!
//! A plain scalar is a text wherever a text is wanted, null and an absent key are the empty text; a number has to be a
//! number, and loses its fraction.

use std::collections::HashMap;
use std::fmt;

use serde::de::{DeserializeOwned, Error, Visitor};
use serde::{Deserialize, Deserializer};

/// Reads a file; one without content is one without keys.
pub(super) fn parse<T: DeserializeOwned + Default>(text: &str) -> Result<T, String> {
    let parsed: Result<Option<T>, _> = serde_saphyr::from_str(text);
    // The reader's message goes over several lines with an excerpt; the first says what is wrong.
    parsed
        .map(Option::unwrap_or_default)
        .map_err(|error| error.to_string().lines().next().unwrap_or_default().to_owned())
}

/// The keys of `config.yaml` that matter here.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Config {
    pub(super) impact: HashMap<Text, Integer>,
    #[serde(rename = "resolution_risk")]
    _resolution_risk: HashMap<Text, Integer>,
}

/// `plugin.yaml`. What is not used is read all the same: a value of a wrong type makes the rule unusable.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Plugin {
    pub(super) python_module: Text,
    #[serde(rename = "name")]
    _name: Text,
    #[serde(rename = "node_id")]
    _node_id: Text,
    #[serde(rename = "product_code")]
    _product_code: Text,
}

/// `metadata.yaml` of a key.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Metadata {
    pub(super) description: Text,
    pub(super) status: Text,
    pub(super) publish_date: Text,
    /// The empty text is a null that was written; `None` is no impact at all.
    #[serde(deserialize_with = "written")]
    pub(super) impact: Option<Text>,
    pub(super) likelihood: Option<Integer>,
    #[serde(rename = "resolution_risk")]
    _resolution_risk: Text,
    #[serde(rename = "tags")]
    _tags: Option<Vec<Text>>,
}

/// A value that is there, even if it is null.
fn written<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Text>, D::Error> {
    Text::deserialize(deserializer).map(Some)
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Text(pub(super) String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // As an option, so that a plain null is told from a text; as a string, so that `1.0` stays what it is.
        Ok(Self(Option::<String>::deserialize(deserializer)?.unwrap_or_default()))
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Integer {
    pub(super) value: i64,
    /// Whether no fraction was cut off.
    pub(super) is_whole: bool,
}

impl Integer {
    const fn whole(value: i64) -> Self {
        Self { value, is_whole: true }
    }
}

impl<'de> Deserialize<'de> for Integer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct IntegerVisitor;
        impl Visitor<'_> for IntegerVisitor {
            type Value = Integer;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number")
            }
            fn visit_i64<E: Error>(self, value: i64) -> Result<Integer, E> {
                Ok(Integer::whole(value))
            }
            fn visit_u64<E: Error>(self, value: u64) -> Result<Integer, E> {
                i64::try_from(value).map(Integer::whole).map_err(E::custom)
            }
            fn visit_f64<E: Error>(self, value: f64) -> Result<Integer, E> {
                #[expect(clippy::cast_possible_truncation, reason = "what is cut off is meant to be")]
                Ok(Integer { value: value as i64, is_whole: value.fract() == 0.0 })
            }
            fn visit_unit<E: Error>(self) -> Result<Integer, E> {
                Ok(Integer::whole(0))
            }
        }
        deserializer.deserialize_any(IntegerVisitor)
    }
}
