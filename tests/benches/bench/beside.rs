//! Questions a second while the same service does something else: takes messages in as fast as it can, or purges.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use gathering_tests::{Call, Calls, Load, Running, Scale, TestDatabase};

use crate::fixture::Bench;
use crate::reads::NOTHING_REMEMBERED;
use crate::table::{Goal, Row, print};
use crate::writes::bodies;

const RECORDS: usize = 100_000;
const CLUSTERS: usize = 5_000;
const EXPIRED: usize = 1_000_000;
const SENDERS: usize = 2;
/// In microseconds since 1970: the year 2100, and 1971.
const LATER: i64 = 4_102_444_800_000_000;
const LONG_AGO: i64 = 31_536_000_000_000;

fn scale(first: usize, requests: usize, expires_at: i64) -> Scale {
    Scale { first, requests, clusters: CLUSTERS, expires_at, at_once: 500 }
}

pub(crate) fn measure(bench: &Bench) {
    let bodies = bodies(10_000_000, 60_000);
    let mut rows = Vec::new();
    for name in ["SQLite", "PostgreSQL"] {
        let database = || if name == "SQLite" { TestDatabase::sqlite() } else { TestDatabase::postgres() };
        let calls = bench.status(2 * RECORDS, CLUSTERS);
        let mut ingest =
            Row::new(format!("{name}: while messages are taken in"), "/s", Some(Goal::AtLeast(0.5)));
        let mut taken = Row::new(format!("{name}: messages taken in meanwhile"), "/s", None);
        let mut purge =
            Row::new(format!("{name}: while a million records are purged"), "/s", Some(Goal::AtLeast(0.8)));
        let busy = database();
        scale(0, RECORDS, LATER).fill(&busy);
        let running = bench.serve(busy.url(), &[NOTHING_REMEMBERED]);
        for _ in 0..bench.rounds {
            let alone = bench.load.get(running.api_address(), &calls).rate;
            let (rate, messages) = while_ingesting(bench, &running, &calls, &bodies);
            ingest.add(rate, alone);
            taken.add_alone(messages);
        }
        drop((running, busy));
        for _ in 0..3 {
            let database = database();
            scale(0, RECORDS, LATER).fill(&database);
            scale(RECORDS, EXPIRED, LONG_AGO).fill(&database);
            let (rate, alone) = while_purging(bench, &database, &calls);
            purge.add(rate, alone);
        }
        rows.extend([ingest, taken, purge]);
    }
    print("Reads beside other work", "the same alone", &rows);
}

fn while_ingesting(bench: &Bench, running: &Running, calls: &Calls, bodies: &[String]) -> (f64, f64) {
    let (stop, next, taken) = (AtomicBool::new(false), AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..SENDERS {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let body = &bodies[next.fetch_add(1, Ordering::Relaxed) % bodies.len()];
                    let call =
                        Call::new(running.api_address(), "POST", "/ingest/results").body(body.as_str());
                    let call = call.header("Content-Type", "application/x-ndjson").bearer(&bench.writer);
                    let stored = call.send().json()["stored"].as_u64().expect("an answer");
                    taken.fetch_add(usize::try_from(stored).expect("a count"), Ordering::Relaxed);
                }
            });
        }
        let started = Instant::now();
        let rate = bench.load.get(running.api_address(), calls).rate;
        stop.store(true, Ordering::Relaxed);
        (rate, crate::writes::rate(started, taken.load(Ordering::Relaxed)))
    })
}

fn while_purging(bench: &Bench, database: &TestDatabase, calls: &Calls) -> (f64, f64) {
    let load = Load { seconds: 3, ..bench.load };
    let alone = {
        let running = bench.serve(database.url(), &[NOTHING_REMEMBERED, "storage.purge_interval=24h"]);
        load.get(running.api_address(), calls).rate
    };
    let running = bench.serve(database.url(), &[NOTHING_REMEMBERED, "storage.purge_interval=1s"]);
    std::thread::sleep(Duration::from_millis(1500));
    let before = database.requests();
    let rate = load.get(running.api_address(), calls).rate;
    let left = database.requests();
    assert!(
        RECORDS < left && left < before,
        "the purge did not run all the time: {before} before, {left} left"
    );
    (rate, alone)
}
