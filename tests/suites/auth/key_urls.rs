//! Keys that are fetched: kept fresh, fetched once for many, and kept while their server is down, slow or hostile.

mod unhelpful;

use std::time::Duration;

use gathering_auth::Algorithm;
use gathering_auth::testing::TestKey;
use gathering_tests::{KeyServer, TestDatabase, TestServer};
use serde_json::{Value, json};

use crate::fixture::{NOW, record, status};

const PATH: &str = "/keys";

fn start(provider: &KeyServer) -> TestServer {
    let server = TestServer::builder(TestDatabase::sqlite())
        .without_secret()
        .set(&format!("auth.keys.jwks_url={}", provider.url(PATH)))
        .start();
    record(&server);
    server
}

pub(crate) fn ask(server: &TestServer, token: &str) -> u16 {
    server.get(&status()).bearer(token).send().status
}

fn is_ready(server: &TestServer) -> bool {
    server.admin("/readyz").send().status == 200
}

fn fetches(server: &TestServer, url: &str, outcome: &str) -> u64 {
    server.metric(&format!("gathering_auth_key_fetches_total{{outcome=\"{outcome}\",source=\"{url}\"}}"))
}

/// Lets the server fetch again, and waits until it has.
pub(crate) fn refetched(server: &TestServer, url: &str, after: Duration) {
    let count = |server: &TestServer| fetches(server, url, "ok") + fetches(server, url, "failed");
    let before = count(server);
    server.advance(after);
    server.until(|server| (count(server) > before).then_some(()));
}

pub(crate) fn token(key: &TestKey, id: &str) -> String {
    // Valid for longer than any test moves the clock.
    let claims = json!({"org_id": 42, "exp": NOW + 1_000_000});
    key.token_of(Algorithm::ES256, Some(id), &claims)
}

#[test]
fn keys_are_fetched_and_kept_fresh_within_bounds() {
    let (provider, one, two) = (KeyServer::start(), TestKey::p256(), TestKey::p256());
    provider.answer(
        PATH,
        "200 OK",
        "Cache-Control: max-age=600\r\n",
        json!({"keys": [one.jwk("one")]}).to_string(),
    );
    let server = start(&provider);
    server.until(|server| is_ready(server).then_some(()));
    assert_eq!(ask(&server, &token(&one, "one")), 200);
    assert_eq!(provider.asked(PATH), 1);
    server.advance(Duration::from_secs(599));
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(provider.asked(PATH), 1, "it is fresh for ten minutes");
    // One that says "do not keep" is asked once a minute, and no more often.
    provider.answer(
        PATH,
        "200 OK",
        "Cache-Control: no-store\r\n",
        json!({"keys": [two.jwk("two")]}).to_string(),
    );
    refetched(&server, &provider.url(PATH), Duration::from_secs(1));
    assert_eq!((ask(&server, &token(&two, "two")), provider.asked(PATH)), (200, 2));
    server.advance(Duration::from_secs(59));
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(provider.asked(PATH), 2);
    // And one that says "keep for ever" is asked once an hour.
    provider.answer(
        PATH,
        "200 OK",
        "Cache-Control: max-age=31536000\r\n",
        json!({"keys": [two.jwk("two")]}).to_string(),
    );
    refetched(&server, &provider.url(PATH), Duration::from_secs(1));
    refetched(&server, &provider.url(PATH), Duration::from_secs(3600));
    assert_eq!(ask(&server, &token(&one, "one")), 401, "a key that was withdrawn");
}

