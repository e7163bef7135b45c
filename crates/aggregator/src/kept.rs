//! Answers that are kept, in bounded memory.

use std::sync::Arc;
use std::time::Duration;

use gathering_support::BoundedCache;

use crate::key::ClusterKey;
use crate::rules::DisabledRules;

/// How much memory answers may take up together, in bytes.
const SIZE: usize = 16 * 1024 * 1024;

/// What an answer takes up beside its rules, and as a rule in all.
const OVERHEAD: usize = 250;
const USUAL: usize = 500;

/// The last answer for each cluster. Those that are used least are forgotten.
#[derive(Debug)]
pub(crate) struct KeptAnswers {
    cache: BoundedCache<ClusterKey, Kept>,
    fresh_for: Duration,
    stale_for: Duration,
}

#[derive(Debug, Clone)]
struct Kept {
    rules: Arc<DisabledRules>,
    /// When it was asked for, on the monotonic clock.
    asked_at: Duration,
}

impl KeptAnswers {
    pub(crate) fn new(fresh_for: Duration, stale_for: Duration) -> Self {
        let cache = BoundedCache::new(SIZE, USUAL, |_, kept: &Kept| OVERHEAD + kept.rules.size());
        Self { cache, fresh_for, stale_for }
    }

    pub(crate) fn insert(&self, key: ClusterKey, rules: Arc<DisabledRules>, asked_at: Duration) {
        self.cache.insert(|| key, Kept { rules, asked_at });
    }

    /// An answer that makes asking again needless.
    pub(crate) fn fresh(&self, key: ClusterKey, now: Duration) -> Option<Arc<DisabledRules>> {
        self.cache.get(&key).filter(|kept| kept.age(now) < self.fresh_for).map(|kept| kept.rules)
    }

    /// An answer that serves where there is no newer one.
    pub(crate) fn stale(&self, key: ClusterKey, now: Duration) -> Option<Arc<DisabledRules>> {
        self.cache.get(&key).filter(|kept| kept.age(now) <= self.stale_for).map(|kept| kept.rules)
    }
}

impl Kept {
    const fn age(&self, now: Duration) -> Duration {
        now.saturating_sub(self.asked_at)
    }
}

#[cfg(test)]
mod tests {
    use gathering_domain::rule::RuleHit;

    use super::*;

    fn key(organization: u32) -> ClusterKey {
        let cluster = "5d5892d3-1f74-4ccf-91af-548dfc9767aa".parse().unwrap();
        ClusterKey { organization: organization.try_into().unwrap(), cluster }
    }

    #[test]
    fn an_answer_is_fresh_and_then_stale_and_then_forgotten() {
        let (kept, second) =
            (KeptAnswers::new(Duration::from_secs(30), Duration::from_secs(60)), Duration::from_secs);
        kept.insert(key(1), Arc::default(), second(100));
        for (now, is_fresh, is_stale) in [
            (100, true, true),
            (129, true, true),
            (130, false, true),
            (160, false, true),
            (161, false, false),
        ] {
            let found =
                (kept.fresh(key(1), second(now)).is_some(), kept.stale(key(1), second(now)).is_some());
            assert_eq!(found, (is_fresh, is_stale), "{now}");
        }
        assert!(kept.stale(key(2), second(100)).is_none(), "it is another organization's");
        let always = KeptAnswers::new(Duration::ZERO, Duration::ZERO);
        always.insert(key(1), Arc::default(), second(100));
        assert!(always.fresh(key(1), second(100)).is_none(), "nothing is fresh");
    }

    #[test]
    fn answers_take_up_a_bounded_amount() {
        let kept = KeptAnswers::new(Duration::MAX, Duration::MAX);
        let rules = |count: usize| -> Arc<DisabledRules> {
            let hits: Vec<_> =
                (0..count).map(|number| RuleHit::new("m", &format!("K{number}")).unwrap()).collect();
            Arc::new(hits.into())
        };
        for organization in 1..1000 {
            kept.insert(key(organization), rules(1000), Duration::ZERO);
        }
        let there = (1..1000).filter_map(|organization| kept.fresh(key(organization), Duration::ZERO));
        let size: usize = there.map(|rules| OVERHEAD + rules.size()).sum();
        assert!((SIZE / 4..=SIZE).contains(&size), "{size}");
    }
}
