//! The purge of PostgreSQL takes few rows at a time, gives way to writers, and is not done twice at once.

use std::sync::Arc;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use gathering_domain::event::EventOutcome;
use gathering_domain::store::{EventSink, Purge, Purged, StoreError};
use gathering_domain::time::ManualClock;
use gathering_storage::Storage;
use gathering_tests::TestDatabase;

use crate::fixture::{START, event, key, processed};

fn with_a_store(check: impl AsyncFnOnce(&TestDatabase, &Storage, &mut PgConnection)) {
    let database = TestDatabase::postgres();
    database.migrate();
    let storage = Storage::open(&database.settings(), Arc::new(ManualClock::at(START))).unwrap();
    let mut other = PgConnection::establish(database.url()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(check(&database, &storage, &mut other));
}

/// So many requests that expire at a time of `sql`, which may name the number `n` of each.
fn fill(database: &TestDatabase, count: usize, sql: &str) {
    database.execute(&format!(
        "INSERT INTO requests
         SELECT 42, ('00000000-0000-4000-8000-' || lpad(to_hex(n % 700), 12, '0'))::uuid, 'r' || n, 0, 0, NULL, {sql}, '', NULL
         FROM generate_series(1, {count}) AS numbers (n)"
    ));
}

#[test]
fn all_that_has_expired_goes_however_many_have_one_time() {
    let now = START.as_micros();
    for times in [
        format!("{now} - n"),
        format!("{now} - n / 300"),
        format!("{now} - n / 900"),
        format!("{now} - n / 6000"),
        format!("{now}"),
        "-9223372036854775808".to_owned(),
        format!("CASE WHEN n = 1 THEN {now} - 9 ELSE {now} - 1 END"),
    ] {
        with_a_store(async |database, storage, _| {
            fill(database, 6500, &times);
            database.execute(&format!(
                "INSERT INTO requests SELECT org_id, cluster_id, 'later' || request_id, 0, 0, NULL, {now} + 1, '', NULL
                 FROM requests LIMIT 1000"
            ));
            assert_eq!(storage.purge().await.unwrap(), Purged { requests: 6500, clusters: 0 }, "{times}");
            assert_eq!(database.requests(), 1000, "{times}");
            assert_eq!(storage.purge().await.unwrap(), Purged::default(), "{times}");
        });
    }
}

#[test]
fn it_gives_way_to_whoever_holds_a_row() {
    with_a_store(async |database, storage, other| {
        fill(database, 1200, &format!("{} - n", START.as_micros()));
        // One that goes in the second step.
        other.batch_execute("BEGIN; UPDATE requests SET rule_hits = '' WHERE request_id = 'r600'").unwrap();
        let error = storage.purge().await.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
        assert!((600..1200).contains(&database.requests()), "{}", database.requests());
        // A writer that comes meanwhile and needs a row that is to go has it.
        let (purged, outcomes) = tokio::join!(storage.purge(), async {
            tokio::time::sleep(Duration::from_millis(5)).await;
            storage.store(vec![event(key("a"), processed(&[])), event(key("b"), processed(&[]))]).await
        });
        assert_eq!((purged.is_err(), outcomes.unwrap()), (true, vec![EventOutcome::Applied; 2]));
        other.batch_execute("ROLLBACK").unwrap();
        storage.purge().await.unwrap();
        assert_eq!(database.requests(), 2);
    });
}

#[test]
fn one_is_enough() {
    with_a_store(async |database, storage, other| {
        fill(database, 10, "0");
        // As another process does for the time of a step.
        other
            .batch_execute(
                "BEGIN; SELECT pg_advisory_xact_lock((1734440040::bigint << 32) + 'requests'::regclass::oid::bigint)",
            )
            .unwrap();
        assert_eq!(storage.purge().await.unwrap(), Purged::default());
        other.batch_execute("COMMIT").unwrap();
        assert_eq!(storage.purge().await.unwrap(), Purged { requests: 10, clusters: 0 });
    });
}
