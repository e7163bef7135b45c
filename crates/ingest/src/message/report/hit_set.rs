//! The hits that a report names, each once.

use std::collections::HashSet;

use gathering_domain::rule::RuleHit;

use super::element::Hit;
use crate::message::limits::{MAX_HITS, MAX_HITS_LENGTH};
use crate::message::warning::{Warning, Warnings};

/// Up to this many hits, comparing with all of them costs less than hashing each. Few reports have more.
const FEW: usize = 32;

/// Hits in the order of the message, within the limits of a message.
#[derive(Default)]
pub(super) struct HitSet {
    hits: Vec<RuleHit>,
    /// The same hits, once there are many.
    seen: HashSet<RuleHit>,
    /// The length of the hits together, in bytes.
    length: usize,
    left_out: u64,
}

impl HitSet {
    /// Adds the hit of an element. A comma in it makes several, since today's clients read hits from a text with commas between
    /// them. Pieces that are no hits are left out.
    pub(super) fn add(&mut self, hit: &Hit<'_>, warnings: &mut Warnings) {
        let (component, key) = (hit.component(), hit.key());
        let module = component.strip_suffix(".report").unwrap_or(component);
        if let Ok(hit) = RuleHit::new(module, key) {
            return self.push(hit);
        }
        for piece in format!("{module}|{key}").split(',') {
            match piece.parse() {
                Ok(hit) => self.push(hit),
                Err(_) => warnings.push_dropped_hit(piece),
            }
        }
    }

    fn push(&mut self, hit: RuleHit) {
        if self.hits.len() < FEW {
            if !self.hits.contains(&hit) {
                self.keep(hit);
            }
            return;
        }
        if self.seen.is_empty() {
            self.seen.extend(self.hits.iter().cloned());
        }
        if !self.seen.contains(&hit) && self.keep(hit.clone()) {
            self.seen.insert(hit);
        }
    }

    /// Keeps a new hit; false if there are too many.
    fn keep(&mut self, hit: RuleHit) -> bool {
        let length = self.length + hit.as_str().len();
        let fits = self.hits.len() < MAX_HITS && length <= MAX_HITS_LENGTH;
        if fits {
            self.length = length;
            self.hits.push(hit);
        } else {
            self.left_out += 1;
        }
        fits
    }

    pub(super) fn into_hits(self, warnings: &mut Warnings) -> Vec<RuleHit> {
        if self.left_out > 0 {
            warnings.push(Warning::TooManyHits(self.left_out));
        }
        self.hits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hits_have_a_most_in_number_and_in_length() {
        let warnings_of = |found: HitSet| {
            let mut warnings = Warnings::default();
            let hits = found.into_hits(&mut warnings);
            (hits, Vec::from(warnings))
        };
        let (mut many, mut long) = (HitSet::default(), HitSet::default());
        for number in 0..MAX_HITS + 7 {
            many.push(format!("m|K{number}").parse().unwrap());
        }
        many.push("m|K1".parse().unwrap());
        for number in 0..10 {
            let name = format!("{number}").repeat(MAX_HITS_LENGTH / 4);
            long.push(format!("m|{name}").parse().unwrap());
        }
        long.push("m|SHORT".parse().unwrap());
        let (hits, warnings) = warnings_of(many);
        assert_eq!((hits.len(), hits[MAX_HITS - 1].error_key()), (MAX_HITS, "K4999"));
        assert_eq!(warnings, [Warning::TooManyHits(7)]);
        let (hits, warnings) = warnings_of(long);
        assert_eq!((hits.len(), hits[3].as_str()), (4, "m|SHORT"));
        assert_eq!(warnings, [Warning::TooManyHits(7)]);
    }

    #[test]
    fn each_hit_is_there_once_however_many_there_are() {
        for count in [FEW - 1, FEW, FEW + 1, 3 * FEW] {
            let expected: Vec<RuleHit> =
                (0..count).map(|number| format!("m|K{number}").parse().unwrap()).collect();
            let mut found = HitSet::default();
            for hit in expected.iter().chain(&expected) {
                found.push(hit.clone());
                found.push(hit.clone());
            }
            assert_eq!(found.into_hits(&mut Warnings::default()), expected);
        }
    }
}
