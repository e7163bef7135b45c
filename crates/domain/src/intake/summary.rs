//! What became of the messages of a body.

use super::outcome::{MessageOutcome, OutcomeCounts};

/// What became of the messages of a body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IntakeSummary {
    /// How many messages had each outcome.
    pub counts: OutcomeCounts,
    /// The first messages that were not stored, in order, at most [`MAX_REFUSALS`](Self::MAX_REFUSALS).
    pub refusals: Vec<Refusal>,
}

impl IntakeSummary {
    /// How many refusals are told of. A body may hold millions of messages; of the others there is only their number.
    pub const MAX_REFUSALS: usize = 100;
}

/// A message that was not stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Which message of the body, from 1; blank lines do not count.
    pub number: u64,
    /// What became of it.
    pub outcome: MessageOutcome,
    /// Why, in one sentence.
    pub reason: String,
}
