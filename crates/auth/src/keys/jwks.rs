//! JSON Web Key Sets (RFC 7517), as providers publish them. They are read key by key, so that a key that cannot be used costs
//! no other.

use std::collections::HashMap;
use std::fmt;

use super::error::KeyError;
use super::jwk::{Jwk, Origin};
use super::key::VerifyingKey;
use super::key_set::KeySet;
use crate::json::{elements, members};

/// How many keys of a set are used. Providers publish two to ten, and each costs memory.
const MAX_KEYS: usize = 256;

/// How many keys of a set with the same name, or without one, are used. A token is tried against each that fits.
const MAX_PER_NAME: usize = 4;

/// How many keys that are not used are named in the log.
const MAX_NAMED: usize = 10;

/// Keys of a set that are not used.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct SkippedKeys {
    /// The first of them, with reasons.
    first: Vec<SkippedKey>,
    count: usize,
}

#[derive(Debug, PartialEq, Eq)]
struct SkippedKey {
    id: String,
    error: KeyError,
}

impl SkippedKeys {
    fn push(&mut self, id: Option<String>, number: usize, error: KeyError) {
        const LONGEST_NAME: usize = 100;
        self.count += 1;
        if self.first.len() < MAX_NAMED {
            let id =
                id.map_or_else(|| format!("number {number}"), |id| id.chars().take(LONGEST_NAME).collect());
            self.first.push(SkippedKey { id, error });
        }
    }

    /// Warns of them.
    pub(crate) fn log(&self, source: &impl fmt::Display) {
        for SkippedKey { id, error } in &self.first {
            log::warn!("the key {id:?} of {source} is not used: it {error}");
        }
        match self.count - self.first.len() {
            0 => {}
            more => log::warn!("{more} more keys of {source} are not used"),
        }
    }
}

/// Reads a set. Keys that are not for signatures are skipped without a word.
///
/// # Errors
/// When the document is no key set, or no key of it can be used: then with the reason of the first one.
pub(crate) fn parse(json: &[u8], origin: Origin) -> Result<(KeySet, SkippedKeys), KeyError> {
    let text = std::str::from_utf8(json).map_err(|_| KeyError::NoKeySet)?;
    // Some providers write a byte order mark.
    let document = members(text.trim_start_matches('\u{feff}'), &["keys"]);
    let document = document.filter(|document| !document.has_duplicate).ok_or(KeyError::NoKeySet)?;
    let [keys] = document.values;
    let entries = keys.and_then(elements).ok_or(KeyError::NoKeySet)?;
    let (mut keys, mut skipped) = (Vec::new(), SkippedKeys::default());
    let mut names: HashMap<Option<String>, usize> = HashMap::new();
    for (entry, number) in entries.into_iter().zip(1..) {
        let jwk = match Jwk::read(entry) {
            Ok(jwk) => jwk,
            Err(error) => {
                skipped.push(None, number, error);
                continue;
            }
        };
        match usable(&jwk, origin, &mut names, keys.len()) {
            Ok(Some(key)) => keys.push(key),
            Ok(None) => {}
            Err(error) => skipped.push(jwk.id().ok().flatten(), number, error),
        }
    }
    if keys.is_empty() {
        return Err(skipped.first.first().map_or(KeyError::EmptyKeySet, |skipped| skipped.error));
    }
    Ok((KeySet::new(keys), skipped))
}

