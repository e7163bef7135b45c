//! Providers of keys: found by discovery, and told from others by their certificates.

use std::time::Duration;

use gathering_auth::Algorithm;
use gathering_auth::testing::TestKey;
use gathering_tests::{Authority, KeyServer, TestDatabase, TestServer};
use serde_json::{Value, json};

use crate::fixture::{Folder, NOW, claims, record};
use crate::key_urls::{ask, refetched, token};

const PATH: &str = "/keys";

#[test]
fn the_issuer_tells_where_its_keys_are() {
    let (provider, one) = (KeyServer::start(), TestKey::p256());
    let issuer = provider.url("/realms/ours");
    let well_known = "/realms/ours/.well-known/openid-configuration";
    let tell = |document: Value| provider.answer(well_known, "200 OK", "", document.to_string());
    provider.publish(PATH, &[one.jwk("one")]);
    provider.publish("/realms/ours/keys", &[one.jwk("one")]);
    tell(json!({"issuer": "https://somebody.else", "jwks_uri": provider.url(PATH)}));
    let server = TestServer::builder(TestDatabase::sqlite())
        .without_secret()
        .set(&format!("auth.issuer={issuer}"))
        .set("auth.keys.discovery=true")
        .start();
    record(&server);
    let mut claims = claims();
    claims["iss"] = json!(issuer);
    claims["exp"] = json!(NOW + 1_000_000);
    let token = one.token_of(Algorithm::ES256, Some("one"), &claims);
    let asked_again = |after| refetched(&server, &provider.url(well_known), Duration::from_secs(after));
    assert_eq!(ask(&server, &token), 503, "a document of another issuer is not used");
    tell(json!({"issuer": issuer, "jwks_uri": "http://keys.example.com/keys"}));
    asked_again(15);
    assert_eq!(ask(&server, &token), 503, "nor one that leads away from https");
    tell(json!({"issuer": issuer}));
    asked_again(15);
    assert_eq!(provider.asked(PATH), 0);
    tell(json!({"issuer": issuer, "jwks_uri": provider.url(PATH), "other": [1, 2]}));
    asked_again(15);
    assert_eq!(ask(&server, &token), 200);
    tell(json!({"issuer": issuer, "jwks_uri": provider.url("/realms/ours/keys")}));
    asked_again(3600);
    assert_eq!(provider.asked("/realms/ours/keys"), 1);
    assert_eq!(ask(&server, &token), 200);
}

#[test]
fn keys_come_over_tls_from_those_that_are_trusted() {
    let (folder, authority, stranger, one) =
        (Folder::new(), Authority::new(), Authority::new(), TestKey::p256());
    // Our own server with TLS publishes a document, which is no key set: what matters is how far it gets.
    let certificate = authority.sign();
    let cert = folder.write("server.crt", &certificate.cert);
    let key = folder.write("server.key", &certificate.key);
    let publisher = TestServer::builder(TestDatabase::sqlite())
        .set(&format!("http.tls.cert={cert}"))
        .set(&format!("http.tls.key={key}"))
        .start();
    let calls = "gathering_http_requests_total{endpoint=\"/openapi.json\",method=\"GET\",status=\"200\"}";
    for (authority, gets_there) in [(&authority, true), (&stranger, false)] {
        let ca = folder.write("ca.pem", authority.pem());
        let before = publisher.metric(calls);
        let server = TestServer::builder(TestDatabase::sqlite())
            .without_secret()
            .set(&format!("auth.keys.jwks_url=https://localhost:{}/openapi.json", publisher.address().port()))
            .set(&format!("auth.keys.ca_file={ca}"))
            .start();
        assert_eq!(ask(&server, &token(&one, "one")), 503);
        assert_eq!(publisher.metric(calls) > before, gets_there);
    }
}
