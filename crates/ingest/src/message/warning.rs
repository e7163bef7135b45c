//! What is odd about a message without being a reason to refuse it.

use gathering_domain::FailureReason;

use super::limits::{MAX_HITS, MAX_HITS_LENGTH, MAX_WARNINGS};

/// What is odd about a message that is taken nevertheless.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Warning {
    /// A hit that no rule can have; it is left out.
    #[error("the hit '{0}' has characters that no rule has and is left out")]
    DroppedHit(FailureReason),
    /// Hits beyond the most that a message may have.
    #[error("{0} hits are left out: a message has at most {MAX_HITS}, of {MAX_HITS_LENGTH} bytes together")]
    TooManyHits(u64),
    /// More of what is odd than is told.
    #[error("{0} more warnings about this message are left out")]
    More(u64),
    /// A schema version that this reader was not written for.
    #[error("the schema version {0} is unknown")]
    UnknownVersion(u8),
    /// `LastChecked` is yet to come.
    #[error("LastChecked is in the future")]
    FutureLastChecked,
}

impl Warning {
    pub(crate) fn dropped_hit(text: &str) -> Self {
        Self::DroppedHit(FailureReason::new(text))
    }
}

/// What is odd about one message, as it is found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Warnings {
    told: Vec<Warning>,
    left_out: u64,
}

impl Warnings {
    pub(crate) fn push(&mut self, warning: Warning) {
        if self.told.len() < MAX_WARNINGS {
            self.told.push(warning);
        } else {
            self.left_out += 1;
        }
    }

    /// A hit that is left out. Its text is taken only if it is told of.
    pub(crate) fn push_dropped_hit(&mut self, text: &str) {
        if self.told.len() < MAX_WARNINGS {
            self.told.push(Warning::dropped_hit(text));
        } else {
            self.left_out += 1;
        }
    }

    pub(crate) fn append(&mut self, others: Self) {
        self.left_out += others.left_out;
        for warning in others.told {
            self.push(warning);
        }
    }
}

impl From<Warnings> for Vec<Warning> {
    fn from(warnings: Warnings) -> Self {
        let Warnings { mut told, left_out } = warnings;
        if left_out > 0 {
            told.push(Warning::More(left_out));
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_are_bounded_and_the_others_counted() {
        let mut warnings = Warnings::default();
        for number in 0..9 {
            warnings.push_dropped_hit(&number.to_string());
        }
        let mut others = Warnings::default();
        for number in 0..14_u8 {
            others.push(Warning::UnknownVersion(number));
        }
        warnings.append(others);
        let told = Vec::from(warnings);
        assert_eq!(told.len(), 11);
        assert_eq!(told[9..], [Warning::UnknownVersion(0), Warning::More(13)]);
    }
}
