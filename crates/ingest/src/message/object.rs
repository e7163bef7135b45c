//! JSON objects, parsed one level deep: the members that are asked for, each with the text of its value. Other members take up
//! no memory, since a body may be an object of millions of them.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::error::MessageError;
use super::text::Text;

/// The values of these keys in a document that has to be an object. Of a key that comes twice, the later one counts.
pub(crate) fn read_members<'a, const N: usize>(
    document: &'a [u8],
    keys: [&str; N],
) -> Result<[Option<&'a RawValue>; N], MessageError> {
    match str::from_utf8(document) {
        Ok(text) => parse_members(serde_json::Deserializer::from_str(text), keys),
        // The parser finds the value that is not UTF-8.
        Err(_) => parse_members(serde_json::Deserializer::from_slice(document), keys),
    }
    .map_err(|error| message_error(&error))
}

fn parse_members<'a, R: serde_json::de::Read<'a>, const N: usize>(
    mut parser: serde_json::Deserializer<R>,
    keys: [&str; N],
) -> serde_json::Result<[Option<&'a RawValue>; N]> {
    let mut found = [None; N];
    Members(|name: &str, value| pick(&keys, &mut found, name, value)).deserialize(&mut parser)?;
    parser.end()?;
    Ok(found)
}

/// The values of these keys in an object; `None` if the value is none.
pub(crate) fn members<'a, const N: usize>(
    value: &'a RawValue,
    keys: [&str; N],
) -> Option<[Option<&'a RawValue>; N]> {
    let mut found = [None; N];
    for_each(value, |name, value| pick(&keys, &mut found, name, value))?;
    Some(found)
}

/// The value of one key, if the value is an object that has it.
pub(crate) fn member<'a>(value: &'a RawValue, key: &str) -> Option<&'a RawValue> {
    let [value] = members(value, [key])?;
    value
}

/// Calls `each` for every member, in order; `None` if the value is no object.
pub(crate) fn for_each<'a>(value: &'a RawValue, each: impl FnMut(&str, &'a RawValue)) -> Option<()> {
    Members(each).deserialize(&mut serde_json::Deserializer::from_str(value.get())).ok()
}

fn pick<'a>(keys: &[&str], found: &mut [Option<&'a RawValue>], name: &str, value: &'a RawValue) {
    for (_, found) in keys.iter().zip(found).filter(|(key, _)| **key == name) {
        *found = Some(value);
    }
}

struct Members<F>(F);

impl<'de, F: FnMut(&str, &'de RawValue)> DeserializeSeed<'de> for Members<F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, F: FnMut(&str, &'de RawValue)> Visitor<'de> for Members<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }
    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some((Text(name), value)) = map.next_entry()? {
            (self.0)(&name, value);
        }
        Ok(())
    }
}

pub(crate) fn is_null(value: &RawValue) -> bool {
    value.get() == "null"
}

/// Whether the value is an empty object or list.
pub(crate) fn is_empty(value: &RawValue) -> bool {
    let inside = |open, close| value.get().strip_prefix(open)?.strip_suffix(close);
    inside('{', '}').or_else(|| inside('[', ']')).is_some_and(|inside| inside.trim().is_empty())
}

fn message_error(error: &serde_json::Error) -> MessageError {
    if error.is_data() {
        MessageError::NotAnObject
    } else {
        MessageError::NotJson { line: error.line(), column: error.column() }
    }
}
