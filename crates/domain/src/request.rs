//! What is recorded of a request, and the states it goes through.

use std::cmp::Reverse;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::event::FailureReason;
use crate::ids::RequestId;
use crate::rule::RuleHit;
use crate::time::Timestamp;

/// How far a recorded request has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(
    feature = "openapi",
    schema(
        as = State,
        description = "`received`: the upload is known. `failed`: the pipeline published nothing usable. `processed`: the report is there."
    )
)]
pub enum RequestState {
    /// The upload was announced; no result yet.
    Received,
    /// The pipeline published something for the request that holds no usable result.
    Failed,
    /// The result is recorded and the report can be read.
    Processed,
}

impl RequestState {
    /// All states, in the order in which a request goes through them.
    pub const ALL: [Self; 3] = [Self::Received, Self::Failed, Self::Processed];

    /// The word that clients read: `received`, `failed` or `processed`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Failed => "failed",
            Self::Processed => "processed",
        }
    }
}

impl fmt::Display for RequestState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A text that is no state of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a state is received, failed or processed")]
pub struct RequestStateError;

impl FromStr for RequestState {
    type Err = RequestStateError;

    fn from_str(text: &str) -> Result<Self, RequestStateError> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or(RequestStateError)
    }
}

impl TryFrom<&str> for RequestState {
    type Error = RequestStateError;

    fn try_from(text: &str) -> Result<Self, RequestStateError> {
        text.parse()
    }
}

impl AsRef<str> for RequestState {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

/// One request in the list of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestRecord {
    /// Its ID.
    pub request: RequestId,
    /// How far it has come.
    pub state: RequestState,
    /// When the cluster gathered the data, as far as the message said so.
    pub received_at: Timestamp,
    /// When the result was recorded; `None` until then.
    pub processed_at: Option<Timestamp>,
    /// From this moment on the request counts as absent.
    pub expires_at: Timestamp,
}

impl RequestRecord {
    /// Whether it is there for readers `now`.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.expires_at > now
    }

    /// Puts records in the order of lists: the newest `received_at` first, and those of one moment by request ID, compared
    /// byte by byte.
    pub fn sort_newest_first(records: &mut [Self]) {
        records.sort_unstable_by(|a, b| {
            (Reverse(a.received_at), &a.request).cmp(&(Reverse(b.received_at), &b.request))
        });
    }
}

/// What a store answers about one request's result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredReport {
    /// How far the request has come.
    pub state: RequestState,
    /// What the analysis found; empty unless processed.
    pub hits: Vec<RuleHit>,
    /// Why the request failed; `None` unless it did.
    pub failure: Option<FailureReason>,
    /// From this moment on the request counts as absent.
    pub expires_at: Timestamp,
}

/// How far a request has come, and why it came no further.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestStatus {
    /// How far it has come.
    pub state: RequestState,
    /// Why it failed; `None` unless it did.
    pub failure: Option<FailureReason>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_the_words_of_clients_both_ways() {
        for state in RequestState::ALL {
            assert_eq!(state.as_str().parse(), Ok(state));
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
            assert_eq!(serde_json::from_value::<RequestState>(state.as_str().into()).unwrap(), state);
        }
        assert_eq!("Processed".parse::<RequestState>(), Err(RequestStateError));
    }
}
