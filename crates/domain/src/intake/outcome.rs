//! What becomes of a message of the pipeline, whatever transport brought it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::ids::{ClusterId, OrganizationId};

/// The kinds of message that the platform publishes about a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageKind {
    /// What the analysis found.
    Result,
    /// That an upload arrived.
    Announcement,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MessageOutcome {
    /// Recorded as it says.
    Stored,
    /// Recorded as failed: its request is known, its content is not usable.
    Failed,
    /// Good, and nobody could ask for it.
    Skipped,
    /// Refused; nothing is recorded.
    Rejected,
}

impl MessageOutcome {
    /// All of them, in the order of summaries.
    pub const ALL: [Self; 4] = [Self::Stored, Self::Failed, Self::Skipped, Self::Rejected];

    /// `stored`, `failed`, `skipped` or `rejected`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Rejected => "rejected",
        }
    }
}

impl fmt::Display for MessageOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A text that is no outcome of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an outcome is stored, failed, skipped or rejected")]
pub struct MessageOutcomeError;

impl FromStr for MessageOutcome {
    type Err = MessageOutcomeError;

    fn from_str(text: &str) -> Result<Self, MessageOutcomeError> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == text).ok_or(MessageOutcomeError)
    }
}

impl TryFrom<&str> for MessageOutcome {
    type Error = MessageOutcomeError;

    fn try_from(text: &str) -> Result<Self, MessageOutcomeError> {
        text.parse()
    }
}

impl AsRef<str> for MessageOutcome {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

/// One message and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageRecord {
    /// What became of it.
    pub outcome: MessageOutcome,
    /// Whose it is, where that is known.
    pub organization: Option<OrganizationId>,
    /// Which cluster it is about, where that is known.
    pub cluster: Option<ClusterId>,
    /// Its request ID as it spells it, usable or not, without control characters and within 500 characters.
    pub request: Option<String>,
    /// Why it was not stored, in one sentence.
    pub reason: Option<String>,
}

/// How many messages of each outcome there were.
///
/// ```
/// use gathering_domain::intake::{MessageOutcome, OutcomeCounts};
/// let mut counts = OutcomeCounts::default();
/// counts.add(MessageOutcome::Stored);
/// assert_eq!(counts.count(MessageOutcome::Stored), 1);
/// assert_eq!(counts.count(MessageOutcome::Failed), 0);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OutcomeCounts {
    stored: u64,
    failed: u64,
    skipped: u64,
    rejected: u64,
}

impl OutcomeCounts {
    /// How many messages had this outcome.
    pub const fn count(&self, outcome: MessageOutcome) -> u64 {
        match outcome {
            MessageOutcome::Stored => self.stored,
            MessageOutcome::Failed => self.failed,
            MessageOutcome::Skipped => self.skipped,
            MessageOutcome::Rejected => self.rejected,
        }
    }

    /// Counts one more message.
    pub const fn add(&mut self, outcome: MessageOutcome) {
        match outcome {
            MessageOutcome::Stored => self.stored += 1,
            MessageOutcome::Failed => self.failed += 1,
            MessageOutcome::Skipped => self.skipped += 1,
            MessageOutcome::Rejected => self.rejected += 1,
        }
    }

    /// Adds other counts to these.
    pub const fn add_all(&mut self, other: Self) {
        self.stored += other.stored;
        self.failed += other.failed;
        self.skipped += other.skipped;
        self.rejected += other.rejected;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_are_the_words_of_summaries_both_ways() {
        for outcome in MessageOutcome::ALL {
            assert_eq!(outcome.as_str().parse(), Ok(outcome));
            assert_eq!(serde_json::to_value(outcome).unwrap(), outcome.as_str());
        }
        assert_eq!("lost".parse::<MessageOutcome>(), Err(MessageOutcomeError));
    }
}
