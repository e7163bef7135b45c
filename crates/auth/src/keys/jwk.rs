//! JSON Web Key Sets (RFC 7517): what a provider publishes, read key by key, so that one that cannot be used costs no
//! other.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::{Map, Value};

use super::{KeySet, MIN_SECRET, VerifyingKey};
use crate::KeyProblem;

/// Where a key set came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A file, which can hold secrets.
    File,
    /// A URL, where everybody can read: a secret there is none.
    Url,
}

/// Most keys of a set. Providers publish two to ten; each costs memory, and a token without `kid` might try several.
const MAX_KEYS: usize = 64;

/// Most keys of a set without a name: a token is tried against each that fits.
const MAX_UNNAMED: usize = 4;

/// A key of a set that is not used.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct LeftOut {
    pub(crate) id: String,
    pub(crate) problem: KeyProblem,
}

/// Reads a set. Keys that are not for signatures are left out without a word.
pub(crate) fn parse(json: &[u8], origin: Origin) -> Result<(KeySet, Vec<LeftOut>), KeyProblem> {
    let document: Map<String, Value> = serde_json::from_slice(json).map_err(|_| KeyProblem::NoKeySet)?;
    let Some(Value::Array(entries)) = document.get("keys") else {
        return Err(KeyProblem::NoKeySet);
    };
    if entries.len() > MAX_KEYS {
        return Err(KeyProblem::TooManyKeys);
    }
    let (mut keys, mut left_out, mut unnamed) = (Vec::new(), Vec::new(), 0);
    for (entry, number) in entries.iter().zip(1..) {
        let Value::Object(jwk) = entry else { return Err(KeyProblem::NoKeySet) };
        if !is_for_signatures(jwk) {
            continue;
        }
        let judged = match key(jwk, origin) {
            Ok(key) if key.id().is_none() => {
                unnamed += 1;
                if unnamed > MAX_UNNAMED { Err(KeyProblem::Unnamed) } else { Ok(key) }
            }
            judged => judged,
        };
        match judged {
            Ok(key) => keys.push(key),
            Err(problem) => left_out.push(LeftOut {
                id: text(jwk, "kid").map_or_else(|| format!("number {number}"), str::to_owned),
                problem,
            }),
        }
    }
    if keys.is_empty() {
        return Err(left_out.pop().map_or(KeyProblem::EmptyKeySet, |left_out| left_out.problem));
    }
    Ok((KeySet::new(keys), left_out))
}

fn text<'a>(jwk: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    jwk.get(name).and_then(Value::as_str)
}

fn is_for_signatures(jwk: &Map<String, Value>) -> bool {
    let by_use = jwk.get("use").is_none_or(|purpose| purpose == "sig");
    let by_operations = jwk.get("key_ops").is_none_or(|operations| {
        operations.as_array().is_some_and(|operations| operations.iter().any(|one| one == "verify"))
    });
    by_use && by_operations
}

fn key(jwk: &Map<String, Value>, origin: Origin) -> Result<VerifyingKey, KeyProblem> {
    const PRIVATE: [&str; 7] = ["d", "p", "q", "dp", "dq", "qi", "oth"];
    if PRIVATE.iter().any(|name| jwk.contains_key(*name)) {
        return Err(KeyProblem::PrivateJwk);
    }
    let id = match jwk.get("kid") {
        None => None,
        Some(Value::String(id)) => Some(id.clone()),
        Some(_) => return Err(KeyProblem::UnusableJwk),
    };
    let part = |name| text(jwk, name).ok_or(KeyProblem::UnusableJwk);
    let public = |key: Result<DecodingKey, _>, id| {
        VerifyingKey::public(key.map_err(|_: jsonwebtoken::errors::Error| KeyProblem::UnusableJwk)?, id)
            .ok_or(KeyProblem::UnusableJwk)
    };
    let key = match (text(jwk, "kty"), text(jwk, "crv")) {
        (Some("RSA"), _) => {
            let (modulus, exponent) = (number(part("n")?)?, number(part("e")?)?);
            public(Ok(DecodingKey::from_rsa_raw_components(&modulus, &exponent)), id)?
        }
        (Some("EC"), Some(curve @ ("P-256" | "P-384"))) => {
            let key = public(DecodingKey::from_ec_components(part("x")?, part("y")?), id)?;
            let algorithm = if curve == "P-256" { Algorithm::ES256 } else { Algorithm::ES384 };
            key.only_for(algorithm).ok_or(KeyProblem::UnusableJwk)?
        }
        (Some("OKP"), Some("Ed25519")) => public(DecodingKey::from_ed_components(part("x")?), id)?,
        (Some("oct"), _) => {
            if origin == Origin::Url {
                return Err(KeyProblem::PublishedSecret);
            }
            let secret = URL_SAFE_NO_PAD.decode(part("k")?).map_err(|_| KeyProblem::UnusableJwk)?;
            if secret.len() < MIN_SECRET {
                return Err(KeyProblem::ShortSecret);
            }
            VerifyingKey::hmac(&secret, id)
        }
        _ => return Err(KeyProblem::UnusableJwk),
    };
    match jwk.get("alg") {
        None => Ok(key),
        Some(algorithm) => algorithm
            .as_str()
            .and_then(|name| name.parse().ok())
            .and_then(|algorithm| key.only_for(algorithm))
            .ok_or(KeyProblem::UnusableJwk),
    }
}

