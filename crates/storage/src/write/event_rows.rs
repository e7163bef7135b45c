//! Events as rows, and the times that a write depends on.

use gathering_domain::event::{EventKind, RequestEvent};
use gathering_domain::request::RequestState;
use gathering_domain::time::{Retention, Timestamp};

use crate::columns::{hits_text, state_code};
use crate::connection::cluster_uuid::StoredCluster;

/// One event as a row. Where a row of that key exists, the statement that writes it applies the table of states.
#[derive(Debug)]
pub(super) struct EventRow<'a> {
    pub(super) org_id: i64,
    pub(super) cluster_id: StoredCluster,
    pub(super) request_id: &'a str,
    pub(super) state: i16,
    pub(super) received_at: i64,
    pub(super) processed_at: Option<i64>,
    pub(super) rule_hits: String,
    pub(super) failure: Option<&'a str>,
}

impl<'a> EventRow<'a> {
    pub(super) fn new(event: &'a RequestEvent, now: Timestamp) -> Self {
        let state = event.kind.state();
        Self {
            org_id: i64::from(event.key.organization.get()),
            cluster_id: event.key.cluster.into(),
            request_id: event.key.request.as_str(),
            state: state_code(state),
            received_at: event.received_at.as_micros(),
            processed_at: (state == RequestState::Processed).then(|| now.as_micros()),
            rule_hits: match &event.kind {
                EventKind::Processed(hits) => hits_text(hits),
                EventKind::Announced | EventKind::Failed(_) => String::new(),
            },
            failure: match &event.kind {
                EventKind::Failed(reason) => Some(reason.as_str()),
                EventKind::Announced | EventKind::Processed(_) => None,
            },
        }
    }

    /// A row of this size, in bytes, that nothing is odd about.
    pub(super) fn probe(size: usize, now: Timestamp) -> Self {
        Self {
            org_id: 0,
            cluster_id: StoredCluster([0; 16]),
            request_id: "probe",
            state: state_code(RequestState::Processed),
            received_at: now.as_micros(),
            processed_at: Some(now.as_micros()),
            rule_hits: filler(size),
            failure: None,
        }
    }
}

/// The times that a write depends on, in microseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct WriteTimes {
    pub(super) now: i64,
    pub(super) expires_at: i64,
    /// How long before that the write is: the same for every write of a store.
    pub(super) retention: i64,
    /// A cluster that was seen since then need not be written again: what is known of it is exact to a thousandth of
    /// the time that it is kept for. Otherwise every batch would write a row for nearly every request.
    pub(super) seen_since: i64,
}

impl WriteTimes {
    pub(super) fn new(now: Timestamp, retention: Retention) -> Self {
        Self {
            now: now.as_micros(),
            expires_at: retention.request_expiry(now).as_micros(),
            retention: retention.request_expiry(Timestamp::from_micros(0)).as_micros(),
            seen_since: now.saturating_sub(retention.clusters / 1000).as_micros(),
        }
    }
}

/// What an event takes up beside its numbers, in bytes.
pub(super) fn size(event: &RequestEvent) -> usize {
    match &event.kind {
        EventKind::Announced => 0,
        EventKind::Failed(reason) => reason.as_str().len(),
        EventKind::Processed(hits) => hits.iter().map(|hit| hit.as_str().len() + 1).sum(),
    }
}

/// Letters that a database cannot store in less room.
fn filler(size: usize) -> String {
    const LETTERS: [char; 32] = [
        'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p', 'q', 'r', 's', 't',
        'u', 'v', 'w', 'x', 'y', 'z', '2', '3', '4', '5', '6', '7',
    ];
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    let letters = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % 32).ok().and_then(|index| LETTERS.get(index)).copied().unwrap_or('a')
    });
    letters.take(size).collect()
}

/// The clusters whose requests changed, each once, sorted.
pub(super) fn changed_clusters(rows: &[EventRow<'_>], changed: &[bool]) -> Vec<(i64, StoredCluster)> {
    let mut clusters: Vec<_> = rows
        .iter()
        .zip(changed)
        .filter(|(_, changed)| **changed)
        .map(|(row, _)| (row.org_id, row.cluster_id))
        .collect();
    // The rows are sorted already, by key.
    clusters.sort_unstable();
    clusters.dedup();
    clusters
}
