//! The body of an answer to messages that were sent.

use gathering_domain::{MessageOutcome, MessageRecord, Tally};
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
    pub(crate) record: usize,
    /// `failed`, `skipped` or `rejected`.
    pub(crate) outcome: &'static str,
    /// Why, in one sentence.
    pub(crate) reason: String,
}

/// How many refusals an answer lists.
const MAX_REFUSALS: usize = 100;

impl IngestSummary {
    pub(crate) fn new(records: Vec<MessageRecord>) -> Self {
        let mut tally = Tally::default();
        let mut refusals = Vec::new();
        for (record, number) in records.into_iter().zip(1..) {
            tally.add(record.outcome);
            if record.outcome != MessageOutcome::Stored && refusals.len() < MAX_REFUSALS {
                refusals.push(Refusal {
                    record: number,
                    outcome: record.outcome.as_str(),
                    reason: record.reason.unwrap_or_default(),
                });
            }
        }
        Self {
            stored: tally.count(MessageOutcome::Stored),
            failed: tally.count(MessageOutcome::Failed),
            skipped: tally.count(MessageOutcome::Skipped),
            rejected: tally.count(MessageOutcome::Rejected),
            refusals,
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
