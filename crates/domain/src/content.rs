//! Rule content: what a report says about a hit.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::rule::RuleHit;

/// What is known of one finding of one rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleContent {
    /// The generic text, Markdown, byte for byte as in the rule repository.
    pub generic: String,
    /// The one-line description of the metadata.
    pub summary: String,
    /// Mean of impact and likelihood, rounded down; 1 (low) to 4 (critical) in content that is in order.
    pub total_risk: i32,
}

/// Which replacement of the rule content a store holds. It grows by one with each; 0 means that none was ever loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct ContentRevision(pub i64);

/// All rule content, by hit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RuleContentSet(HashMap<RuleHit, RuleContent>);

impl RuleContentSet {
    /// The content of one hit.
    pub fn get(&self, hit: &RuleHit) -> Option<&RuleContent> {
        self.0.get(hit)
    }

    /// Adds the content of a hit and returns what it had before.
    pub fn insert(&mut self, hit: RuleHit, content: RuleContent) -> Option<RuleContent> {
        self.0.insert(hit, content)
    }

    /// Every hit with its content, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = (&RuleHit, &RuleContent)> {
        self.0.iter()
    }

    /// How many findings have content.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True if there is no content at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<(RuleHit, RuleContent)> for RuleContentSet {
    fn from_iter<I: IntoIterator<Item = (RuleHit, RuleContent)>>(iter: I) -> Self {
        Self(iter.into_iter().collect())
    }
}
