//! What is known of a dead letter, and which ones somebody asks for.

use gathering_domain::ids::{ClusterId, OrganizationId};
use gathering_domain::time::Timestamp;

/// A refused message in the dead letter topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    pub partition: i32,
    pub offset: i64,
    /// When it was kept.
    pub kept: Option<Timestamp>,
    /// The topic that it came from.
    pub topic: String,
    pub outcome: Option<String>,
    pub reason: Option<String>,
    /// As far as the message can be read.
    pub organization: Option<OrganizationId>,
    pub cluster: Option<ClusterId>,
    pub request: Option<String>,
    /// Whether it was sent again.
    pub is_replayed: bool,
}

/// Which dead letters are meant: all that fit each of these.
#[derive(Debug, Clone, Default)]
pub struct LetterFilter {
    /// A part of the reason.
    pub reason: Option<String>,
    /// Kept then or later.
    pub since: Option<Timestamp>,
    /// About this cluster.
    pub cluster: Option<ClusterId>,
}

impl LetterFilter {
    #[cfg_attr(not(feature = "kafka"), expect(dead_code, reason = "only the topic is asked with it"))]
    pub(crate) fn fits(&self, letter: &Letter) -> bool {
        let has_reason =
            |part: &String| letter.reason.as_ref().is_some_and(|reason| reason.contains(part.as_str()));
        self.reason.as_ref().is_none_or(has_reason)
            && self.since.is_none_or(|since| letter.kept.is_some_and(|kept| kept >= since))
            && self.cluster.is_none_or(|cluster| letter.cluster == Some(cluster))
    }
}

/// The newest letters that fit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListedLetters {
    /// By the time when they were kept.
    pub letters: Vec<Letter>,
    /// How many fit in all.
    pub total: u64,
}

/// What became of letters that fit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReplayedLetters {
    /// Sent again, or to be sent.
    pub sent: u64,
    /// Sent again before, and left where they are.
    pub before: u64,
    /// From a topic that is not read any more, and left where they are.
    pub elsewhere: u64,
}
