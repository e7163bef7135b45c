//! The batch writer on real databases.

use std::sync::Arc;

use gathering_domain::event::EventOutcome;
use gathering_domain::request::RequestState;
use gathering_domain::store::{EventSink, RequestStore, StoreError};
use gathering_domain::time::ManualClock;
use gathering_domain::wait::Waiters;
use gathering_storage::Storage;
use gathering_tests::TestDatabase;

use crate::fixture::{START, event, failed, key, processed};

fn on_both(check: &impl AsyncFn(&TestDatabase, &Storage)) {
    for database in [TestDatabase::sqlite(), TestDatabase::postgres()] {
        database.migrate();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let storage = Storage::open(&database.settings(), Arc::new(ManualClock::at(START))).unwrap();
            check(&database, &storage).await;
        });
    }
}

#[test]
fn an_event_that_the_database_refuses_keeps_nobody_out() {
    use EventOutcome::{Applied, Refused};
    on_both(&async |database, storage| {
        // No event of ours can be refused; a constraint that nobody expects stands for what we did not think of.
        database.execute("CREATE UNIQUE INDEX unexpected ON requests (failure) WHERE failure IS NOT NULL");
        let writer = storage.batch_writer(&Waiters::nobody());
        let batch = vec![
            event(key("a"), processed(&["m|A"])),
            event(key("b"), failed("the same")),
            event(key("c"), processed(&["m|C"])),
            event(key("d"), failed("the same")),
            event(key("e"), processed(&[])),
        ];
        let outcomes = writer.store(batch).await.unwrap();
        assert_eq!(outcomes, [Applied, Applied, Applied, Refused, Applied]);
        for (request, state) in [
            ("a", Some(RequestState::Processed)),
            ("b", Some(RequestState::Failed)),
            ("c", Some(RequestState::Processed)),
            ("d", None),
            ("e", Some(RequestState::Processed)),
        ] {
            assert_eq!(storage.state(&key(request)).await.unwrap(), state, "{request}");
        }
        assert_eq!(writer.stats().refused, 1);
    });
}

#[test]
fn a_database_without_its_tables_blames_no_event() {
    on_both(&async |database, storage| {
        let writer = storage.batch_writer(&Waiters::nobody());
        database.execute("ALTER TABLE requests RENAME TO elsewhere");
        let batch = || vec![event(key("a"), processed(&[])), event(key("b"), processed(&[]))];
        let error = writer.store(batch()).await.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
        database.execute("ALTER TABLE elsewhere RENAME TO requests");
        assert_eq!(writer.store(batch()).await.unwrap(), [EventOutcome::Applied; 2]);
    });
}

#[test]
fn the_probe_leaves_nothing_behind() {
    on_both(&async |database, storage| {
        database.execute("CREATE UNIQUE INDEX unexpected ON requests (failure) WHERE failure IS NOT NULL");
        let writer = storage.batch_writer(&Waiters::nobody());
        assert_eq!(writer.store(vec![event(key("a"), failed("x"))]).await.unwrap(), [EventOutcome::Applied]);
        assert_eq!(writer.store(vec![event(key("b"), failed("x"))]).await.unwrap(), [EventOutcome::Refused]);
        // Fails where a row of the probe is there.
        database.execute(
            "CREATE TABLE proof (org_id BIGINT CHECK (org_id <> 0));
             INSERT INTO proof SELECT org_id FROM requests; INSERT INTO proof SELECT org_id FROM clusters",
        );
    });
}

#[test]
fn many_callers_share_transactions_and_get_their_own_outcomes() {
    on_both(&async |_, storage| {
        let writer = storage.batch_writer(&Waiters::nobody());
        let calls = (0..200).map(|number| {
            let writer = writer.clone();
            tokio::spawn(async move {
                let own = event(key(&format!("r{number}")), processed(&[]));
                let late = event(key(&format!("r{number}")), failed("late"));
                writer.store(vec![own, late]).await.unwrap()
            })
        });
        for call in calls.collect::<Vec<_>>() {
            assert_eq!(call.await.unwrap(), [EventOutcome::Applied, EventOutcome::Ignored]);
        }
        let state = writer.stats();
        assert_eq!((state.events, state.waiting), (400, 0));
        assert!(state.batches < 200, "{state:?}");
    });
}