/// The key, unless it is not for signatures, or one too many.
fn usable(
    jwk: &Jwk<'_>,
    origin: Origin,
    names: &mut HashMap<Option<String>, usize>,
    used: usize,
) -> Result<Option<VerifyingKey>, KeyError> {
    if !jwk.is_for_signatures()? {
        return Ok(None);
    }
    let key = jwk.key(origin)?;
    let with_this_name = names.entry(key.id().map(str::to_owned)).or_default();
    if *with_this_name >= MAX_PER_NAME {
        Err(if key.id().is_some() { KeyError::SameName } else { KeyError::Unnamed })
    } else if used >= MAX_KEYS {
        Err(KeyError::TooManyKeys)
    } else {
        *with_this_name += 1;
        Ok(Some(key))
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::Algorithm;
    use serde_json::{Value, json};

    use super::*;
    use crate::testing::TestKey;

    fn set(keys: &[Value]) -> Vec<u8> {
        json!({"keys": keys}).to_string().into_bytes()
    }

    fn named(skipped: &SkippedKeys) -> Vec<(&str, KeyError)> {
        skipped.first.iter().map(|one| (one.id.as_str(), one.error)).collect()
    }

    #[test]
    fn one_bad_key_costs_no_other() {
        let good = TestKey::p256();
        for (bad, id, problem) in [
            (json!({"kty": "oct", "kid": "bad", "k": ""}), "bad", KeyError::PublishedSecret),
            (json!({"kty": "EC", "kid": "bad", "crv": "P-256"}), "bad", KeyError::Missing("x")),
            (json!({"kty": "RSA", "kid": 7}), "number 1", KeyError::NotAString("kid")),
            (Value::Null, "number 1", KeyError::NotAnObject),
            (json!("key"), "number 1", KeyError::NotAnObject),
            (json!(7), "number 1", KeyError::NotAnObject),
            (json!(true), "number 1", KeyError::NotAnObject),
            (json!([good.jwk("good")]), "number 1", KeyError::NotAnObject),
            (json!({}), "number 1", KeyError::Missing("kty")),
        ] {
            let (keys, skipped) = parse(&set(&[bad, good.jwk("good")]), Origin::Url).unwrap();
            assert!(keys.candidates(Algorithm::ES256, Some("good")).is_ok());
            assert_eq!((named(&skipped), skipped.count), (vec![(id, problem)], 1));
        }
    }

    #[test]
    fn only_a_few_keys_have_the_same_name_or_none() {
        let unnamed = || {
            let mut key = TestKey::p256().jwk("x");
            key.as_object_mut().unwrap().remove("kid");
            key
        };
        let mut all: Vec<Value> = (0..6).map(|_| unnamed()).collect();
        all.extend((0..7).map(|_| TestKey::p256().jwk("same")));
        let (keys, skipped) = parse(&set(&all), Origin::Url).unwrap();
        assert_eq!((keys.len(), skipped.count), (8, 5));
        assert!(named(&skipped)[..2].iter().all(|(_, problem)| *problem == KeyError::Unnamed));
        assert_eq!(named(&skipped)[2..], [("same", KeyError::SameName); 3]);
        for id in [None, Some("same")] {
            assert_eq!(keys.candidates(Algorithm::ES256, id).unwrap().len(), 4);
        }
    }

    #[test]
    fn of_more_keys_than_anybody_publishes_the_first_are_used() {
        let key = TestKey::p256();
        // Those that cannot be used anyway do not count.
        let mut all = vec![Value::Null; 2 * MAX_KEYS];
        all.extend((0..=MAX_KEYS).map(|number| key.jwk(&number.to_string())));
        let (keys, skipped) = parse(&set(&all), Origin::Url).unwrap();
        assert_eq!((keys.len(), skipped.count), (MAX_KEYS, 2 * MAX_KEYS + 1));
        assert!(keys.knows(&(MAX_KEYS - 1).to_string()) && !keys.knows(&MAX_KEYS.to_string()));
    }

    #[test]
    fn what_is_told_of_keys_is_bounded() {
        let mut all: Vec<Value> = (0..1000)
            .map(|number| json!({"kty": "x", "kid": format!("{number}{}", "x".repeat(100))}))
            .collect();
        all.push(TestKey::p256().jwk("good"));
        let (_, skipped) = parse(&set(&all), Origin::Url).unwrap();
        assert_eq!((skipped.first.len(), skipped.count), (MAX_NAMED, 1000));
        assert!(skipped.first.iter().all(|one| one.id.len() == 100));
    }

    #[test]
    fn a_byte_order_mark_is_none_of_the_set() {
        let json = format!("\u{feff}{}", json!({"keys": [TestKey::p256().jwk("k")]}));
        assert!(parse(json.as_bytes(), Origin::Url).unwrap().0.knows("k"));
    }

    #[test]
    fn what_is_no_set_is_refused_whole() {
        for json in [
            "",
            "null",
            "[]",
            "{}",
            r#"{"keys":{}}"#,
            r#"{"keys":null}"#,
            r#"{"keys":"x"}"#,
            r#"{"keys":[]} x"#,
            r#"{"keys":[],"keys":[]}"#,
            "[[]]",
        ] {
            assert_eq!(parse(json.as_bytes(), Origin::Url).err(), Some(KeyError::NoKeySet), "{json}");
        }
        assert_eq!(parse(b"{\"keys\":[\"\xff\"]}", Origin::Url).err(), Some(KeyError::NoKeySet));
        assert_eq!(parse(&set(&[]), Origin::Url).err(), Some(KeyError::EmptyKeySet));
        assert_eq!(parse(&set(&[Value::Null]), Origin::Url).err(), Some(KeyError::NotAnObject));
    }
}
