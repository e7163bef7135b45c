//! Rules that an organization does not want to hear of.

use gathering_domain::rule::RuleHit;

/// The rules that are acknowledged by an organization or disabled for one of its clusters, as the hits that they match.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct DisabledRules {
    /// In order and each once.
    hits: Box<[RuleHit]>,
}

impl DisabledRules {
    pub(crate) fn contains(&self, hit: &RuleHit) -> bool {
        self.hits.binary_search(hit).is_ok()
    }

    /// How many bytes they take up, beside this value itself.
    pub(crate) fn size(&self) -> usize {
        // What an allocator adds to a text, about.
        const ALLOCATION: usize = 16;
        self.hits.iter().map(|hit| size_of::<RuleHit>() + ALLOCATION + hit.as_str().len()).sum()
    }
}

impl From<Vec<RuleHit>> for DisabledRules {
    fn from(mut hits: Vec<RuleHit>) -> Self {
        hits.sort_unstable();
        hits.dedup();
        Self { hits: hits.into() }
    }
}
