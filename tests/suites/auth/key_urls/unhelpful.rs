//! Servers of keys that answer with anything but keys, or not at all.

use std::time::Duration;

use gathering_auth::testing::TestKey;
use gathering_tests::KeyServer;
use serde_json::{Value, json};

use super::{PATH, ask, fetches, is_ready, refetched, start, token};
use crate::fixture::status;

#[test]
fn while_keys_cannot_be_fetched_nobody_knows_whether_an_unknown_one_is_good() {
    let (provider, one, two) = (KeyServer::start(), TestKey::p256(), TestKey::p256());
    provider.publish(PATH, &[one.jwk("one")]);
    let server = start(&provider);
    assert_eq!(ask(&server, &token(&one, "one")), 200);
    provider.answer(PATH, "500 Internal Server Error", "", "");
    refetched(&server, &provider.url(PATH), Duration::from_secs(3600));
    let asked = provider.asked(PATH);
    assert!((0..10).all(|_| ask(&server, &token(&two, "two")) == 503));
    assert_eq!((ask(&server, &token(&two, "one")), ask(&server, &token(&one, "one"))), (401, 200));
    assert_eq!(provider.asked(PATH), asked, "it is asked again soon anyway");
    provider.publish(PATH, &[one.jwk("one"), two.jwk("two")]);
    refetched(&server, &provider.url(PATH), Duration::from_secs(15));
    assert_eq!((ask(&server, &token(&two, "two")), ask(&server, &token(&two, "three"))), (200, 401));
}

#[test]
fn the_last_good_keys_stay_while_their_server_does_anything_else() {
    let (provider, one, two) = (KeyServer::start(), TestKey::p256(), TestKey::p256());
    provider.publish(PATH, &[one.jwk("one")]);
    let server = start(&provider);
    assert_eq!(ask(&server, &token(&one, "one")), 200);
    let hour = Duration::from_secs(3600);
    let secret = json!({"kty": "oct", "kid": "one", "k": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"});
    let mut private = two.jwk("one");
    private["d"] = json!("AQAB");
    let moved = format!("Location: {}\r\n", provider.url("/elsewhere"));
    provider.publish("/elsewhere", &[two.jwk("one")]);
    let keys = |keys: Value| json!({"keys": keys}).to_string().into_bytes();
    for (row, status, headers, body) in [
        ("an error", "500 Internal Server Error", "", keys(json!([two.jwk("one")]))),
        ("not found", "404 Not Found", "", Vec::new()),
        ("moved", "302 Found", moved.as_str(), Vec::new()),
        ("moved for good", "301 Moved Permanently", moved.as_str(), Vec::new()),
        ("no content", "204 No Content", "", Vec::new()),
        ("a part", "206 Partial Content", "", keys(json!([two.jwk("one")]))),
        ("a page", "200 OK", "Content-Type: text/html\r\n", b"<html>sign in</html>".to_vec()),
        ("nothing", "200 OK", "", Vec::new()),
        ("no keys", "200 OK", "", keys(json!([]))),
        ("a list", "200 OK", "", b"[]".to_vec()),
        ("keys of the wrong type", "200 OK", "", keys(json!({"one": two.jwk("one")}))),
        ("half of it", "200 OK", "", b"{\"keys\": [{\"kty\": \"EC\",".to_vec()),
        ("no UTF-8", "200 OK", "", b"{\"keys\": [\"\xff\"]}".to_vec()),
        ("deep", "200 OK", "", "[".repeat(100_000).into_bytes()),
        ("a secret", "200 OK", "", keys(json!([secret]))),
        ("a private key", "200 OK", "", keys(json!([private]))),
        ("none that can be used", "200 OK", "", keys(json!([null, "x", 7, {}]))),
        ("too large", "200 OK", "", vec![b' '; 300_000]),
    ] {
        provider.answer(PATH, status, headers, body);
        refetched(&server, &provider.url(PATH), hour);
        assert_eq!(ask(&server, &token(&one, "one")), 200, "{row}");
        assert_eq!(ask(&server, &token(&two, "one")), 401, "{row}");
    }
    assert_eq!(provider.asked("/elsewhere"), 0, "a redirect is not followed");
    assert!(is_ready(&server));
    provider.publish(PATH, &[two.jwk("one")]);
    refetched(&server, &provider.url(PATH), Duration::from_secs(15));
    assert_eq!((ask(&server, &token(&two, "one")), ask(&server, &token(&one, "one"))), (200, 401));
}

#[test]
fn an_absurd_age_and_a_slow_body_do_not_end_the_refreshing() {
    let (provider, one, two) = (KeyServer::start(), TestKey::p256(), TestKey::p256());
    provider.publish(PATH, &[one.jwk("one")]);
    let server = start(&provider);
    assert_eq!(ask(&server, &token(&one, "one")), 200);
    provider.pause_before_bodies(Duration::from_millis(1100));
    for headers in [
        "Age: 18446744073709551615\r\nCache-Control: max-age=60\r\n",
        "Age: -1\r\nCache-Control: max-age=18446744073709551615\r\n",
        "Cache-Control: max-age=99999999999999999999999\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n",
        "Expires: Fri, 31 Dec 9999 23:59:59 GMT\r\nDate: nonsense\r\n",
    ] {
        provider.answer(PATH, "200 OK", headers, json!({"keys": [one.jwk("one")]}).to_string());
        refetched(&server, &provider.url(PATH), Duration::from_secs(3600));
    }
    provider.publish(PATH, &[two.jwk("two")]);
    refetched(&server, &provider.url(PATH), Duration::from_secs(3600));
    assert_eq!((ask(&server, &token(&two, "two")), ask(&server, &token(&one, "one"))), (200, 401));
}

#[test]
fn a_server_that_never_ends_is_given_up() {
    let (provider, one) = (KeyServer::start(), TestKey::p256());
    provider.publish(PATH, &[one.jwk("one")]);
    let server = start(&provider);
    assert_eq!(ask(&server, &token(&one, "one")), 200);
    provider.never_end();
    refetched(&server, &provider.url(PATH), Duration::from_secs(3600));
    assert!(fetches(&server, &provider.url(PATH), "failed") > 0);
    assert_eq!(ask(&server, &token(&one, "one")), 200);
}

#[test]
fn a_server_that_never_answers_is_given_up_and_nobody_waits_for_it_twice() {
    let (provider, one) = (KeyServer::start(), TestKey::p256());
    provider.publish(PATH, &[one.jwk("one")]);
    provider.hold(true);
    let server = start(&provider);
    // The first call waits until the first fetch is given up; then nobody can tell, which is not the caller's fault.
    let answer = server.get(&status()).bearer(&token(&one, "one")).send();
    assert_eq!((answer.status, answer.header("retry-after")), (503, "1"));
    assert!(answer.sentence().contains("keys of the token's issuer cannot be had"), "{answer:?}");
    assert!(!is_ready(&server));
    assert_eq!(ask(&server, &token(&one, "one")), 503);
    assert_eq!(ask(&server, "nonsense"), 401, "what is no token at all needs no keys");
    assert_eq!(provider.asked(PATH), 1);
    provider.hold(false);
    refetched(&server, &provider.url(PATH), Duration::from_secs(15));
    assert_eq!(ask(&server, &token(&one, "one")), 200);
    assert!(is_ready(&server));
}
