//! Hits that reports leave out because nothing is known of them, or because their name is too long.

use std::collections::HashSet;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::rule::RuleHit;

/// Kinds that are told apart, at most. Whoever publishes results can make up as many as he wants.
const KINDS: usize = 10_000;

/// Kinds that are named at once, at most, and the most characters of a name.
const NAMES: usize = 20;
const NAME_LENGTH: usize = 200;

/// Kinds of hits without rule content that reports left out for the first time since content was last loaded.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OmittedKinds {
    /// The first of them as `module|ERROR_KEY`, 20 at most; long ones are cut.
    pub names: Vec<String>,
    /// How many more there are.
    pub more: u64,
}

/// Counts what is left out, and keeps its kinds until they are told. What it keeps is bounded.
#[derive(Debug, Default)]
pub(super) struct OmittedHits {
    count: AtomicU64,
    hasher: RandomState,
    kinds: Mutex<Kinds>,
}

#[derive(Debug, Default)]
struct Kinds {
    /// Hashes instead of names, which can be long.
    seen: HashSet<u64>,
    untold: OmittedKinds,
}

impl OmittedHits {
    /// Notes the hits that one report left out.
    pub(super) fn note(&self, hits: &[RuleHit]) {
        if hits.is_empty() {
            return;
        }
        self.count.fetch_add(hits.len() as u64, Ordering::Relaxed);
        let mut kinds = self.lock();
        for hit in hits {
            if kinds.seen.len() >= KINDS || !kinds.seen.insert(self.hasher.hash_one(hit)) {
                continue;
            }
            if kinds.untold.names.len() < NAMES {
                kinds.untold.names.push(hit.as_str().chars().take(NAME_LENGTH).collect());
            } else {
                kinds.untold.more += 1;
            }
        }
    }

    /// How many hits were left out so far, those of one kind each time.
    pub(super) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// The kinds that were not taken yet.
    pub(super) fn take(&self) -> OmittedKinds {
        std::mem::take(&mut self.lock().untold)
    }

    /// Forgets the kinds: there is other content.
    pub(super) fn forget(&self) {
        *self.lock() = Kinds::default();
    }

    fn lock(&self) -> MutexGuard<'_, Kinds> {
        self.kinds.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit(number: usize) -> RuleHit {
        RuleHit::new("m", &format!("K{number}")).unwrap()
    }

    #[test]
    fn each_kind_is_told_once_until_there_is_other_content() {
        let omitted = OmittedHits::default();
        omitted.note(&[hit(1), hit(2)]);
        omitted.note(&[hit(2), hit(3)]);
        assert_eq!(omitted.take().names, ["m|K1", "m|K2", "m|K3"]);
        omitted.note(&[hit(1)]);
        assert_eq!((omitted.take(), omitted.count()), (OmittedKinds::default(), 5));
        omitted.forget();
        omitted.note(&[hit(1)]);
        assert_eq!((omitted.take().names, omitted.count()), (vec!["m|K1".to_owned()], 6));
    }

    #[test]
    fn made_up_kinds_take_up_a_bounded_amount() {
        let omitted = OmittedHits::default();
        for number in 0..KINDS * 2 {
            omitted.note(&[hit(number)]);
        }
        let long = RuleHit::new("m", &"K".repeat(100_000)).unwrap();
        omitted.note(std::slice::from_ref(&long));
        assert_eq!(omitted.lock().seen.len(), KINDS);
        let told = omitted.take();
        assert_eq!((told.names.len(), told.more), (NAMES, (KINDS - NAMES) as u64));
        assert_eq!(omitted.count(), KINDS as u64 * 2 + 1);
        omitted.forget();
        omitted.note(&[long]);
        assert_eq!(omitted.take().names[0].len(), NAME_LENGTH);
    }
}
