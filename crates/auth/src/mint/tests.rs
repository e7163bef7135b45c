use serde_json::json;

use super::*;
use crate::claim_mapping::ScopeWords;
use crate::keys::jwk::Origin;
use crate::keys::jwks::parse;
use crate::settings::IssuerSettings;
use crate::testing::{TestKey, file};
use crate::token::inspection::Inspection;
use crate::token::parsed::ParsedToken;

const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

fn request() -> TokenRequest {
    TokenRequest {
        organization: "42".parse().unwrap(),
        cluster: Some("5d5892d3-1f74-4ccf-91af-548dfc9767aa".parse().unwrap()),
        scopes: vec![Scope::Read, Scope::WriteAny],
        lifetime: Duration::from_secs(600),
        issuer: Some("issuer".to_owned()),
        audience: Some("audience".to_owned()),
        subject: Some("tester".to_owned()),
        key_id: Some("key".to_owned()),
        mapping: ClaimMapping::default(),
    }
}

fn mapping(organization: &str, cluster: &str, scope: &str) -> ClaimMapping {
    ClaimMapping {
        organization: organization.parse().unwrap(),
        cluster: cluster.parse().unwrap(),
        scope: scope.parse().unwrap(),
        ..ClaimMapping::default()
    }
}

fn claims(mapping: ClaimMapping) -> Result<Value, AuthError> {
    TokenRequest { mapping, ..request() }.claims(NOW).map(Value::Object)
}

#[test]
fn a_token_says_what_was_asked_for() {
    let secret = file(&[b's'; 32]);
    let token = request().mint(&SigningKey::hmac_from_file(secret.path()).unwrap(), NOW).unwrap();
    let facts = Inspection::of(&token, 8192, &[IssuerSettings::default()], NOW).unwrap().facts;
    let facts: Vec<_> = facts.iter().map(|fact| (fact.name.as_str(), fact.value.as_str())).collect();
    let expected = [
        ("alg", "HS256"),
        ("kid", "key"),
        ("iss", "issuer"),
        ("exp", "2027-01-15T08:10:00Z (in 600 seconds)"),
        ("iat", "2027-01-15T08:00:00Z (in 0 seconds)"),
        ("aud", "audience"),
        ("sub", "tester"),
        ("org_id", "42"),
        ("cluster_id", "5d5892d3-1f74-4ccf-91af-548dfc9767aa"),
        ("scope", "read write:any"),
    ];
    assert_eq!(facts, expected);
}

#[test]
fn claims_are_where_the_mapping_has_them() {
    let nested = claims(mapping("/organization/id", "/organization/cluster", "/access/0/roles")).unwrap();
    let cluster = "5d5892d3-1f74-4ccf-91af-548dfc9767aa";
    assert_eq!(nested["organization"], json!({"id": "42", "cluster": cluster}));
    assert_eq!(nested["access"], json!({"0": {"roles": "read write:any"}}));
    assert!(nested.get("org_id").is_none() && nested.get("scope").is_none());
    let named = claims(mapping("https://example.com/org", "custom:cluster", "/https:~1~1example.com~1scope"));
    let named = named.unwrap();
    let values = ["https://example.com/org", "custom:cluster", "https://example.com/scope"];
    assert_eq!(values.map(|name| named[name].as_str().unwrap()), ["42", cluster, "read write:any"]);
    let words = |words: &[&str]| words.iter().map(ToString::to_string).collect();
    let scopes = ScopeWords {
        read: words(&["editor", "viewer"]),
        write: words(&["editor"]),
        write_any: words(&["pipeline"]),
        ..ScopeWords::default()
    };
    let mapping = ClaimMapping { scopes, ..ClaimMapping::default() };
    assert_eq!(claims(mapping.clone()).unwrap()["scope"], "viewer pipeline");
    let both =
        TokenRequest { mapping: mapping.clone(), scopes: vec![Scope::Read, Scope::Write], ..request() };
    assert_eq!(both.claims(NOW).unwrap()["scope"], "editor");
    let writer = TokenRequest { mapping, scopes: vec![Scope::Write], ..request() };
    let refused = writer.claims(NOW).unwrap_err();
    assert!(matches!(refused, AuthError::NoWord { scope: Scope::Write }), "{refused}");
}

