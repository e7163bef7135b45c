//! What becomes of those who wait when something of ours goes wrong.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, Ordering};

use gathering_domain::time::{ManualClock, Timestamp};
use jsonwebtoken::Algorithm;
use serde_json::json;

use super::*;
use crate::metrics::AuthMetrics;
use crate::settings::KeySettings;
use crate::testing::TestKey;
use crate::token::cache::TokenCache;

/// A clock that the thread cannot read.
struct Broken {
    clock: ManualClock,
    is_broken: AtomicBool,
}

impl Clock for Broken {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn monotonic(&self) -> Duration {
        let is_of_the_thread = std::thread::current().name() == Some("gathering-keys");
        assert!(!(is_of_the_thread && self.is_broken.load(Ordering::SeqCst)), "a test's panic");
        self.clock.monotonic()
    }
}

/// Answers every call with a key set.
fn publish(key: &TestKey) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/keys", listener.local_addr().unwrap());
    let body = json!({"keys": [key.jwk("k")]}).to_string();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let head =
                format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            let _ = stream.write_all(format!("{head}{body}").as_bytes());
        }
    });
    url
}

fn start(url: &str, clock: &Arc<Broken>) -> (KeyRefresher, Arc<Keyring>) {
    let cache = Arc::new(TokenCache::new(0));
    let keyring = Arc::new(Keyring::open(&KeySettings::default(), cache).unwrap());
    let source = KeySource::KeySet(url.parse().unwrap());
    let metrics = AuthMetrics::new().unwrap().for_source(&source);
    let tick = Duration::from_millis(1);
    let clock = Arc::clone(clock) as Arc<dyn Clock>;
    (KeyRefresher::start(source, None, Arc::clone(&keyring), clock, tick, metrics).unwrap(), keyring)
}

fn broken() -> Arc<Broken> {
    let clock = ManualClock::at(Timestamp::from_micros(1_800_000_000_000_000));
    Arc::new(Broken { clock, is_broken: AtomicBool::new(true) })
}

#[tokio::test]
async fn a_panic_ends_neither_the_waiting_nor_the_refreshing() {
    let (clock, key) = (broken(), TestKey::p256());
    let (keys, keyring) = start(&publish(&key), &clock);
    match keys.request(WantedKey::unknown("k"), false) {
        RefreshAnswer::Underway(awaited) => awaited.await,
        RefreshAnswer::Unavailable => {}
        RefreshAnswer::KeyNotThere => panic!("nothing was fetched"),
    }
    assert!(
        matches!(keys.request(WantedKey::unknown("k"), false), RefreshAnswer::Unavailable),
        "and nobody waits again"
    );
    assert!(keys.is_failing());
    clock.is_broken.store(false, Ordering::SeqCst);
    clock.clock.advance(RETRY);
    while !keyring.has_one_for(&[Algorithm::ES256]) {
        std::thread::yield_now();
    }
    while keys.is_failing() {
        std::thread::yield_now();
    }
}

#[tokio::test]
async fn a_fetch_that_never_ends_is_waited_for_once() {
    let (clock, key) = (broken(), TestKey::p256());
    clock.is_broken.store(false, Ordering::SeqCst);
    let (keys, keyring) = start(&publish(&key), &clock);
    while !keyring.has_one_for(&[Algorithm::ES256]) || keys.shared.state().in_flight.is_some() {
        std::thread::yield_now();
    }
    let stuck = Instant::now().checked_sub(STUCK + Duration::from_secs(1)).unwrap();
    keys.shared.state().in_flight = Some(stuck);
    assert!(matches!(keys.request(WantedKey::unknown("x"), true), RefreshAnswer::Unavailable));
    assert!(keys.is_failing());
}
