//! Settings before they have types: sections of sections and values, and how serde reads types from them.
//!
//! The deserializer is ours because a variable of the environment has no type. `12345` is a number for a setting that
//! holds one, and a text for a setting that holds a text, be it a password or the name of a topic: only the type of the
//! setting can tell, and a deserializer is asked for it.

use std::cell::Cell;
use std::collections::BTreeMap;

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{Deserializer, Error, IntoDeserializer, Unexpected, Visitor};
use serde::forward_to_deserialize_any;
use toml::{Table, Value};

use super::origin::Origin;

/// A part of the configuration.
#[derive(Debug)]
pub(super) enum Setting {
    Section(Section),
    Given(Given),
}

pub(super) type Section = BTreeMap<String, Setting>;

/// A value, and where it came from.
#[derive(Debug)]
pub(super) struct Given {
    /// What TOML makes of it. It is no table: tables are sections.
    pub(super) value: Value,
    /// Of a variable: the text itself, where TOML makes something else of it than a text.
    pub(super) text: Option<String>,
    /// Whether the type of the setting wanted the text.
    pub(super) is_text: Cell<bool>,
    pub(super) origin: Origin,
}

impl Setting {
    /// The value that counts for the program.
    pub(super) fn effective(&self) -> Value {
        match self {
            Self::Section(section) => Value::Table(effective(section)),
            Self::Given(Given { text: Some(text), is_text, .. }) if is_text.get() => {
                Value::String(text.clone())
            }
            Self::Given(given) => given.value.clone(),
        }
    }

    /// The value as TOML reads it.
    pub(super) fn as_given(&self) -> Value {
        match self {
            Self::Section(section) => {
                Value::Table(section.iter().map(|(key, inner)| (key.clone(), inner.as_given())).collect())
            }
            Self::Given(given) => given.value.clone(),
        }
    }
}

/// The values of a section that count for the program.
pub(super) fn effective(section: &Section) -> Table {
    section.iter().map(|(key, inner)| (key.clone(), inner.effective())).collect()
}

/// Why a value cannot be what the type of its setting wants.
#[derive(Debug, thiserror::Error)]
pub(super) enum Mismatch {
    #[error("there is no such setting")]
    UnknownKey,
    #[error("{0}")]
    Unusable(String),
}

impl Error for Mismatch {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Self::Unusable(message.to_string())
    }

    fn unknown_field(_: &str, _: &'static [&'static str]) -> Self {
        Self::UnknownKey
    }
}

/// What a type is read from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Source<'a> {
    Section(&'a Section),
    Given(&'a Given),
    /// Within a list.
    Inner(&'a Value),
}

impl<'a> From<&'a Setting> for Source<'a> {
    fn from(setting: &'a Setting) -> Self {
        match setting {
            Setting::Section(section) => Self::Section(section),
            Setting::Given(given) => Self::Given(given),
        }
    }
}

impl<'a> Source<'a> {
    fn value(self) -> Option<&'a Value> {
        match self {
            Self::Section(_) => None,
            Self::Given(given) => Some(&given.value),
            Self::Inner(value) => Some(value),
        }
    }

    /// A text, or a variable's text whatever TOML makes of it: quotes, which TOML wants around one, are not expected there.
    fn text(self) -> Result<&'a str, Mismatch> {
        match self {
            Self::Given(Given { value: Value::String(text), .. }) | Self::Inner(Value::String(text)) => {
                Ok(text)
            }
            Self::Given(Given { text: Some(text), is_text, .. }) => {
                is_text.set(true);
                Ok(text)
            }
            other => Err(other.is_not("a text in quotes")),
        }
    }

    fn whole_number<T: TryFrom<i64>>(self) -> Result<T, Mismatch> {
        let number = self.value().and_then(Value::as_integer).and_then(|number| T::try_from(number).ok());
        number.ok_or_else(|| self.is_not("a whole number"))
    }

    /// `expected` in the words of TOML, not of Rust.
    fn is_not(self, expected: &str) -> Mismatch {
        let found = match self.value() {
            None | Some(Value::Table(_)) => Unexpected::Map,
            Some(Value::Array(_)) => Unexpected::Seq,
            Some(Value::String(text)) => Unexpected::Str(text),
            Some(Value::Integer(number)) => Unexpected::Signed(*number),
            Some(Value::Float(number)) => Unexpected::Float(*number),
            Some(Value::Boolean(value)) => Unexpected::Bool(*value),
            Some(Value::Datetime(_)) => Unexpected::Other("date or time"),
        };
        Mismatch::invalid_type(found, &expected)
    }
}

impl<'de> IntoDeserializer<'de, Mismatch> for Source<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Source<'de> {
    type Error = Mismatch;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match self.value() {
            Some(Value::String(text)) => visitor.visit_str(text),
            Some(Value::Integer(number)) => visitor.visit_i64(*number),
            Some(Value::Float(number)) => visitor.visit_f64(*number),
            Some(Value::Boolean(value)) => visitor.visit_bool(*value),
            Some(Value::Datetime(_)) => Err(self.is_not("a text in quotes")),
            Some(Value::Array(_)) => self.deserialize_seq(visitor),
            Some(Value::Table(_)) | None => self.deserialize_map(visitor),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        visitor.visit_str(self.text()?)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        visitor.visit_str(self.text()?)
    }

    fn deserialize_u16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        visitor.visit_u16(self.whole_number()?)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        visitor.visit_u32(self.whole_number()?)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        let Some(Value::Array(list)) = self.value() else {
            return Err(self.is_not("a list such as [\"one\", \"two\"]"));
        };
        visitor.visit_seq(SeqDeserializer::new(list.iter().map(Self::Inner)))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match (self, self.value()) {
            (Self::Section(section), _) => {
                let entries = section.iter().map(|(key, inner)| (key.as_str(), Self::from(inner)));
                visitor.visit_map(MapDeserializer::new(entries))
            }
            (_, Some(Value::Table(table))) => {
                let entries = table.iter().map(|(key, inner)| (key.as_str(), Self::Inner(inner)));
                visitor.visit_map(MapDeserializer::new(entries))
            }
            _ => Err(self.is_not("a section")),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        visitor.visit_enum(self.text()?.into_deserializer())
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u64 u128 f32 f64 char bytes byte_buf unit unit_struct tuple tuple_struct identifier
        ignored_any
    }
}
