//! What a store answers from memory: that a request is processed, until it expires, and nothing else.

use std::sync::Arc;
use std::time::Duration;

use gathering_domain::ids::RequestKey;
use gathering_domain::request::RequestState;
use gathering_domain::store::{EventSink, RequestStore};
use gathering_domain::time::{ManualClock, Retention};
use gathering_storage::{Settings, Storage};
use gathering_tests::TestDatabase;

use crate::fixture::{START, announced, event, key, processed};

/// Asks for two requests, one of them processed, lets their rows vanish behind the store's back, and asks again.
fn after_rows_vanished(
    database: &TestDatabase,
    processed_cache: usize,
    check: impl AsyncFnOnce(&Storage, &ManualClock),
) {
    database.migrate();
    let settings = Settings { processed_cache, ..database.settings() };
    let clock = Arc::new(ManualClock::at(START));
    let store = Storage::open(&settings, Arc::clone(&clock) as _).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        store
            .store(vec![event(key("done"), processed(&[])), event(key("waiting"), announced())])
            .await
            .unwrap();
        assert_eq!(store.state(&key("done")).await.unwrap(), Some(RequestState::Processed));
        assert_eq!(store.state(&key("waiting")).await.unwrap(), Some(RequestState::Received));
        database.execute("DELETE FROM requests");
        check(&store, &clock).await;
    });
}

#[test]
fn only_what_is_processed_and_only_until_it_expires() {
    for database in [TestDatabase::sqlite(), TestDatabase::postgres()] {
        after_rows_vanished(&database, 1 << 20, async |store, clock| {
            assert_eq!(store.state(&key("done")).await.unwrap(), Some(RequestState::Processed));
            assert_eq!(store.state(&key("waiting")).await.unwrap(), None);
            let of_another = RequestKey { organization: 43.try_into().unwrap(), ..key("done") };
            assert_eq!(store.state(&of_another).await.unwrap(), None);
            clock.advance(Retention::default().requests);
            assert_eq!(store.state(&key("done")).await.unwrap(), None);
        });
    }
}

#[test]
fn nothing_where_there_is_no_room() {
    for database in [TestDatabase::sqlite(), TestDatabase::postgres()] {
        after_rows_vanished(&database, 0, async |store, _| {
            assert_eq!(store.state(&key("done")).await.unwrap(), None);
        });
    }
}

#[test]
fn what_expires_earlier_than_it_was_to_is_not_processed_for_long() {
    for database in [TestDatabase::sqlite(), TestDatabase::postgres()] {
        after_rows_vanished(&database, 1 << 20, async |store, clock| {
            assert_eq!(store.state(&key("done")).await.unwrap(), Some(RequestState::Processed));
            clock.advance(Duration::from_secs(60));
            assert_eq!(store.state(&key("done")).await.unwrap(), None);
        });
    }
}

#[test]
fn a_status_agrees_with_the_report_that_was_asked_for() {
    for database in [TestDatabase::sqlite(), TestDatabase::postgres()] {
        after_rows_vanished(&database, 1 << 20, async |store, _| {
            assert_eq!(store.state(&key("done")).await.unwrap(), Some(RequestState::Processed));
            assert_eq!(store.report(&key("done")).await.unwrap(), None);
            assert_eq!(store.state(&key("done")).await.unwrap(), None);
        });
        let lowered = Retention { requests: Duration::from_secs(30), ..Retention::default() };
        let clock = Arc::new(ManualClock::at(START));
        let open = |retention| {
            let settings = Settings { retention, ..database.settings() };
            Storage::open(&settings, Arc::clone(&clock) as _).unwrap()
        };
        let (store, other) = (open(Retention::default()), open(lowered));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let result = || vec![event(key("again"), processed(&[]))];
            store.store(result()).await.unwrap();
            assert_eq!(store.state(&key("again")).await.unwrap(), Some(RequestState::Processed));
            other.store(result()).await.unwrap();
            clock.advance(lowered.requests);
            assert_eq!(store.report(&key("again")).await.unwrap(), None);
            assert_eq!(store.state(&key("again")).await.unwrap(), None);
        });
    }
}