/// The bytes of a number, without the zeros in front that some providers write.
fn number(text: &str) -> Result<Vec<u8>, KeyProblem> {
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| KeyProblem::UnusableJwk)?;
    Ok(bytes.into_iter().skip_while(|byte| *byte == 0).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::TestKey;

    fn set(keys: &[Value]) -> Vec<u8> {
        json!({"keys": keys}).to_string().into_bytes()
    }

    fn problem(key: &Value) -> Option<KeyProblem> {
        parse(&set(std::slice::from_ref(key)), Origin::File).err()
    }

    fn with(key: &Value, name: &str, value: Value) -> Value {
        let mut key = key.clone();
        key[name] = value;
        key
    }

    #[test]
    fn each_kind_of_key_is_bound_to_its_algorithms() {
        for (key, accepted, refused) in [
            (TestKey::rsa(), Algorithm::PS512, Algorithm::HS256),
            (TestKey::p256(), Algorithm::ES256, Algorithm::ES384),
            (TestKey::p384(), Algorithm::ES384, Algorithm::ES256),
            (TestKey::ed25519(), Algorithm::EdDSA, Algorithm::ES256),
        ] {
            let (keys, left_out) = parse(&set(&[key.jwk("one")]), Origin::Url).unwrap();
            assert_eq!(left_out, []);
            assert_eq!(keys.candidates(accepted, Some("one")).unwrap().len(), 1, "{accepted:?}");
            assert!(keys.candidates(refused, Some("one")).is_err(), "{refused:?}");
        }
        let rsa = with(&TestKey::rsa().jwk("one"), "alg", json!("RS384"));
        let (keys, _) = parse(&set(&[rsa]), Origin::Url).unwrap();
        assert!(keys.candidates(Algorithm::RS384, None).is_ok());
        assert!(keys.candidates(Algorithm::RS256, None).is_err());
    }

    #[test]
    fn keys_that_cannot_be_used_say_why() {
        let (rsa, p256) = (TestKey::rsa().jwk("r"), TestKey::p256().jwk("e"));
        let refused = Some(KeyProblem::UnusableJwk);
        assert_eq!(problem(&with(&rsa, "d", json!("AQAB"))), Some(KeyProblem::PrivateJwk));
        assert_eq!(problem(&with(&rsa, "alg", json!("HS256"))), refused);
        assert_eq!(problem(&with(&rsa, "alg", json!("RSA-OAEP"))), refused);
        assert_eq!(problem(&with(&rsa, "n", json!("AQAB"))), refused);
        assert_eq!(problem(&with(&rsa, "n", json!(""))), refused);
        assert_eq!(problem(&with(&rsa, "e", json!("AA"))), refused);
        assert_eq!(problem(&with(&rsa, "kid", json!(7))), refused);
        assert_eq!(problem(&with(&p256, "crv", json!("P-384"))), refused);
        assert_eq!(problem(&with(&p256, "crv", json!("P-521"))), refused);
        assert_eq!(problem(&with(&p256, "x", p256["y"].clone())), refused);
        assert_eq!(problem(&json!({"kty": "other"})), refused);
        assert_eq!(problem(&with(&rsa, "use", json!("enc"))), Some(KeyProblem::EmptyKeySet));
        assert_eq!(problem(&with(&rsa, "key_ops", json!(["encrypt"]))), Some(KeyProblem::EmptyKeySet));
        assert_eq!(problem(&with(&rsa, "key_ops", json!(["verify"]))), None);
        let zero_in_front = [vec![0], URL_SAFE_NO_PAD.decode(rsa["n"].as_str().unwrap()).unwrap()].concat();
        assert_eq!(problem(&with(&rsa, "n", json!(URL_SAFE_NO_PAD.encode(zero_in_front)))), None);
    }

    #[test]
    fn a_secret_is_for_files_only() {
        let secret = |bytes: usize| json!({"kty": "oct", "k": URL_SAFE_NO_PAD.encode(vec![7; bytes])});
        assert_eq!(problem(&secret(32)), None);
        assert_eq!(problem(&secret(31)), Some(KeyProblem::ShortSecret));
        assert_eq!(parse(&set(&[secret(32)]), Origin::Url).err(), Some(KeyProblem::PublishedSecret));
    }

    #[test]
    fn one_bad_key_costs_no_other() {
        let keys = [json!({"kty": "oct", "kid": "bad", "k": ""}), TestKey::p256().jwk("good")];
        let (keys, left_out) = parse(&set(&keys), Origin::Url).unwrap();
        assert!(keys.candidates(Algorithm::ES256, Some("good")).is_ok());
        assert_eq!(left_out, [LeftOut { id: "bad".to_owned(), problem: KeyProblem::PublishedSecret }]);
    }

    #[test]
    fn only_a_few_keys_are_without_a_name() {
        let unnamed = || {
            let mut key = TestKey::p256().jwk("x");
            key.as_object_mut().unwrap().remove("kid");
            key
        };
        let mut all: Vec<Value> = (0..6).map(|_| unnamed()).collect();
        all.push(TestKey::p256().jwk("named"));
        let (keys, left_out) = parse(&set(&all), Origin::Url).unwrap();
        assert_eq!((keys.len(), left_out.len()), (5, 2));
        assert!(left_out.iter().all(|left_out| left_out.problem == KeyProblem::Unnamed));
        assert_eq!(keys.candidates(Algorithm::ES256, None).unwrap().len(), 4);
    }

    #[test]
    fn what_is_no_set_is_refused_whole() {
        for json in ["", "null", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[7]}"#, r#"{"keys":[]} x"#] {
            assert_eq!(parse(json.as_bytes(), Origin::Url).err(), Some(KeyProblem::NoKeySet), "{json}");
        }
        assert_eq!(parse(&set(&[]), Origin::Url).err(), Some(KeyProblem::EmptyKeySet));
        let many = vec![TestKey::p256().jwk("k"); MAX_KEYS + 1];
        assert_eq!(parse(&set(&many), Origin::Url).err(), Some(KeyProblem::TooManyKeys));
    }
}
