//! `config/default.toml` lists every setting that has a type, and no other: whoever reads it, or the reference that is made of it,
//! misses none.

use std::collections::BTreeSet;

use serde::de::value::Error;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, forward_to_deserialize_any};

use super::super::DEFAULTS;
use crate::config::Config;

type Fields = &'static [&'static str];

/// Follows a path into the sections of a type, and takes down what the last one consists of; of a setting nothing.
struct Walk<'a> {
    path: &'a [&'static str],
    fields: &'a mut Option<Fields>,
}

impl<'de> Deserializer<'de> for Walk<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(Error::custom("a setting"))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: Fields,
        visitor: V,
    ) -> Result<V::Value, Error> {
        if self.path.is_empty() {
            *self.fields = Some(fields);
            return Err(Error::custom("the section"));
        }
        visitor.visit_map(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct newtype_struct
        seq tuple tuple_struct map enum identifier ignored_any
    }
}

impl<'de> MapAccess<'de> for Walk<'_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        self.path.first().map(|name| seed.deserialize((*name).into_deserializer())).transpose()
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(Walk { path: &self.path[1..], fields: self.fields })
    }
}

/// Adds the settings below a path.
fn add_typed(path: &[&'static str], keys: &mut BTreeSet<String>) {
    let mut fields = None;
    assert!(Config::deserialize(Walk { path, fields: &mut fields }).is_err(), "there are no values");
    let Some(fields) = fields else {
        keys.insert(path.join("."));
        return;
    };
    for field in fields {
        add_typed(&[path, &[field]].concat(), keys);
    }
}

#[test]
fn the_file_of_defaults_lists_every_setting_and_no_other() {
    let mut typed = BTreeSet::new();
    add_typed(&[], &mut typed);

    let (mut listed, mut section) = (BTreeSet::new(), "");
    for line in DEFAULTS.lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = name;
            // A section that takes any names is a setting itself.
            if typed.contains(name) {
                listed.insert(name.to_owned());
            }
        } else if let Some((key, _)) = line.strip_prefix("# ").unwrap_or(line).split_once(" = ")
            && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        {
            listed.insert(format!("{section}.{key}"));
        }
    }
    assert_eq!(listed, typed);
}
