//! What can be asked.

use gathering_domain::{ClusterId, OrganizationId, RequestId, RequestKey, RequestRecord, StoredReport};

use super::answer::Answer;
use crate::rows::{KeptState, RecordColumns};

/// What is asked about, and the place for its answer.
#[derive(Debug)]
pub(super) struct Asked<A, T> {
    pub(super) about: A,
    pub(super) answer: Answer<T>,
}

/// All requests of a cluster.
#[derive(Debug)]
pub(super) struct Whole(pub(super) OrganizationId, pub(super) ClusterId);

/// What is known of all requests of a cluster.
#[derive(Debug)]
pub(super) enum List {
    Empty,
    Records(RecordColumns),
    /// They are too many to be read beside other questions.
    TooLong,
}

/// Some requests of a cluster.
#[derive(Debug)]
pub(super) struct Selection(pub(super) OrganizationId, pub(super) ClusterId, pub(super) Vec<RequestId>);

pub(super) type StateAsked = Asked<RequestKey, Option<KeptState>>;
pub(super) type ReportAsked = Asked<RequestKey, Option<StoredReport>>;
pub(super) type ListAsked = Asked<Whole, Option<List>>;
pub(super) type SelectionAsked = Asked<Selection, Vec<RequestRecord>>;

/// A question of any kind.
#[derive(Debug)]
pub(super) enum Question {
    State(StateAsked),
    Report(ReportAsked),
    List(ListAsked),
    Select(SelectionAsked),
}

impl Question {
    /// About how many rows the answer has.
    pub(super) fn weight(&self) -> usize {
        /// A guess at the requests of a cluster.
        const LIST: usize = 16;
        /// Its hits are as long as some rows.
        const REPORT: usize = 4;
        match self {
            Self::State(_) => 1,
            Self::Report(_) => REPORT,
            Self::List(_) => LIST,
            Self::Select(asked) => asked.about.2.len().max(1),
        }
    }

    /// Whether nobody waits for the answer any more.
    pub(super) fn is_abandoned(&self) -> bool {
        match self {
            Self::State(asked) => asked.answer.is_abandoned(),
            Self::Report(asked) => asked.answer.is_abandoned(),
            Self::List(asked) => asked.answer.is_abandoned(),
            Self::Select(asked) => asked.answer.is_abandoned(),
        }
    }
}
