//! Keys that are rotated under load: no valid call is refused.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use gathering_auth::Algorithm;
use gathering_auth::testing::TestKey;
use gathering_tests::{Call, KeyServer, TestDatabase, TestServer};
use serde_json::json;

use crate::fixture::{Folder, NOW, record, status};

const ROTATIONS: usize = 10;
const CALLERS: usize = 4;

fn token(key: &TestKey, id: &str, serial: usize) -> String {
    let claims = json!({"org_id": 42, "exp": NOW + 1_000_000, "jti": serial});
    key.token_of(Algorithm::ES256, Some(id), &claims)
}

/// Callers call all the time, each time with another token of the key that is in use, while `rotate` puts another in use.
fn under_load(
    server: &TestServer,
    first: TestKey,
    mut rotate: impl FnMut(usize, &TestKey, &mut dyn FnMut(TestKey)),
) {
    let in_use = Mutex::new((first, 0_usize));
    let (is_over, serial, answered) = (AtomicBool::new(false), AtomicUsize::new(0), AtomicUsize::new(0));
    let address = server.address();
    std::thread::scope(|scope| {
        for _ in 0..CALLERS {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    let token = {
                        let in_use = in_use.lock().unwrap();
                        let (key, number) = &*in_use;
                        token(key, &number.to_string(), serial.fetch_add(1, Ordering::Relaxed))
                    };
                    let answer = Call::new(address, "GET", &status()).bearer(&token).send();
                    if answer.status != 200 {
                        is_over.store(true, Ordering::Relaxed);
                        panic!("{answer:?}");
                    }
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for number in 1..=ROTATIONS {
            if is_over.load(Ordering::Relaxed) {
                break;
            }
            let before = answered.load(Ordering::Relaxed);
            let next = TestKey::p256();
            rotate(number, &next, &mut |key| *in_use.lock().unwrap() = (key, number));
            // Some calls with each key.
            while answered.load(Ordering::Relaxed) < before + 20 && !is_over.load(Ordering::Relaxed) {
                std::thread::yield_now();
            }
        }
        is_over.store(true, Ordering::Relaxed);
    });
    assert!(answered.load(Ordering::Relaxed) >= ROTATIONS * 20);
}

/// The same pair of keys once more: a test's keys cannot be copied.
fn same(key: &TestKey) -> TestKey {
    TestKey { private_pem: key.private_pem.clone(), public_pem: key.public_pem.clone() }
}

#[test]
fn a_provider_publishes_a_key_and_signs_with_it_at_once() {
    let (provider, first) = (KeyServer::start(), TestKey::p256());
    provider.publish("/keys", &[first.jwk("0")]);
    let server = TestServer::builder(TestDatabase::sqlite())
        .without_secret()
        .set(&format!("auth.keys.jwks_url={}", provider.url("/keys")))
        .start();
    record(&server);
    let mut published = vec![first.jwk("0")];
    under_load(&server, same(&first), |number, next, put_in_use| {
        // Ten seconds apart, of which each of the three keys that are asked for takes three.
        server.advance(std::time::Duration::from_secs(10));
        // Neither a token of a key that was withdrawn nor one that somebody made up keeps the next one out.
        for id in [format!("withdrawn {number}"), format!("made up {number}")] {
            let answer = server.get(&status()).bearer(&token(next, &id, 0)).send();
            assert_eq!(answer.status, 401, "{answer:?}");
        }
        published.push(next.jwk(&number.to_string()));
        provider.publish("/keys", &published);
        put_in_use(same(next));
        if published.len() > 2 {
            published.remove(0);
        }
    });
}

#[test]
fn a_file_has_the_new_key_before_it_is_used_and_the_old_one_for_a_while() {
    let (folder, first) = (Folder::new(), TestKey::p256());
    let file = folder.key_set("jwks.json", &[first.jwk("0")]);
    let server = TestServer::builder(TestDatabase::sqlite())
        .without_secret()
        .set(&format!("auth.keys.jwks_file={file}"))
        .start();
    record(&server);
    let mut published = vec![first.jwk("0")];
    under_load(&server, same(&first), |number, next, put_in_use| {
        published.push(next.jwk(&number.to_string()));
        folder.key_set("jwks.json", &published);
        // Whoever rotates makes sure that the new key is known before he signs with it.
        let first_of_next = token(next, &number.to_string(), 0);
        server.until(|server| {
            let answer = server.get(&status()).bearer(&first_of_next).send();
            (answer.status == 200).then_some(())
        });
        put_in_use(same(next));
        if published.len() > 2 {
            published.remove(0);
        }
    });
}
