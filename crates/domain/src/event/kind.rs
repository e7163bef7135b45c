//! Events, and the table of states that says what they change.

use super::failure_reason::FailureReason;
use crate::ids::RequestKey;
use crate::request::RequestState;
use crate::rule::RuleHit;
use crate::time::Timestamp;

/// Something the pipeline said about a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestEvent {
    /// Which request.
    pub key: RequestKey,
    /// The gathering time of the upload, or the best substitute for it.
    pub received_at: Timestamp,
    /// What was said.
    pub kind: EventKind,
}

/// The kinds of event that [`RequestState::transition`] knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventKind {
    /// The upload arrived at the platform.
    Announced,
    /// The message about the request holds no usable result.
    Failed(FailureReason),
    /// The analysis is done, with these hits in the order of the message.
    Processed(Vec<RuleHit>),
}

impl EventKind {
    /// The state that the event leads to when it is not ignored.
    pub const fn state(&self) -> RequestState {
        match self {
            Self::Announced => RequestState::Received,
            Self::Failed(_) => RequestState::Failed,
            Self::Processed(_) => RequestState::Processed,
        }
    }
}

/// The table of states. It stands beside the events, so that records need not know them.
impl RequestState {
    /// The state that an event leads to from `recorded` (`None`: nothing recorded, or expired), or `None` when the
    /// event is ignored. An ignored event changes nothing, the retention included.
    ///
    /// ```
    /// use gathering_domain::{event::EventKind, request::RequestState};
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

/// What a store made of one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventOutcome {
    /// The record holds what this event said, or what a later event of the same batch said.
    Applied,
    /// The table of states says that the event changes nothing.
    Ignored,
    /// The store refuses this event, and only this one, for a reason that will not pass.
    Refused,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(reason: &str) -> EventKind {
        EventKind::Failed(FailureReason::new(reason))
    }

    fn processed(hit: &str) -> EventKind {
        EventKind::Processed(vec![hit.parse().unwrap()])
    }

    #[test]
    fn the_whole_table_of_states() {
        use RequestState::{Failed, Processed, Received};
        for (recorded, announced, failure, result) in [
            (None, Some(Received), Some(Failed), Some(Processed)),
            (Some(Received), None, Some(Failed), Some(Processed)),
            (Some(Failed), None, Some(Failed), Some(Processed)),
            (Some(Processed), None, None, Some(Processed)),
        ] {
            assert_eq!(RequestState::transition(recorded, &EventKind::Announced), announced, "{recorded:?}");
            assert_eq!(RequestState::transition(recorded, &failed("x")), failure, "{recorded:?}");
            assert_eq!(RequestState::transition(recorded, &processed("a|B")), result, "{recorded:?}");
        }
    }
}
