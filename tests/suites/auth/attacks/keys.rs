//! Tokens that name a wrong key, or bring their own.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gathering_auth::Algorithm;
use gathering_auth::testing::token_of_parts;
use gathering_tests::KeyServer;
use serde_json::{Value, json};

use super::{Target, still_works};
use crate::fixture::RSA;

#[test]
fn keys_that_are_named_wrongly() {
    let target = Target::start();
    let foreign = |header: &Value| Target::confused(header, |text| RSA[2].sign(Algorithm::RS256, text));
    for (row, header, part) in [
        ("another key of the set", json!({"alg": "RS256", "kid": "r2"}), "signature does not verify"),
        ("a key of nobody", json!({"alg": "RS256", "kid": "r3"}), "a key that is not known"),
        ("a path", json!({"alg": "RS256", "kid": "../../../../dev/null"}), "a key that is not known"),
        ("SQL", json!({"alg": "RS256", "kid": "r1' OR '1'='1"}), "a key that is not known"),
        ("nothing", json!({"alg": "RS256", "kid": ""}), "a key that is not known"),
        ("another letter case", json!({"alg": "RS256", "kid": "R1"}), "a key that is not known"),
        ("several fit", json!({"alg": "RS256"}), "names no key"),
        ("null, and several fit", json!({"alg": "RS256", "kid": null}), "names no key"),
        ("a number", json!({"alg": "RS256", "kid": 1}), "header parameter 'kid' is not usable"),
        ("a list", json!({"alg": "RS256", "kid": ["r1"]}), "header parameter 'kid' is not usable"),
    ] {
        target.refuses(row, &target.headed(&header, &Target::claims()), part);
    }
    target.refuses(
        "a key of a stranger",
        &foreign(&json!({"alg": "RS256", "kid": "r1"})),
        "signature does not verify",
    );
    for twice in [
        r#"{"alg":"RS256","kid":"r2","kid":"r1"}"#,
        r#"{"alg":"RS256","kid":"r1","kid":"r1"}"#,
        r#"{"alg":"none","kid":"r1","alg":"RS256"}"#,
    ] {
        let token = token_of_parts(twice, Target::claims().to_string().as_bytes(), |text| {
            RSA[0].sign(Algorithm::RS256, text)
        });
        target.refuses(twice, &token, "not a JSON Web Token");
    }
    still_works(&target);
}

#[test]
fn keys_that_a_token_brings_along() {
    let target = Target::start();
    let elsewhere = KeyServer::start();
    elsewhere.publish("/keys", &[RSA[2].jwk("r1"), RSA[2].jwk("mine")]);
    let url = elsewhere.url("/keys");
    for extra in [
        json!({"jku": url}),
        json!({"x5u": url}),
        json!({"jwk": RSA[2].jwk("r1")}),
        json!({"x5c": [STANDARD.encode(b"certificate")]}),
        json!({"jku": url, "x5u": url, "jwk": RSA[2].jwk("mine")}),
    ] {
        for (id, part) in [("r1", "signature does not verify"), ("mine", "a key that is not known")] {
            let mut header = extra.clone();
            header["alg"] = json!("RS256");
            header["kid"] = json!(id);
            let token = Target::confused(&header, |text| RSA[2].sign(Algorithm::RS256, text));
            target.refuses(&header.to_string(), &token, part);
        }
    }
    for critical in [json!(["exp"]), json!([]), json!(["b64"]), json!("exp"), json!(false)] {
        let header = json!({"alg": "RS256", "kid": "r1", "crit": critical, "b64": false});
        target.refuses(
            &header.to_string(),
            &target.headed(&header, &Target::claims()),
            "critical header extensions",
        );
    }
    assert_eq!(elsewhere.asked("/keys"), 0, "nobody is asked for the keys of an attacker");
    still_works(&target);
}
