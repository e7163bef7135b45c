//! Long lists are read where they hold up nobody.

use std::num::NonZeroUsize;
use std::sync::Arc;

use gathering_domain::ids::{ClusterId, RequestKey};
use gathering_domain::request::RequestState;
use gathering_domain::store::RequestStore;
use gathering_domain::time::ManualClock;
use gathering_storage::{Settings, Storage};
use gathering_tests::{Scale, TestDatabase};

use crate::fixture::{START, key, organization};

/// In microseconds since 1970: the year 2100.
const LATER: i64 = 4_102_444_800_000_000;

fn a_long_list_holds_up_nobody(database: &TestDatabase, pool: &str) {
    Scale { first: 0, requests: 50_000, clusters: 1, expires_at: LATER, at_once: 500 }.fill(database);
    Scale { first: 50_000, requests: 90, clusters: 3, expires_at: LATER, at_once: 500 }.fill(database);
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
