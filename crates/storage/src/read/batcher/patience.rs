//! How long it is worthwhile to ask one by one what could not be answered together.
//!
//! A part of the database may be away, so that only the lookups of some clusters fail: the others are to be answered. All of it
//! may be away: then more questions are only more load.

use std::collections::{HashMap, HashSet};

use gathering_domain::ids::{ClusterId, OrganizationId};

/// Whose requests a lookup is about; `None` where it is about those of many.
pub(super) type Whose = Option<(OrganizationId, ClusterId)>;

/// So many clusters of which lookups fail, with no answer in between, are enough to say that no other will be answered either.
/// Where half of the database is away, that many fail one after the other once in 65,000 times.
const CLUSTERS: usize = 16;

/// So many lookups of one cluster are tried: more than one, since it may have been a single row that cannot be read.
const OF_A_CLUSTER: usize = 2;

/// So many questions that cost the connection, or all the time there was, are enough.
const CUT_OFF: usize = 3;

/// What became of the questions so far.
#[derive(Debug, Default)]
pub(super) struct Patience {
    failures: HashMap<Whose, usize>,
    /// Since the last answer.
    failed_in_a_row: HashSet<Whose>,
    cut_off: usize,
}

impl Patience {
    /// Whether nothing is to be asked any more.
    pub(super) fn is_over(&self) -> bool {
        self.failed_in_a_row.len() >= CLUSTERS || self.cut_off >= CUT_OFF
    }

    /// Whether another lookup about these may be answered.
    pub(super) fn has_hope_for(&self, whose: Whose) -> bool {
        self.failures.get(&whose).is_none_or(|failures| *failures < OF_A_CLUSTER)
    }

    pub(super) fn note_answer(&mut self) {
        self.failed_in_a_row.clear();
    }

    /// One failed: the database refused it, or the connection or the time was lost.
    pub(super) fn note_failure(&mut self, whose: Whose, is_refused: bool) {
        *self.failures.entry(whose).or_default() += 1;
        self.failed_in_a_row.insert(whose);
        self.cut_off += usize::from(!is_refused);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clusters() -> impl FnMut() -> Whose {
        let mut number = 0;
        move || {
            number += 1;
            Some((1.try_into().unwrap(), ClusterId::from_bytes([number; 16])))
        }
    }

    #[test]
    fn ends_when_one_cluster_after_the_other_fails() {
        let (mut patience, mut next) = (Patience::default(), clusters());
        for _ in 0..15 {
            patience.note_failure(next(), true);
        }
        assert!(!patience.is_over());
        patience.note_answer();
        for _ in 0..15 {
            let cluster = next();
            patience.note_failure(cluster, true);
            patience.note_failure(cluster, true);
        }
        assert!(!patience.is_over(), "one that fails again is the same cluster");
        patience.note_failure(next(), true);
        assert!(patience.is_over());
    }

    #[test]
    fn gives_a_cluster_up_at_its_second_failure() {
        let (mut patience, mut next) = (Patience::default(), clusters());
        let (one, other) = (next(), next());
        patience.note_failure(one, true);
        patience.note_answer();
        assert!(patience.has_hope_for(one));
        patience.note_failure(one, true);
        patience.note_answer();
        assert!(!patience.has_hope_for(one));
        assert!(patience.has_hope_for(other));
        assert!(patience.has_hope_for(None));
    }

    #[test]
    fn ends_after_few_that_were_cut_off() {
        let (mut patience, mut next) = (Patience::default(), clusters());
        for _ in 0..3 {
            assert!(!patience.is_over());
            patience.note_failure(next(), false);
            patience.note_answer();
        }
        assert!(patience.is_over());
    }
}
