//! A store under test with a clock that stands still, and short words for keys and events.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use gathering_domain::{
    Clock, ClusterId, ContentStore, EventKind, EventSink, FailureReason, ManualClock, MemoryStore,
    OrganizationId, RequestEvent, RequestId, RequestKey, RequestStore, Retention, Timestamp,
};
use gathering_storage::Storage;
use gathering_tests::TestDatabase;

pub(crate) const CLUSTER: &str = "5d5892d3-1f74-4ccf-91af-548dfc9767aa";
pub(crate) const OTHER_CLUSTER: &str = "6d5892d3-1f74-4ccf-91af-548dfc9767aa";

/// Any store that can be tested.
pub(crate) trait AnyStore: RequestStore + EventSink + ContentStore {}
impl<S: RequestStore + EventSink + ContentStore> AnyStore for S {}

/// A way to make an empty store.
pub(crate) trait Kind {
    type Store: AnyStore;
    /// Whatever has to live as long as the store.
    type Keep;
    fn make(clock: Arc<ManualClock>) -> (Self::Store, Self::Keep);
}

pub(crate) struct Memory;
pub(crate) struct Sqlite;
pub(crate) struct Postgres;

impl Kind for Memory {
    type Store = MemoryStore<Arc<ManualClock>>;
    type Keep = ();
    fn make(clock: Arc<ManualClock>) -> (Self::Store, ()) {
        (MemoryStore::new(clock, Retention::default()), ())
    }
}

impl Kind for Sqlite {
    type Store = Storage;
    type Keep = TestDatabase;
    fn make(clock: Arc<ManualClock>) -> (Storage, TestDatabase) {
        on(TestDatabase::sqlite(), clock)
    }
}

impl Kind for Postgres {
    type Store = Storage;
    type Keep = TestDatabase;
    fn make(clock: Arc<ManualClock>) -> (Storage, TestDatabase) {
        on(TestDatabase::postgres(), clock)
    }
}

fn on(database: TestDatabase, clock: Arc<ManualClock>) -> (Storage, TestDatabase) {
    database.migrate();
    (Storage::open(&database.settings(), clock as Arc<dyn Clock>).unwrap(), database)
}

/// What a check gets to work with.
pub(crate) struct Subject<S> {
    pub(crate) store: S,
    pub(crate) clock: Arc<ManualClock>,
}

impl<S: AnyStore> Subject<S> {
    pub(crate) async fn put(&self, request: &str, kind: EventKind) -> gathering_domain::EventOutcome {
        self.put_event(event(key(request), kind)).await
    }

    pub(crate) async fn put_event(&self, event: RequestEvent) -> gathering_domain::EventOutcome {
        let outcomes = self.store.store(vec![event]).await.unwrap();
        assert_eq!(outcomes.len(), 1);
        outcomes[0]
    }
}

/// 2024-02-06T12:24:00Z: far from the machine's clock, so that a store that reads it fails.
pub(crate) const START: Timestamp = Timestamp::from_micros(1_707_222_240_000_000);

pub(crate) fn run<K: Kind, F: Future<Output = ()>>(check: impl FnOnce(Subject<K::Store>) -> F) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let clock = Arc::new(ManualClock::at(START));
    let (store, keep) = K::make(Arc::clone(&clock));
    runtime.block_on(check(Subject { store, clock }));
    drop(keep);
}

pub(crate) fn organization() -> OrganizationId {
    42.try_into().unwrap()
}

pub(crate) fn cluster() -> ClusterId {
    CLUSTER.parse().unwrap()
}

pub(crate) fn request(text: &str) -> RequestId {
    text.parse().unwrap()
}

pub(crate) fn key(text: &str) -> RequestKey {
    RequestKey { organization: organization(), cluster: cluster(), request: request(text) }
}

pub(crate) fn event(key: RequestKey, kind: EventKind) -> RequestEvent {
    RequestEvent { key, received_at: START.saturating_sub(Duration::from_secs(60)), kind }
}

pub(crate) fn announced() -> EventKind {
    EventKind::Announced
}

pub(crate) fn failed(reason: &str) -> EventKind {
    EventKind::Failed(FailureReason::new(reason))
}

pub(crate) fn processed(hits: &[&str]) -> EventKind {
    EventKind::Processed(hits.iter().map(|hit| hit.parse().unwrap()).collect())
}