#[test]
fn a_token_with_an_unknown_key_is_not_refused_before_the_keys_were_asked_for() {
    let (provider, one, two) = (KeyServer::start(), TestKey::p256(), TestKey::p256());
    provider.publish(PATH, &[one.jwk("one")]);
    let server = start(&provider);
    assert_eq!(ask(&server, &token(&one, "one")), 200, "the first call waits for the first fetch");
    provider.publish(PATH, &[one.jwk("one"), two.jwk("two")]);
    assert_eq!(ask(&server, &token(&two, "two")), 200);
    assert_eq!(provider.asked(PATH), 2);
    // A key that nobody has is asked for once in half a minute, however often a token names it.
    let withdrawn = token(&two, "withdrawn");
    assert!((0..20).all(|_| ask(&server, &withdrawn) == 401));
    assert_eq!(provider.asked(PATH), 3);
    server.advance(Duration::from_secs(30));
    assert!((0..20).all(|_| ask(&server, &withdrawn) == 401));
    assert_eq!(provider.asked(PATH), 4);
    // Which keeps no new one out.
    let three = TestKey::p256();
    provider.publish(PATH, &[three.jwk("three")]);
    assert_eq!((ask(&server, &token(&three, "three")), ask(&server, &token(&one, "one"))), (200, 401));
}

#[test]
fn made_up_keys_keep_no_good_one_out_and_flood_nobody() {
    let (provider, one, two) = (KeyServer::start(), TestKey::p256(), TestKey::p256());
    provider.publish(PATH, &[one.jwk("one")]);
    let server = start(&provider);
    assert_eq!(ask(&server, &token(&one, "one")), 200);
    assert!((0..5).all(|number| ask(&server, &token(&two, &format!("at once {number}"))) == 401));
    assert_eq!(provider.asked(PATH), 6, "a few are asked for at once");
    provider.publish(PATH, &[one.jwk("one"), two.jwk("two")]);
    let address = server.address();
    let call = |id: &str| {
        let call = gathering_tests::Call::new(address, "GET", &status()).bearer(&token(&two, id));
        move || call.send().status
    };
    std::thread::scope(|scope| {
        let made_up: Vec<_> = (0..30).map(|number| scope.spawn(call(&format!("made up {number}")))).collect();
        let good = scope.spawn(call("two"));
        assert_eq!(ask(&server, &token(&one, "one")), 200, "others do not wait");
        // Whoever comes too late for one fetch waits for the next.
        let mut steps = 0;
        while !(good.is_finished() && made_up.iter().all(std::thread::ScopedJoinHandle::is_finished)) {
            std::thread::sleep(Duration::from_millis(50));
            server.advance(Duration::from_secs(3));
            steps += 1;
        }
        assert_eq!(good.join().unwrap(), 200);
        for call in made_up {
            assert_eq!(call.join().unwrap(), 401);
        }
        assert!((7..=6 + steps).contains(&provider.asked(PATH)), "{} in {steps}", provider.asked(PATH));
    });
}

#[test]
fn a_provider_whose_keys_have_no_names_or_the_same_may_change_them() {
    let (provider, keys) = (KeyServer::start(), [(); 4].map(|()| TestKey::p256()));
    let hour = "Cache-Control: max-age=3600\r\n";
    let publish = |key: &Value| provider.answer(PATH, "200 OK", hour, json!({"keys": [key]}).to_string());
    let unnamed = |key: &TestKey| {
        let mut jwk = key.jwk("x");
        jwk["kid"] = Value::Null;
        jwk
    };
    let by = |key: &TestKey, id| {
        key.token_of(Algorithm::ES256, id, &json!({"org_id": 42, "exp": NOW + 1_000_000}))
    };
    publish(&unnamed(&keys[0]));
    let server = start(&provider);
    assert_eq!(ask(&server, &by(&keys[0], None)), 200);
    publish(&unnamed(&keys[1]));
    assert_eq!((ask(&server, &by(&keys[1], None)), ask(&server, &by(&keys[0], None))), (200, 401));
    publish(&keys[2].jwk("same"));
    assert_eq!(ask(&server, &by(&keys[2], Some("same"))), 200);
    publish(&keys[3].jwk("same"));
    assert_eq!(
        (ask(&server, &by(&keys[3], Some("same"))), ask(&server, &by(&keys[2], Some("same")))),
        (200, 401)
    );
    // Forging tokens makes it be asked for each name once in half a minute.
    let before = provider.asked(PATH);
    assert!((0..20).all(|_| ask(&server, &by(&keys[0], Some("same"))) == 401));
    assert_eq!(provider.asked(PATH), before);
}

