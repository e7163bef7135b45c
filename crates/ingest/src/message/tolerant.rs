//! Values whose type may be wrong. Reading goes on after one that is, so that an error in one place hides nothing elsewhere.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// What reads a value of one JSON type, and knows what to make of values of the others.
pub(crate) trait ReadValue<'de>: Sized {
    type Output;

    /// The value has another type.
    fn mismatch(self) -> Self::Output;

    fn null(self) -> Self::Output {
        self.mismatch()
    }

    fn object<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Output, A::Error> {
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(self.mismatch())
    }

    fn list<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Output, A::Error> {
        while elements.next_element::<IgnoredAny>()?.is_some() {}
        Ok(self.mismatch())
    }
}

/// Reads a value with its reader, whatever its type.
///
/// Only numbers that no float can hold and strings with half a surrogate pair end the reading with an error, if they are in
/// place of an object or a list: `serde_json` cannot skip them once it has been asked for a value of any type.
pub(crate) struct Tolerant<R>(pub(crate) R);

impl<'de, R: ReadValue<'de>> DeserializeSeed<'de> for Tolerant<R> {
    type Value = R::Output;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<R::Output, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, R: ReadValue<'de>> Visitor<'de> for Tolerant<R> {
    type Value = R::Output;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }
    fn visit_unit<E: Error>(self) -> Result<R::Output, E> {
        Ok(self.0.null())
    }
    fn visit_bool<E: Error>(self, _: bool) -> Result<R::Output, E> {
        Ok(self.0.mismatch())
    }
    fn visit_i64<E: Error>(self, _: i64) -> Result<R::Output, E> {
        Ok(self.0.mismatch())
    }
    fn visit_u64<E: Error>(self, _: u64) -> Result<R::Output, E> {
        Ok(self.0.mismatch())
    }
    fn visit_f64<E: Error>(self, _: f64) -> Result<R::Output, E> {
        Ok(self.0.mismatch())
    }
    fn visit_str<E: Error>(self, _: &str) -> Result<R::Output, E> {
        Ok(self.0.mismatch())
    }
    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<R::Output, A::Error> {
        self.0.object(members)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, elements: A) -> Result<R::Output, A::Error> {
        self.0.list(elements)
    }
}