#[test]
fn what_no_token_can_say_is_not_minted() {
    for (organization, cluster, scope) in [
        ("org_id", "org_id", "scope"),
        ("org_id", "/org_id", "scope"),
        ("org_id", "/org_id/cluster", "scope"),
        ("/organization/id", "organization", "scope"),
        ("/a/b", "/a/b/c", "scope"),
        ("sub", "cluster_id", "scope"),
        ("org_id", "/sub/cluster", "scope"),
        ("org_id", "cluster_id", "aud"),
        ("exp", "cluster_id", "scope"),
        ("iat", "cluster_id", "scope"),
        ("nbf", "cluster_id", "scope"),
        ("org_id", "cluster_id", "/iss/scope"),
    ] {
        let refused = claims(mapping(organization, cluster, scope));
        assert!(
            matches!(refused, Err(AuthError::ClaimsCollide)),
            "{organization} {cluster} {scope}: {refused:?}"
        );
    }
    // Without a subject there is room for it.
    let mapping = mapping("org_id", "sub", "scope");
    let cluster = TokenRequest { mapping: mapping.clone(), subject: None, ..request() };
    assert_eq!(cluster.claims(NOW).unwrap()["sub"], request().cluster.unwrap().to_string());
    let whole = TokenRequest { mapping, cluster: None, ..request() }.claims(NOW);
    assert!(matches!(whole, Err(AuthError::ClaimsCollide)), "its subject would be read as a cluster");
}

#[test]
fn every_kind_of_private_key_signs() {
    for key in [TestKey::rsa(), TestKey::p256(), TestKey::p384(), TestKey::ed25519()] {
        let private = file(key.private_pem.as_bytes());
        let signing = SigningKey::private_pem_from_file(private.path()).unwrap();
        let token = request().mint(&signing, NOW).unwrap();
        let keys = serde_json::json!({"keys": [key.jwk("key")]}).to_string();
        let (keys, _) = parse(keys.as_bytes(), Origin::Url).unwrap();
        let token = ParsedToken::parse(&token, 8192).unwrap();
        assert_eq!(token.check_signature(&keys), Ok(()), "{:?}", signing.algorithm);
    }
}

#[test]
fn a_key_signs_with_an_algorithm_that_counts() {
    let (secret, rsa) = (file(&[b's'; 32]), file(TestKey::rsa().private_pem.as_bytes()));
    let hmac = |algorithms: &[Algorithm]| {
        let key = SigningKey::hmac_from_file(secret.path()).unwrap();
        key.with_one_of(algorithms).map(|key| key.algorithm).ok()
    };
    assert_eq!(hmac(&[]), Some(Algorithm::HS256));
    assert_eq!(hmac(&[Algorithm::HS512, Algorithm::HS256]), Some(Algorithm::HS256));
    assert_eq!(hmac(&[Algorithm::RS256, Algorithm::HS512]), Some(Algorithm::HS512));
    assert_eq!(hmac(&[Algorithm::RS256]), None);
    let key = SigningKey::private_pem_from_file(rsa.path()).unwrap();
    let key = key.with_one_of(&[Algorithm::ES256, Algorithm::PS384]).unwrap();
    assert_eq!(key.algorithm, Algorithm::PS384);
}

#[test]
fn a_public_key_does_not_sign() {
    let public = file(TestKey::p256().public_pem.as_bytes());
    assert!(matches!(
        SigningKey::private_pem_from_file(public.path()),
        Err(AuthError::Key { error: KeyError::NoPrivateKey, .. })
    ));
}
