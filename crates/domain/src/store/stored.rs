//! The rule of a row: what a store keeps of a request, and what an event makes of it.

use serde::{Deserialize, Serialize};

use crate::event::{EventKind, FailureReason, RequestEvent};
use crate::request::{RequestRecord, RequestState, RequestStatus, StoredReport};
use crate::rule::RuleHit;
use crate::time::{Retention, Timestamp};

/// What a store keeps of one request, beside its organization and cluster. A store that has rows of another kind follows
/// the same rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredRequest {
    /// What lists and selections show.
    pub record: RequestRecord,
    /// What the analysis found, in the order of the message; empty unless processed.
    pub hits: Vec<RuleHit>,
    /// Why the request failed; `None` unless it did.
    pub failure: Option<FailureReason>,
}

impl StoredRequest {
    /// The row that an event makes of what was recorded, or `None` where the event changes nothing. What has expired counts
    /// as not recorded. `now` is when the event is recorded: retention counts from it, and it is the time of processing.
    ///
    /// ```
    /// use gathering_domain::prelude::*;
    ///
    /// let key = RequestKey::parse("42", "5d5892d3-1f74-4ccf-91af-548dfc9767aa", "6d2eede257644308")?;
    /// let (now, retention) = (Timestamp::from_micros(0), Retention::default());
    /// let event = |kind| RequestEvent { key: key.clone(), received_at: now, kind };
    ///
    /// let announced = StoredRequest::after(None, &event(EventKind::Announced), now, &retention).unwrap();
    /// assert_eq!(announced.record.state, RequestState::Received);
    /// let later = now.saturating_add(retention.requests / 2);
    /// let again = event(EventKind::Announced);
    /// assert_eq!(StoredRequest::after(Some(&announced), &again, later, &retention), None);
    /// # Ok::<(), gathering_domain::ids::IdError>(())
    /// ```
    pub fn after(
        recorded: Option<&Self>,
        event: &RequestEvent,
        now: Timestamp,
        retention: &Retention,
    ) -> Option<Self> {
        let recorded = recorded.filter(|row| row.is_live(now)).map(|row| row.record.state);
        let state = RequestState::transition(recorded, &event.kind)?;
        let (hits, failure) = match &event.kind {
            EventKind::Announced => (Vec::new(), None),
            EventKind::Failed(reason) => (Vec::new(), Some(reason.clone())),
            EventKind::Processed(hits) => (hits.clone(), None),
        };
        Some(Self {
            record: RequestRecord {
                request: event.key.request.clone(),
                state,
                received_at: event.received_at,
                processed_at: (state == RequestState::Processed).then_some(now),
                expires_at: retention.request_expiry(now),
            },
            hits,
            failure,
        })
    }

    /// Whether it is there for readers `now`.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.record.is_live(now)
    }

    /// What [`RequestStore::status`](super::RequestStore::status) answers of it.
    pub fn status(&self) -> RequestStatus {
        RequestStatus { state: self.record.state, failure: self.failure.clone() }
    }

    /// What [`RequestStore::report`](super::RequestStore::report) answers of it.
    pub fn report(&self) -> StoredReport {
        StoredReport {
            state: self.record.state,
            hits: self.hits.clone(),
            failure: self.failure.clone(),
            expires_at: self.record.expires_at,
        }
    }
}
