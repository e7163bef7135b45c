//! Long lists: cut to the newest, and read where they hold up nobody.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use gathering_domain::{ClusterId, ManualClock, RequestKey, RequestState, RequestStore, Retention};
use gathering_storage::{Settings, Storage};
use gathering_tests::{Scale, TestDatabase};

use crate::fixture::{
    AnyStore, START, Subject, announced, cluster, event, failed, key, organization, processed,
};
use crate::for_every_store;

for_every_store!(a_list_is_cut_to_the_newest, expired_requests_are_left_out_of_a_long_list);

/// Around the number of rows from which on a list is long.
const SIZES: [usize; 4] = [3, 500, 501, 1203];

async fn a_list_is_cut_to_the_newest<S: AnyStore>(subject: &Subject<S>) {
    for (number, size) in (1..).zip(SIZES) {
        let cluster = ClusterId::from_bytes([number; 16]);
        let events = (0..size).map(|request| {
            let kind = match request % 3 {
                0 => announced(),
                1 => failed("for a test"),
                _ => processed(&["a|B"]),
            };
            let mut event = event(RequestKey { cluster, ..key(&format!("r{request:05}")) }, kind);
            // Not in the order of their IDs, and with ties.
            let seconds = (request * 7919 % size) / 2;
            event.received_at = START.saturating_add(Duration::from_secs(seconds as u64));
            event
        });
        subject.store.store(events.collect()).await.unwrap();
        let list = |most| subject.store.list(organization(), cluster, most);
        let whole = list(None).await.unwrap().unwrap();
        assert_eq!(whole.len(), size);
        assert!(
            whole.is_sorted_by_key(|record| (std::cmp::Reverse(record.received_at), record.request.clone()))
        );
        for most in [1, 2, 500, 501, 1202, 1203, 5000] {
            let cut = list(NonZeroUsize::new(most)).await.unwrap().unwrap();
            assert_eq!(cut, whole[..most.min(size)], "{most} of {size}");
        }
    }
}

async fn expired_requests_are_left_out_of_a_long_list<S: AnyStore>(subject: &Subject<S>) {
    let many = |first: usize| {
        let events = (first..first + 600).map(|number| event(key(&format!("r{number}")), processed(&[])));
        subject.store.store(events.collect())
    };
    many(0).await.unwrap();
    subject.clock.advance(Retention::default().requests);
    let list = |most| subject.store.list(organization(), cluster(), NonZeroUsize::new(most));
    assert_eq!(list(0).await.unwrap(), Some(vec![]), "expired, and not purged");
    assert_eq!(list(5).await.unwrap(), Some(vec![]));
    many(1000).await.unwrap();
    for most in [0, 5, 1000] {
        let found = list(most).await.unwrap().unwrap();
        assert_eq!(found.len(), if most == 5 { 5 } else { 600 });
        assert!(found.iter().all(|record| record.request.as_str() >= "r1000"));
    }
    let Retention { requests, clusters } = Retention::default();
    subject.clock.advance(requests + clusters);
    assert_eq!(list(5).await.unwrap(), None, "forgotten in the end");
}

/// In microseconds since 1970: the year 2100.
const LATER: i64 = 4_102_444_800_000_000;

fn a_long_list_holds_up_nobody(database: &TestDatabase, pool: &str) {
    Scale { first: 0, requests: 50_000, clusters: 1, expires_at: LATER }.fill(database);
    Scale { first: 50_000, requests: 90, clusters: 3, expires_at: LATER }.fill(database);
    let settings = Settings { processed_cache: 0, ..database.settings() };
    let store = Storage::open(&settings, Arc::new(ManualClock::at(START))).unwrap();
    let cluster = |number| ClusterId::from_bytes([0, 0, 0, 0, 0, 0, 0x40, 0, 0x80, 0, 0, 0, 0, 0, 0, number]);
    let connections =
        || store.pools().iter().find(|state| state.name == pool).map(|state| state.connections).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let short = store.list(organization(), cluster(1), None).await.unwrap().unwrap();
        assert_eq!((short.len(), connections()), (30, 0), "a short list is read where lookups are");
        for (most, expected) in [(None, 50_030), (NonZeroUsize::new(10), 10)] {
            let states = async {
                let known = RequestKey { cluster: cluster(0), ..key(&format!("{:032x}", 1)) };
                for _ in 0..50 {
                    assert_eq!(store.state(&known).await.unwrap(), Some(RequestState::Processed));
                }
            };
            let lists = async {
                let list = || store.list(organization(), cluster(0), most);
                // More than can be read at once: the others wait, without a thread.
                tokio::join!(list(), list(), list(), list())
            };
            let (lists, ()) = tokio::join!(lists, states);
            for list in [lists.0, lists.1, lists.2, lists.3] {
                assert_eq!(list.unwrap().unwrap().len(), expected);
            }
            assert_eq!(connections(), 2, "long lists have threads and connections of their own");
        }
    });
}

#[test]
fn a_long_list_holds_up_nobody_on_sqlite() {
    a_long_list_holds_up_nobody(&TestDatabase::sqlite(), "sqlite_list");
}

#[test]
fn a_long_list_holds_up_nobody_on_postgres() {
    a_long_list_holds_up_nobody(&TestDatabase::postgres(), "postgres_list");
}