#[test]
fn one_odd_key_costs_no_other() {
    let (provider, good) = (KeyServer::start(), TestKey::p256());
    let nulls = json!({"d": null, "use": null, "alg": null, "key_ops": null, "n": null, "x5c": null});
    let mut with_nulls = good.jwk("good");
    with_nulls.as_object_mut().unwrap().extend(nulls.as_object().unwrap().clone());
    let server = {
        provider.publish(PATH, &[Value::Null, with_nulls.clone()]);
        start(&provider)
    };
    assert_eq!(ask(&server, &token(&good, "good")), 200);
    let mut private = TestKey::p256().jwk("private");
    private["d"] = json!("AQAB");
    let many: Vec<Value> = (0..250).map(|number| TestKey::ed25519().jwk(&number.to_string())).collect();
    for odd in [
        vec![json!(7), json!("x"), json!(true), json!([]), json!([good.jwk("good")]), json!({})],
        vec![json!({"kty": "RSA", "kid": "x", "x5c": ["AQAB"]})],
        vec![json!({"kty": "RSA", "kid": 7, "n": 65537, "e": "AQAB"})],
        vec![json!({"kty": "EC", "kid": "x", "crv": "P-256", "x": "====", "y": "+/+/"})],
        vec![json!({"kty": "oct", "kid": "x", "k": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"})],
        vec![private],
        vec![TestKey::p256().jwk("same"), TestKey::p256().jwk("same")],
        vec![Value::Null; 10_000],
        many,
    ] {
        let before = provider.asked(PATH);
        provider.publish(PATH, &[&[TestKey::p256().jwk("other")][..], &odd, &[with_nulls.clone()]].concat());
        refetched(&server, &provider.url(PATH), Duration::from_secs(3600));
        assert_eq!(ask(&server, &token(&good, "good")), 200, "{:?}", odd.first());
        assert_eq!(provider.asked(PATH), before + 1);
        assert_eq!(fetches(&server, &provider.url(PATH), "failed"), 0);
    }
}

#[test]
fn a_fetch_that_began_before_a_key_was_published_is_not_the_last_word() {
    let (provider, one, two) = (KeyServer::start(), TestKey::p256(), TestKey::p256());
    provider.publish(PATH, &[one.jwk("one")]);
    let server = start(&provider);
    assert_eq!(ask(&server, &token(&one, "one")), 200);
    // The keys are due, and their server has read what it will answer before the next key is published.
    provider.hold(true);
    server.advance(Duration::from_secs(60));
    server.until(|_| (provider.asked(PATH) == 2).then_some(()));
    std::thread::scope(|scope| {
        let call = server.get(&status()).bearer(&token(&two, "two"));
        let call = scope.spawn(move || call.send().status);
        // The call may come before or after the answer; either way the key is asked for once more.
        std::thread::sleep(Duration::from_millis(100));
        provider.publish(PATH, &[one.jwk("one"), two.jwk("two")]);
        provider.hold(false);
        assert_eq!(call.join().unwrap(), 200);
    });
    assert_eq!(provider.asked(PATH), 3);
}

#[test]
fn many_that_wait_wait_for_one_fetch() {
    let (provider, one, two) = (KeyServer::start(), TestKey::p256(), TestKey::p256());
    provider.publish(PATH, &[one.jwk("one")]);
    let server = start(&provider);
    assert_eq!(ask(&server, &token(&one, "one")), 200);
    provider.publish(PATH, &[one.jwk("one"), two.jwk("two")]);
    provider.hold(true);
    let (address, by_two) = (server.address(), token(&two, "two"));
    std::thread::scope(|scope| {
        let calls: Vec<_> = (0..30)
            .map(|_| {
                let call = gathering_tests::Call::new(address, "GET", &status()).bearer(&by_two);
                scope.spawn(move || call.send().status)
            })
            .collect();
        server.until(|_| (provider.asked(PATH) == 2).then_some(()));
        assert_eq!(ask(&server, &token(&one, "one")), 200, "others do not wait");
        provider.hold(false);
        for call in calls {
            assert_eq!(call.join().unwrap(), 200);
        }
    });
    assert_eq!(provider.asked(PATH), 2);
}
