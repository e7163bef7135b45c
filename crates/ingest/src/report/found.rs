//! The hits that a report names, each once.

use std::collections::HashSet;

use gathering_domain::RuleHit;

use crate::Warning;
use crate::report::element::Hit;

/// Up to so many hits, looking through all of them costs less than hashing each. Few reports have more.
const FEW: usize = 32;

/// The hits so far, in the order in which they came.
#[derive(Default)]
pub(super) struct Found {
    hits: Vec<RuleHit>,
    /// The same hits once they are many, so that a report with very many takes no longer for each.
    seen: HashSet<RuleHit>,
}

impl Found {
    /// Adds what one element names. Clients of today read hits back from a text with commas between them, so a comma
    /// inside one makes several; those that are no hits then are left out.
    pub(super) fn add(&mut self, hit: &Hit<'_>, warnings: &mut Vec<Warning>) {
        let (component, key) = (hit.component(), hit.key());
        let module = component.strip_suffix(".report").unwrap_or(component);
        if let Ok(hit) = RuleHit::new(module, key) {
            return self.push(hit);
        }
        for piece in format!("{module}|{key}").split(',') {
            match piece.parse() {
                Ok(hit) => self.push(hit),
                Err(_) => warnings.push(Warning::dropped_hit(piece)),
            }
        }
    }

    fn push(&mut self, hit: RuleHit) {
        if self.hits.len() < FEW {
            if !self.hits.contains(&hit) {
                self.hits.push(hit);
            }
            return;
        }
        if self.seen.is_empty() {
            self.seen.extend(self.hits.iter().cloned());
        }
        if self.seen.insert(hit.clone()) {
            self.hits.push(hit);
        }
    }

    pub(super) fn into_hits(self) -> Vec<RuleHit> {
        self.hits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_hit_is_there_once_however_many_there_are() {
        for count in [FEW - 1, FEW, FEW + 1, 3 * FEW] {
            let expected: Vec<RuleHit> =
                (0..count).map(|number| format!("m|K{number}").parse().unwrap()).collect();
            let mut found = Found::default();
            for hit in expected.iter().chain(&expected) {
                found.push(hit.clone());
                found.push(hit.clone());
            }
            assert_eq!(found.into_hits(), expected);
        }
    }
}
