//! Tokens without a signature, or with one that only looks right.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use gathering_auth::Algorithm;
use gathering_auth::testing::{TestKey, hmac};
use serde_json::{Value, json};

use super::{AUDIENCE, Target, still_works};
use crate::fixture::RSA;

#[test]
fn tokens_that_are_right_are_let_in() {
    let target = Target::start();
    let text = Target::claims();
    for (row, token) in [
        ("RS256", target.signed(&text)),
        (
            "RS512",
            Target::confused(&json!({"alg": "RS512", "kid": "r2"}), |text| {
                RSA[1].sign(Algorithm::RS512, text)
            }),
        ),
        (
            "PS256",
            Target::confused(&json!({"alg": "PS256", "kid": "r1"}), |text| {
                RSA[0].sign(Algorithm::PS256, text)
            }),
        ),
        (
            "ES256",
            Target::confused(&json!({"alg": "ES256", "kid": "e1"}), |text| {
                target.p256.sign(Algorithm::ES256, text)
            }),
        ),
        (
            "ES256, the only one",
            Target::confused(&json!({"alg": "ES256"}), |text| target.p256.sign(Algorithm::ES256, text)),
        ),
        (
            "ES384",
            Target::confused(&json!({"alg": "ES384", "kid": "e3"}), |text| {
                target.p384.sign(Algorithm::ES384, text)
            }),
        ),
        (
            "EdDSA",
            Target::confused(&json!({"alg": "EdDSA", "kid": "d1"}), |text| {
                target.ed25519.sign(Algorithm::EdDSA, text)
            }),
        ),
        (
            "HS256",
            Target::confused(&json!({"alg": "HS256"}), |text| hmac(Algorithm::HS256, &target.secret, text)),
        ),
        ("fractional", target.signed(&Target::with("exp", json!(1_772_373_600.5)))),
        ("a list of audiences", target.signed(&Target::with("aud", json!(["other", AUDIENCE])))),
        ("as text", target.signed(&Target::with("org_id", json!("42")))),
        (
            "null where a library writes what it has not",
            Target::confused(
                &json!({"alg": "ES256", "typ": null, "kid": null, "crit": null, "jku": null}),
                |text| target.p256.sign(Algorithm::ES256, text),
            ),
        ),
        ("a start of null", target.signed(&Target::with("nbf", Value::Null))),
        ("a time of issue of null", target.signed(&Target::with("iat", Value::Null))),
        ("a subject of null", target.signed(&Target::with("sub", Value::Null))),
        ("a scope of null", target.signed(&Target::with("scope", Value::Null))),
        ("a cluster of null", target.signed(&Target::with("cluster_id", Value::Null))),
        ("an audience beside null", target.signed(&Target::with("aud", json!([null, AUDIENCE])))),
    ] {
        assert_eq!(target.try_token(&token).status, 200, "{row}");
    }
}

#[test]
fn tokens_without_a_signature() {
    let target = Target::start();
    for algorithm in
        ["none", "None", "NONE", "nOnE", "NoNe", "", " none", "none ", "null", "HS256 ", "hs256", "rs256"]
    {
        for signature in ["", "AAAA"] {
            let token = Target::confused(&json!({"alg": algorithm}), |_| signature.to_owned());
            target.refuses(&format!("alg {algorithm:?}"), &token, "algorithm is not accepted");
        }
    }
    for algorithm in [Value::Null, json!(false), json!(["RS256"]), json!({"RS256": true}), json!(256)] {
        let token = target.headed(&json!({"alg": algorithm, "kid": "r1"}), &Target::claims());
        target.refuses(&format!("alg {algorithm}"), &token, "algorithm is not accepted");
    }
    target.refuses(
        "no alg",
        &target.headed(&json!({"kid": "r1"}), &Target::claims()),
        "algorithm is not accepted",
    );
    let good = target.signed(&Target::claims());
    let (signed, _) = good.rsplit_once('.').unwrap();
    target.refuses("signature cut off", &format!("{signed}."), "signature does not verify");
    target.refuses("two parts", signed, "not a JSON Web Token");
    still_works(&target);
}

#[test]
fn a_public_key_taken_for_a_secret() {
    let target = Target::start();
    let pem = RSA[0].public_pem.as_bytes();
    let der = STANDARD
        .decode(RSA[0].public_pem.lines().filter(|line| !line.starts_with('-')).collect::<String>())
        .unwrap();
    let modulus = RSA[0].jwk("r1")["n"].as_str().unwrap().to_owned();
    let secrets: [(&str, &[u8]); 8] = [
        ("the PEM", pem),
        ("the PEM without its last line break", pem.trim_ascii()),
        ("the DER", &der),
        ("the modulus as text", modulus.as_bytes()),
        ("the modulus", &URL_SAFE_NO_PAD.decode(&modulus).unwrap()),
        ("the key set", target.key_set.as_bytes()),
        ("nothing", b""),
        ("a zero", b"\0"),
    ];
    for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
        for (row, secret) in secrets {
            for header in [
                json!({"alg": format!("{algorithm:?}")}),
                json!({"alg": format!("{algorithm:?}"), "kid": "r1"}),
            ] {
                let token = Target::confused(&header, |text| hmac(algorithm, secret, text));
                target.refuses(&format!("{algorithm:?} with {row}"), &token, "signature does not verify");
            }
        }
    }
    still_works(&target);
}

#[test]
fn a_key_taken_for_one_of_another_family() {
    let target = Target::start();
    let signers: [(&str, &str, &TestKey, Algorithm); 5] = [
        ("RS256", "r1", &RSA[0], Algorithm::RS256),
        ("PS256", "r2", &RSA[1], Algorithm::PS256),
        ("ES256", "e1", &target.p256, Algorithm::ES256),
        ("ES384", "e3", &target.p384, Algorithm::ES384),
        ("EdDSA", "d1", &target.ed25519, Algorithm::EdDSA),
    ];
    let mut rows = 0;
    for (name, id, key, algorithm) in signers {
        for (other_name, other_id, ..) in signers {
            for (claimed, claimed_id) in [(other_name, id), (name, other_id), (other_name, other_id)] {
                if (claimed, claimed_id) == (name, id) {
                    continue;
                }
                let header = json!({"alg": claimed, "kid": claimed_id});
                let token = Target::confused(&header, |text| key.sign(algorithm, text));
                target.refuses(&format!("signed as {name} by {id}, called {header}"), &token, "the token");
                rows += 1;
            }
        }
        let stranger = Target::confused(&json!({"alg": name, "kid": id}), |text| {
            hmac(Algorithm::HS256, &target.secret, text)
        });
        target.refuses(&format!("an HMAC called {name}"), &stranger, "signature does not verify");
    }
    assert_eq!(rows, 60);
    still_works(&target);
}
