//! JSON objects, parsed one level deep: the members that are asked for, each with the text of its value. Other members take up
//! no memory, since a body may be an object of millions of them.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, de};
use serde_json::value::RawValue;

use super::error::MessageError;
use super::text::Text;

/// The values of these keys in a document that has to be an object. Of a key that comes twice, the later one counts.
pub(crate) fn read_members<'a, const N: usize>(
    document: &'a [u8],
    keys: [&str; N],
) -> Result<[Option<&'a RawValue>; N], MessageError> {
    let mut found = [None; N];
    let mut parser = serde_json::Deserializer::from_slice(document);
    let take = |name: &str, value| pick(&keys, &mut found, name, value);
    Members(take)
        .deserialize(&mut parser)
        .and_then(|()| parser.end())
        .map_err(|error| message_error(&error))?;
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

/// Parses a document that has to be an object.
pub(crate) fn read<'a, T: Deserialize<'a>>(document: &'a [u8]) -> Result<T, MessageError> {
    serde_json::from_slice(document).map_err(|error| message_error(&error))
}

fn message_error(error: &serde_json::Error) -> MessageError {
    if error.is_data() {
        MessageError::NotAnObject
    } else {
        MessageError::NotJson { line: error.line(), column: error.column() }
    }
}

/// Calls `each` for every element of a list, with its index, until one is refused; `None` if the value is no list.
pub(crate) fn for_each_element<'a, E>(
    value: &'a RawValue,
    each: impl FnMut(usize, &'a RawValue) -> Result<(), E>,
) -> Option<Result<(), E>> {
    let mut refused = None;
    let elements = Elements { each, refused: &mut refused };
    let read = elements.deserialize(&mut serde_json::Deserializer::from_str(value.get()));
    match (read, refused) {
        (_, Some(refused)) => Some(Err(refused)),
        (read, None) => read.ok().map(Ok),
    }
}

struct Elements<'r, F, E> {
    each: F,
    refused: &'r mut Option<E>,
}

impl<'de, E, F: FnMut(usize, &'de RawValue) -> Result<(), E>> DeserializeSeed<'de> for Elements<'_, F, E> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, E, F: FnMut(usize, &'de RawValue) -> Result<(), E>> Visitor<'de> for Elements<'_, F, E> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }
    fn visit_seq<A: de::SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        for index in 0.. {
            let Some(element) = list.next_element()? else { break };
            if let Err(error) = (self.each)(index, element) {
                *self.refused = Some(error);
                return Err(de::Error::custom("refused"));
            }
        }
        Ok(())
    }
}
