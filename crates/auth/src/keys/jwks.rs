//! JSON Web Key Sets (RFC 7517): what a provider publishes, read key by key, so that one that cannot be used costs no
//! other.

use std::collections::HashMap;
use std::fmt;

use super::jwk::{Jwk, Origin};
use super::{KeySet, VerifyingKey};
use crate::KeyProblem;
use crate::json::{elements, members};

/// Most keys of a set that are used. Providers publish two to ten; each costs memory.
const MAX_KEYS: usize = 256;

/// Most keys of a set with the same name, or without one: a token is tried against each that fits.
const MAX_OF_A_NAME: usize = 4;

/// Most keys that are told of when they are not used.
const MAX_TOLD: usize = 10;

/// Keys of a set that are not used.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct LeftOut {
    /// The first of them.
    told: Vec<LeftOutKey>,
    count: usize,
}

#[derive(Debug, PartialEq, Eq)]
struct LeftOutKey {
    id: String,
    problem: KeyProblem,
}

impl LeftOut {
    fn push(&mut self, id: Option<String>, number: usize, problem: KeyProblem) {
        const LONGEST_NAME: usize = 100;
        self.count += 1;
        if self.told.len() < MAX_TOLD {
            let id =
                id.map_or_else(|| format!("number {number}"), |id| id.chars().take(LONGEST_NAME).collect());
            self.told.push(LeftOutKey { id, problem });
        }
    }

    /// Tells of them in the log.
    pub(crate) fn tell(&self, source: &impl fmt::Display) {
        for LeftOutKey { id, problem } in &self.told {
            log::warn!("the key {id:?} of {source} is not used: it {problem}");
        }
        match self.count - self.told.len() {
            0 => {}
            more => log::warn!("{more} more keys of {source} are not used"),
        }
    }
}

/// Reads a set. Keys that are not for signatures are left out without a word.
pub(crate) fn parse(json: &[u8], origin: Origin) -> Result<(KeySet, LeftOut), KeyProblem> {
    let text = std::str::from_utf8(json).map_err(|_| KeyProblem::NoKeySet)?;
    // Some providers write a mark in front that says that it is UTF-8.
    let document = members(text.trim_start_matches('\u{feff}'), &["keys"]);
    let document = document.filter(|document| !document.comes_twice).ok_or(KeyProblem::NoKeySet)?;
    let [keys] = document.values;
    let entries = keys.and_then(elements).ok_or(KeyProblem::NoKeySet)?;
    let (mut keys, mut left_out) = (Vec::new(), LeftOut::default());
    let mut names: HashMap<Option<String>, usize> = HashMap::new();
    for (entry, number) in entries.into_iter().zip(1..) {
        let jwk = match Jwk::read(entry) {
            Ok(jwk) => jwk,
            Err(problem) => {
                left_out.push(None, number, problem);
                continue;
            }
        };
        match usable(&jwk, origin, &mut names, keys.len()) {
            Ok(Some(key)) => keys.push(key),
            Ok(None) => {}
            Err(problem) => left_out.push(jwk.id().ok().flatten(), number, problem),
        }
    }
    if keys.is_empty() {
        return Err(left_out.told.first().map_or(KeyProblem::EmptyKeySet, |left_out| left_out.problem));
    }
    Ok((KeySet::new(keys), left_out))
}

/// The key, unless it is not for signatures, or one too many.
fn usable(
    jwk: &Jwk<'_>,
    origin: Origin,
    names: &mut HashMap<Option<String>, usize>,
    used: usize,
) -> Result<Option<VerifyingKey>, KeyProblem> {
    if !jwk.is_for_signatures()? {
        return Ok(None);
    }
    let key = jwk.key(origin)?;
    let of_this_name = names.entry(key.id().map(str::to_owned)).or_default();
    if *of_this_name >= MAX_OF_A_NAME {
        Err(if key.id().is_some() { KeyProblem::SameName } else { KeyProblem::Unnamed })
    } else if used >= MAX_KEYS {
        Err(KeyProblem::TooManyKeys)
    } else {
        *of_this_name += 1;
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

    fn told(left_out: &LeftOut) -> Vec<(&str, KeyProblem)> {
        left_out.told.iter().map(|one| (one.id.as_str(), one.problem)).collect()
    }

    #[test]
    fn one_bad_key_costs_no_other() {
        let good = TestKey::p256();
        for (bad, id, problem) in [
            (json!({"kty": "oct", "kid": "bad", "k": ""}), "bad", KeyProblem::PublishedSecret),
            (json!({"kty": "EC", "kid": "bad", "crv": "P-256"}), "bad", KeyProblem::Missing("x")),
            (json!({"kty": "RSA", "kid": 7}), "number 1", KeyProblem::NoText("kid")),
            (Value::Null, "number 1", KeyProblem::NotAnObject),
            (json!("key"), "number 1", KeyProblem::NotAnObject),
            (json!(7), "number 1", KeyProblem::NotAnObject),
            (json!(true), "number 1", KeyProblem::NotAnObject),
            (json!([good.jwk("good")]), "number 1", KeyProblem::NotAnObject),
            (json!({}), "number 1", KeyProblem::Missing("kty")),
        ] {
            let (keys, left_out) = parse(&set(&[bad, good.jwk("good")]), Origin::Url).unwrap();
            assert!(keys.candidates(Algorithm::ES256, Some("good")).is_ok());
            assert_eq!((told(&left_out), left_out.count), (vec![(id, problem)], 1));
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
        let (keys, left_out) = parse(&set(&all), Origin::Url).unwrap();
        assert_eq!((keys.len(), left_out.count), (8, 5));
        assert!(told(&left_out)[..2].iter().all(|(_, problem)| *problem == KeyProblem::Unnamed));
        assert_eq!(told(&left_out)[2..], [("same", KeyProblem::SameName); 3]);
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
        let (keys, left_out) = parse(&set(&all), Origin::Url).unwrap();
        assert_eq!((keys.len(), left_out.count), (MAX_KEYS, 2 * MAX_KEYS + 1));
        assert!(keys.knows(&(MAX_KEYS - 1).to_string()) && !keys.knows(&MAX_KEYS.to_string()));
    }

    #[test]
    fn what_is_told_of_keys_is_bounded() {
        let mut all: Vec<Value> = (0..1000)
            .map(|number| json!({"kty": "x", "kid": format!("{number}{}", "x".repeat(100))}))
            .collect();
        all.push(TestKey::p256().jwk("good"));
        let (_, left_out) = parse(&set(&all), Origin::Url).unwrap();
        assert_eq!((left_out.told.len(), left_out.count), (MAX_TOLD, 1000));
        assert!(left_out.told.iter().all(|one| one.id.len() == 100));
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
            assert_eq!(parse(json.as_bytes(), Origin::Url).err(), Some(KeyProblem::NoKeySet), "{json}");
        }
        assert_eq!(parse(b"{\"keys\":[\"\xff\"]}", Origin::Url).err(), Some(KeyProblem::NoKeySet));
        assert_eq!(parse(&set(&[]), Origin::Url).err(), Some(KeyProblem::EmptyKeySet));
        assert_eq!(parse(&set(&[Value::Null]), Origin::Url).err(), Some(KeyProblem::NotAnObject));
    }
}
