//! Keys as providers write them, well and badly.

use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE as PADDED};
use serde_json::{Value, json};

use super::super::jwks::parse;
use super::*;
use crate::testing::TestKey;

fn read(key: &Value, origin: Origin) -> Result<crate::keys::key_set::KeySet, KeyError> {
    parse(json!({"keys": [key]}).to_string().as_bytes(), origin).map(|(keys, _)| keys)
}

fn error(key: &Value) -> Option<KeyError> {
    read(key, Origin::File).err()
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
        let keys = read(&key.jwk("one"), Origin::Url).unwrap();
        assert_eq!(keys.candidates(accepted, Some("one")).unwrap().len(), 1, "{accepted:?}");
        assert!(keys.candidates(refused, Some("one")).is_err(), "{refused:?}");
    }
    let rsa = with(&TestKey::rsa().jwk("one"), "alg", json!("RS384"));
    let keys = read(&rsa, Origin::Url).unwrap();
    assert!(keys.candidates(Algorithm::RS384, None).is_ok());
    assert!(keys.candidates(Algorithm::RS256, None).is_err());
}

#[test]
fn keys_that_cannot_be_used_say_why() {
    use KeyError::{
        DuplicateMember, Missing, NotAList, NotAString, NotBase64Url, OtherAlgorithm, PrivateJwk,
        UnknownKind, UnusableJwk,
    };
    let (rsa, p256) = (TestKey::rsa().jwk("r"), TestKey::p256().jwk("e"));
    let ed25519 = TestKey::ed25519().jwk("o");
    let without = |key: &Value, name: &str| {
        let mut key = key.clone();
        key.as_object_mut().unwrap().remove(name);
        key
    };
    for (key, expected) in [
        (with(&rsa, "d", json!("AQAB")), PrivateJwk),
        (with(&rsa, "d", json!("")), PrivateJwk),
        (with(&rsa, "oth", json!([])), PrivateJwk),
        (with(&rsa, "alg", json!("HS256")), OtherAlgorithm),
        (with(&rsa, "alg", json!("RSA-OAEP")), OtherAlgorithm),
        (with(&rsa, "alg", json!("")), OtherAlgorithm),
        (with(&rsa, "alg", json!(["RS256"])), NotAString("alg")),
        (with(&rsa, "n", json!("AQAB")), UnusableJwk),
        (with(&rsa, "n", json!("")), UnusableJwk),
        (with(&rsa, "n", json!("A QAB")), NotBase64Url("n")),
        (with(&rsa, "n", json!("AQAB====")), NotBase64Url("n")),
        (with(&rsa, "n", json!("AQAB\n")), NotBase64Url("n")),
        (with(&rsa, "n", json!(65537)), NotAString("n")),
        (with(&rsa, "e", json!("AA")), UnusableJwk),
        (with(&rsa, "e", json!(65537)), NotAString("e")),
        (without(&rsa, "e"), Missing("e")),
        (with(&without(&rsa, "n"), "x5c", json!(["AQAB"])), Missing("n")),
        (with(&rsa, "n", Value::Null), Missing("n")),
        (with(&rsa, "kid", json!(7)), NotAString("kid")),
        (with(&rsa, "use", json!(7)), NotAString("use")),
        (with(&rsa, "key_ops", json!("verify")), NotAList("key_ops")),
        (with(&rsa, "kty", json!("rsa")), UnknownKind),
        (with(&rsa, "kty", Value::Null), Missing("kty")),
        (with(&p256, "crv", json!("P-384")), UnusableJwk),
        (with(&p256, "crv", json!("P-521")), UnknownKind),
        (with(&p256, "crv", Value::Null), Missing("crv")),
        (with(&p256, "x", p256["y"].clone()), UnusableJwk),
        (with(&p256, "x", json!("AQ".repeat(40))), UnusableJwk),
        (with(&ed25519, "x", json!("AQAB")), UnusableJwk),
        (json!({"kty": "other"}), UnknownKind),
        (json!({}), Missing("kty")),
    ] {
        assert_eq!(error(&key), Some(expected), "{key}");
    }
    let twice = rsa.to_string().replacen('{', r#"{"kid":"other","#, 1);
    let set = format!(r#"{{"keys":[{twice}]}}"#);
    assert_eq!(parse(set.as_bytes(), Origin::Url).err(), Some(DuplicateMember));
}

#[test]
fn keys_that_are_not_for_signatures_are_none() {
    let rsa = TestKey::rsa().jwk("r");
    assert_eq!(error(&with(&rsa, "use", json!("enc"))), Some(KeyError::EmptyKeySet));
    assert_eq!(error(&with(&rsa, "key_ops", json!(["encrypt"]))), Some(KeyError::EmptyKeySet));
    assert_eq!(error(&with(&rsa, "key_ops", json!([]))), Some(KeyError::EmptyKeySet));
    assert_eq!(error(&with(&rsa, "key_ops", json!([null, "verify"]))), None);
}

#[test]
fn null_is_absent() {
    for key in [TestKey::rsa(), TestKey::p256(), TestKey::ed25519()] {
        let mut jwk = key.jwk("k");
        for name in [
            "use", "key_ops", "alg", "crv", "n", "e", "x", "y", "k", "d", "p", "q", "dp", "dq", "qi", "oth",
            "x5c", "x5t", "x5u", "kid",
        ] {
            let fields = jwk.as_object_mut().unwrap();
            fields.entry(name).or_insert(Value::Null);
        }
        jwk["use"] = Value::Null;
        jwk["kid"] = Value::Null;
        let keys = read(&jwk, Origin::Url).unwrap();
        let algorithm = [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA];
        assert!(algorithm.into_iter().any(|one| keys.candidates(one, None).is_ok()), "{jwk}");
    }
}

#[test]
fn what_base64_means_counts_and_not_how_it_is_written() {
    let (rsa, p256, ed25519) = (TestKey::rsa(), TestKey::p256(), TestKey::ed25519());
    let claims = json!({"org_id": 42});
    for (key, algorithm, members) in [
        (rsa, Algorithm::RS256, &["n", "e"][..]),
        (p256, Algorithm::ES256, &["x", "y"]),
        (ed25519, Algorithm::EdDSA, &["x"]),
    ] {
        let token = key.token_of(algorithm, Some("k"), &claims);
        let jwk = key.jwk("k");
        let decoded = |name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap();
        for engine in [&PADDED, &STANDARD, &STANDARD_NO_PAD] {
            let mut other = jwk.clone();
            for name in members {
                other[*name] = json!(engine.encode(decoded(name)));
            }
            let keys = read(&other, Origin::Url).unwrap();
            assert!(
                crate::token::parsed::ParsedToken::parse(&token, 8192)
                    .unwrap()
                    .check_signature(&keys)
                    .is_ok(),
                "{other}"
            );
        }
    }
    let secret = json!({"kty": "oct", "k": STANDARD.encode([0xff; 32])});
    assert!(read(&secret, Origin::File).unwrap().candidates(Algorithm::HS256, None).is_ok());
}

#[test]
fn numbers_are_the_same_with_zeros_in_front_or_without() {
    let zero_in_front = |value: &Value| {
        let bytes = URL_SAFE_NO_PAD.decode(value.as_str().unwrap()).unwrap();
        json!(URL_SAFE_NO_PAD.encode([vec![0], bytes].concat()))
    };
    let rsa = TestKey::rsa().jwk("r");
    assert_eq!(error(&with(&rsa, "n", zero_in_front(&rsa["n"]))), None);
    let p384 = TestKey::p384().jwk("e");
    assert_eq!(error(&with(&p384, "y", zero_in_front(&p384["y"]))), None);
    // One key in 256 has a coordinate that begins with a zero.
    let (short, x) = std::iter::repeat_with(|| TestKey::p256().jwk("e"))
        .map(|jwk| (URL_SAFE_NO_PAD.decode(jwk["x"].as_str().unwrap()).unwrap(), jwk))
        .find_map(|(x, jwk)| (x.first() == Some(&0)).then_some((jwk, x)))
        .unwrap();
    assert_eq!(error(&with(&short, "x", json!(URL_SAFE_NO_PAD.encode(&x[1..])))), None);
}

#[test]
fn a_secret_is_for_files_only() {
    let secret = |bytes: usize| json!({"kty": "oct", "k": URL_SAFE_NO_PAD.encode(vec![7; bytes])});
    assert_eq!(error(&secret(32)), None);
    assert_eq!(error(&secret(31)), Some(KeyError::ShortSecret));
    assert_eq!(read(&secret(32), Origin::Url).err(), Some(KeyError::PublishedSecret));
}
