//! Texts of JSON as Go's decoder reads them.

use std::borrow::Borrow;
use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};

/// A JSON string in which half of a surrogate pair (`"\\udcff"`, which Python writes for bytes that are no UTF-8)
/// becomes replacement characters instead of an error.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Text(pub(crate) String);

impl Borrow<str> for Text {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl Visitor<'_> for TextVisitor {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Text, E> {
                Ok(Text(String::from_utf8_lossy(bytes).into_owned()))
            }
        }
        // As bytes, serde_json hands over what it would refuse as a text.
        deserializer.deserialize_bytes(TextVisitor)
    }
}
