//! JSON strings as Go's decoder reads them, borrowed from the document if they have no escapes.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// A JSON string in which half of a surrogate pair (`"\\udcff"`, which Python writes for bytes that are no UTF-8)
/// becomes replacement characters instead of an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text<'a>(pub(crate) Cow<'a, str>);

impl<'a> Text<'a> {
    /// The text of this value; `None` if it is no string.
    pub(crate) fn of(value: &'a RawValue) -> Option<Self> {
        let spelled = value.get().strip_prefix('"')?.strip_suffix('"')?;
        if spelled.contains('\\') {
            return serde_json::from_str(value.get()).ok();
        }
        Some(Self(Cow::Borrowed(spelled)))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_borrowed_bytes<E: Error>(self, bytes: &'de [u8]) -> Result<Text<'de>, E> {
                Ok(Text(lossy(bytes)))
            }
            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(lossy(bytes).into_owned())))
            }
        }
        // Asked for bytes, serde_json does not refuse half of a surrogate pair.
        deserializer.deserialize_bytes(TextVisitor)
    }
}

/// Like [`String::from_utf8_lossy`], which takes several times as long if nothing is to be replaced.
fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

/// A [`Text`] as strict as a value that is skipped: read as bytes, a text could have control characters that are not escaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Spelled<'a>(pub(crate) Text<'a>);

impl<'de: 'a, 'a> Deserialize<'de> for Spelled<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = <&RawValue>::deserialize(deserializer)?;
        Text::of(value).map(Self).ok_or_else(|| Error::custom("not a string"))
    }
}
