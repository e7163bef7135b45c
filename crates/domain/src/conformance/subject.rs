//! A store under test with a clock that stands still, and short words for keys and events.

use std::sync::Arc;
use std::time::Duration;

use crate::event::{EventKind, EventOutcome, FailureReason, RequestEvent};
use crate::ids::{ClusterId, OrganizationId, RequestId, RequestKey};
use crate::store::{ContentStore, EventSink, RequestStore};
use crate::time::{ManualClock, Timestamp};

pub(super) const CLUSTER: &str = "5d5892d3-1f74-4ccf-91af-548dfc9767aa";
pub(super) const OTHER_CLUSTER: &str = "6d5892d3-1f74-4ccf-91af-548dfc9767aa";

/// 2024-02-06T12:24:00Z: far from the machine's clock, so that a store that reads it fails.
pub(super) const START: Timestamp = Timestamp::from_micros(1_707_222_240_000_000);

/// What can be checked: the ports that every store of requests has.
pub trait Store: RequestStore + EventSink + ContentStore {}
impl<S: RequestStore + EventSink + ContentStore> Store for S {}

/// What a check gets to work with.
pub(super) struct Subject<S> {
    pub(super) store: S,
    pub(super) clock: Arc<ManualClock>,
}

impl<S: Store> Subject<S> {
    pub(super) async fn put(&self, request: &str, kind: EventKind) -> EventOutcome {
        self.put_event(event(key(request), kind)).await
    }

    pub(super) async fn put_event(&self, event: RequestEvent) -> EventOutcome {
        let outcomes = self.store.store(vec![event]).await.unwrap();
        assert_eq!(outcomes.len(), 1);
        outcomes[0]
    }
}

pub(super) fn organization() -> OrganizationId {
    42.try_into().unwrap()
}

pub(super) fn cluster() -> ClusterId {
    CLUSTER.parse().unwrap()
}

pub(super) fn request(text: &str) -> RequestId {
    text.parse().unwrap()
}

pub(super) fn key(text: &str) -> RequestKey {
    RequestKey::new(organization(), cluster(), request(text))
}

pub(super) fn event(key: RequestKey, kind: EventKind) -> RequestEvent {
    RequestEvent { key, received_at: START.saturating_sub(Duration::from_secs(60)), kind }
}

pub(super) fn announced() -> EventKind {
    EventKind::Announced
}

pub(super) fn failed(reason: &str) -> EventKind {
    EventKind::Failed(FailureReason::new(reason))
}

pub(super) fn processed(hits: &[&str]) -> EventKind {
    EventKind::Processed(hits.iter().map(|hit| hit.parse().unwrap()).collect())
}
