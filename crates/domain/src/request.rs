//! What is recorded of a request, and the states it goes through.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::{EventKind, RequestId, RuleHit, Timestamp};

/// How far a recorded request has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RequestState {
    /// The upload was announced; no result yet.
    Received,
    /// The pipeline published something for the request that holds no usable result.
    Failed,
    /// The result is recorded and the report can be read.
    Processed,
}

impl RequestState {
    /// The word that clients read: `received`, `failed` or `processed`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Failed => "failed",
            Self::Processed => "processed",
        }
    }

    /// The state that an event leads to from `recorded` (`None`: nothing recorded, or expired), or `None` when the
    /// event is ignored. An ignored event changes nothing, the retention included.
    ///
    /// ```
    /// use gathering_domain::{EventKind, RequestState};
    /// assert_eq!(RequestState::transition(None, &EventKind::Announced), Some(RequestState::Received));
    /// assert_eq!(RequestState::transition(Some(RequestState::Processed), &EventKind::Announced), None);
    /// ```
    pub const fn transition(recorded: Option<Self>, event: &EventKind) -> Option<Self> {
        match (recorded, event) {
            (_, EventKind::Processed(_)) => Some(Self::Processed),
            (None | Some(Self::Received | Self::Failed), EventKind::Failed(_)) => Some(Self::Failed),
            (None, EventKind::Announced) => Some(Self::Received),
            (Some(Self::Processed), EventKind::Failed(_)) | (Some(_), EventKind::Announced) => None,
        }
    }
}

impl fmt::Display for RequestState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for RequestState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// One request in the list of a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestRecord {
    /// Its ID.
    pub request: RequestId,
    /// How far it has come.
    pub state: RequestState,
    /// When the cluster gathered the data, as far as the message said so.
    pub received_at: Timestamp,
    /// When the result was recorded; `None` until then.
    pub processed_at: Option<Timestamp>,
}

/// What a store keeps of one request's result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredReport {
    /// How far the request has come.
    pub state: RequestState,
    /// What the analysis found; empty unless processed.
    pub hits: Vec<RuleHit>,
}
