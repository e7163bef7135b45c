//! The body of an answer to messages that were sent.

use gathering_domain::intake::{IntakeSummary, MessageOutcome};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Body, FRAME};

/// What became of the messages of a body.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct IngestSummary {
    /// How many were recorded as they say.
    pub(crate) stored: u64,
    /// How many were recorded as failed.
    pub(crate) failed: u64,
    /// How many were in order, but such that nobody could ask for them.
    pub(crate) skipped: u64,
    /// How many were refused.
    pub(crate) rejected: u64,
    /// The first 100 that were not stored.
    #[schema(max_items = 100)]
    pub(crate) refusals: Vec<Refusal>,
    /// Always `ok`.
    pub(crate) status: &'static str,
}

/// A message that was not stored.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Refusal {
    /// Which message of the body, from 1; blank lines do not count.
    #[schema(minimum = 1)]
    pub(crate) record: u64,
    /// `failed`, `skipped` or `rejected`.
    pub(crate) outcome: &'static str,
    /// Why, in one sentence.
    pub(crate) reason: String,
}

impl From<IntakeSummary> for IngestSummary {
    fn from(IntakeSummary { counts, refusals }: IntakeSummary) -> Self {
        let refusal = |refusal: gathering_domain::intake::Refusal| Refusal {
            record: refusal.number,
            outcome: refusal.outcome.as_str(),
            reason: refusal.reason,
        };
        Self {
            stored: counts.count(MessageOutcome::Stored),
            failed: counts.count(MessageOutcome::Failed),
            skipped: counts.count(MessageOutcome::Skipped),
            rejected: counts.count(MessageOutcome::Rejected),
            refusals: refusals.into_iter().map(refusal).collect(),
            status: "ok",
        }
    }
}

impl Body for IngestSummary {
    fn length(&self) -> usize {
        const REFUSAL: usize = 160;
        FRAME + REFUSAL * self.refusals.len()
    }
}
