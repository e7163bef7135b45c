//! The hits that a report names, each once.

use gathering_domain::RuleHit;
use indexmap::IndexSet;

use super::element::Hit;
use crate::message::limits::{MAX_HITS, MAX_HITS_LENGTH};
use crate::message::warning::{Warning, Warnings};

/// Few reports have more hits.
const USUAL: usize = 14;

/// Hits in the order of the message, within the limits of a message.
pub(super) struct HitSet {
    hits: IndexSet<RuleHit>,
    /// The length of the hits together, in bytes.
    length: usize,
    left_out: u64,
}

impl Default for HitSet {
    fn default() -> Self {
        Self { hits: IndexSet::with_capacity(USUAL), length: 0, left_out: 0 }
    }
}

impl HitSet {
    /// Adds the hit of an element. A comma in it makes several, since today's clients read hits from a text with commas between
    /// them. Pieces that are no hits are left out.
    pub(super) fn add(&mut self, hit: &Hit<'_>, warnings: &mut Warnings) {
        let module = hit.component.strip_suffix(".report").unwrap_or(&hit.component);
        if let Ok(hit) = RuleHit::new(module, &hit.key) {
            return self.insert(hit);
        }
        for piece in format!("{module}|{}", hit.key).split(',') {
            match piece.parse() {
                Ok(hit) => self.insert(hit),
                Err(_) => warnings.push_dropped_hit(piece),
            }
        }
    }

    fn insert(&mut self, hit: RuleHit) {
        let length = self.length + hit.as_str().len();
        if self.hits.len() < MAX_HITS && length <= MAX_HITS_LENGTH {
            if self.hits.insert(hit) {
                self.length = length;
            }
        } else if !self.hits.contains(&hit) {
            self.left_out += 1;
        }
    }

    /// The hits; warns of those that are left out.
    pub(super) fn into_hits(self, warnings: &mut Warnings) -> Vec<RuleHit> {
        if self.left_out > 0 {
            warnings.push(Warning::TooManyHits(self.left_out));
        }
        self.hits.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hits_have_a_most_in_number_and_in_length() {
        let warnings_of = |set: HitSet| {
            let mut warnings = Warnings::default();
            let hits = set.into_hits(&mut warnings);
            (hits, Vec::from(warnings))
        };
        let (mut many, mut long) = (HitSet::default(), HitSet::default());
        for number in 0..MAX_HITS + 7 {
            many.insert(format!("m|K{number}").parse().unwrap());
        }
        many.insert("m|K1".parse().unwrap());
        for number in 0..10 {
            let name = format!("{number}").repeat(MAX_HITS_LENGTH / 4);
            long.insert(format!("m|{name}").parse().unwrap());
        }
        long.insert("m|SHORT".parse().unwrap());
        let (hits, warnings) = warnings_of(many);
        assert_eq!((hits.len(), hits[MAX_HITS - 1].error_key()), (MAX_HITS, "K4999"));
        assert_eq!(warnings, [Warning::TooManyHits(7)]);
        let (hits, warnings) = warnings_of(long);
        assert_eq!((hits.len(), hits[3].as_str()), (4, "m|SHORT"));
        assert_eq!(warnings, [Warning::TooManyHits(7)]);
    }

    #[test]
    fn each_hit_is_there_once_however_many_there_are() {
        for count in [1, 31, 32, 33, 100] {
            let expected: Vec<RuleHit> =
                (0..count).map(|number| format!("m|K{number}").parse().unwrap()).collect();
            let mut set = HitSet::default();
            for hit in expected.iter().chain(&expected) {
                set.insert(hit.clone());
                set.insert(hit.clone());
            }
            assert_eq!(set.into_hits(&mut Warnings::default()), expected);
        }
    }
}
