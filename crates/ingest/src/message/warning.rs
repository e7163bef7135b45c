//! Warnings: oddities of a message that are no reason to refuse it.

use gathering_domain::event::FailureReason;

use super::limits::{MAX_HITS, MAX_HITS_LENGTH, MAX_WARNINGS};

/// An oddity of a message that is accepted nevertheless.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Warning {
    #[error("the hit '{0}' has characters that no rule has and is left out")]
    DroppedHit(FailureReason),
    #[error("{0} hits are left out: a message has at most {MAX_HITS}, of {MAX_HITS_LENGTH} bytes together")]
    TooManyHits(u64),
    #[error("{0} more warnings about this message are left out")]
    More(u64),
    /// The parser was not written for this version.
    #[error("the schema version {0} is unknown")]
    UnknownVersion(u8),
    #[error("LastChecked is in the future")]
    FutureLastChecked,
}

impl Warning {
    pub(crate) fn dropped_hit(text: &str) -> Self {
        Self::DroppedHit(FailureReason::new(text))
    }
}

/// The warnings about one message, as they are found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Warnings {
    kept: Vec<Warning>,
    left_out: u64,
}

impl Warnings {
    pub(crate) fn push(&mut self, warning: Warning) {
        if self.kept.len() < MAX_WARNINGS {
            self.kept.push(warning);
        } else {
            self.left_out += 1;
        }
    }

    /// A hit that is left out. Its text is copied only if the warning is kept.
    pub(crate) fn push_dropped_hit(&mut self, text: &str) {
        if self.kept.len() < MAX_WARNINGS {
            self.kept.push(Warning::dropped_hit(text));
        } else {
            self.left_out += 1;
        }
    }

    pub(crate) fn append(&mut self, others: Self) {
        self.left_out += others.left_out;
        for warning in others.kept {
            self.push(warning);
        }
    }
}

impl From<Warnings> for Vec<Warning> {
    fn from(warnings: Warnings) -> Self {
        let Warnings { mut kept, left_out } = warnings;
        if left_out > 0 {
            kept.push(Warning::More(left_out));
        }
        kept
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
        let kept = Vec::from(warnings);
        assert_eq!(kept.len(), 11);
        assert_eq!(kept[9..], [Warning::UnknownVersion(0), Warning::More(13)]);
    }
}
