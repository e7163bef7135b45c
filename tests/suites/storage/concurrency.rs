//! Concurrent writers, purges and readers cannot break the rules.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use gathering_domain::request::RequestState;
use gathering_domain::store::{EventSink, RequestStore};
use gathering_domain::time::ManualClock;
use gathering_storage::Storage;
use gathering_tests::TestDatabase;

use crate::fixture::{START, announced, event, failed, key, processed};

const REQUESTS: usize = 40;
const WRITERS: usize = 4;

/// Each writer sends announcement, failure and result of every request, each in another order, while a reader
/// watches: no state may ever go back from processed, and processed never comes without its hits.
fn writers_race(database: &TestDatabase) {
    database.migrate();
    let ids: Vec<String> = (0..REQUESTS).map(|n| format!("r{n}")).collect();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| watch(database, &ids, &done));
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                scope.spawn({
                    let ids = &ids;
                    move || write(database, ids, writer)
                })
            })
            .collect();
        for writer in writers {
            writer.join().unwrap();
        }
        done.store(true, Ordering::SeqCst);
        let seen = reader.join().unwrap();
        assert!(seen > 0, "the reader saw results");
    });
    assert_eq!(watch(database, &ids, &done), REQUESTS, "every request ended as processed");
}

/// A store of its own, as another process would have.
fn open(database: &TestDatabase) -> (Storage, tokio::runtime::Runtime) {
    let clock = Arc::new(ManualClock::at(START));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    (Storage::open(&database.settings(), clock).unwrap(), runtime)
}

fn write(database: &TestDatabase, ids: &[String], writer: usize) {
    let (store, runtime) = open(database);
    for round in 0..3 {
        let batch = ids.iter().enumerate().map(|(index, id)| {
            let kind = match (index + round + writer) % 3 {
                0 => announced(),
                1 => failed("x"),
                _ => processed(&["m|K"]),
            };
            event(key(id), kind)
        });
        // Neighbouring keys in falling order for some writers: sorting is the store's business.
        let batch = if writer.is_multiple_of(2) { batch.collect() } else { batch.rev().collect() };
        runtime.block_on(store.store(batch)).unwrap();
    }
}

/// Reads until `done` and returns how many requests are processed by then.
fn watch(database: &TestDatabase, ids: &[String], done: &AtomicBool) -> usize {
    let (store, runtime) = open(database);
    let mut processed = vec![false; ids.len()];
    loop {
        let last_round = done.load(Ordering::SeqCst);
        for (id, was_processed) in ids.iter().zip(&mut processed) {
            let state = runtime.block_on(store.state(&key(id))).unwrap();
            if state == Some(RequestState::Processed) {
                let report = runtime.block_on(store.report(&key(id))).unwrap().unwrap();
                assert_eq!((report.state, report.hits.len()), (RequestState::Processed, 1), "{id}");
                *was_processed = true;
            }
            assert!(!*was_processed || state == Some(RequestState::Processed), "{id} went back to {state:?}");
        }
        if last_round {
            return processed.iter().filter(|processed| **processed).count();
        }
    }
}

#[test]
fn writers_race_on_sqlite() {
    writers_race(&TestDatabase::sqlite());
}

#[test]
fn writers_race_on_postgres() {
    writers_race(&TestDatabase::postgres());
}
