//! What a store answers from memory: that a request is processed, until it expires, and nothing else.

use std::sync::Arc;

use gathering_domain::{EventSink, ManualClock, RequestKey, RequestState, RequestStore, Retention};
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
            assert_eq!(store.report(&key("done")).await.unwrap(), None);
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
