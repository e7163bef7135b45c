//! Short words for keys and events.

use std::time::Duration;

use gathering_domain::event::{EventKind, FailureReason, RequestEvent};
use gathering_domain::ids::{ClusterId, OrganizationId, RequestKey};
use gathering_domain::time::Timestamp;
use gathering_tests::CLUSTER;

/// 2024-02-06T12:24:00Z: far from the machine's clock, so that a store that reads it fails.
pub(crate) const START: Timestamp = Timestamp::from_micros(1_707_222_240_000_000);

pub(crate) fn organization() -> OrganizationId {
    42.try_into().unwrap()
}

pub(crate) fn cluster() -> ClusterId {
    CLUSTER.parse().unwrap()
}

pub(crate) fn key(text: &str) -> RequestKey {
    RequestKey::new(organization(), cluster(), text.parse().unwrap())
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
