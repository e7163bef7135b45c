//! Requests that are known to be processed, remembered: they stay so until they expire.
//!
//! When that is can change behind the back of this process: another one with a shorter retention, or with another clock, records
//! the result anew. So what is remembered is asked for again every now and then, and forgotten when a report says otherwise.
//!
//! Nothing else is remembered: every other answer can be another one a moment later.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use gathering_domain::ids::RequestKey;
use gathering_domain::time::Timestamp;
use gathering_support::BoundedCache;

/// A bounded cache of keys with the time until which each is trusted.
pub(crate) struct ProcessedKeys {
    keys: BoundedCache<RequestKey, Timestamp>,
    cleared: AtomicU64,
    /// How often something was erased, as far as this process has seen. The database counts from 0.
    erasures: AtomicI64,
}

/// How often everything was forgotten, by the time when somebody asked the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cleared(u64);

/// How long a key is trusted: about as long as an operator polls.
const TRUST: Duration = Duration::from_secs(60);

/// What a key takes up beside the text of its request ID, in bytes: itself, its place in the cache, and what the
/// allocator adds.
const OVERHEAD: usize = 128;

impl ProcessedKeys {
    /// A cache of at most so many bytes; of 0 bytes it remembers nothing.
    pub(crate) fn new(size: usize) -> Self {
        const USUAL_KEY: usize = 160;
        let cost = |key: &RequestKey, _: &Timestamp| OVERHEAD + key.request.as_str().len();
        Self {
            keys: BoundedCache::new(size, USUAL_KEY, cost),
            cleared: AtomicU64::new(0),
            erasures: AtomicI64::new(-1),
        }
    }

    pub(crate) fn has(&self, key: &RequestKey, now: Timestamp) -> bool {
        let Some(until) = self.keys.get(key) else { return false };
        // Longer than a minute from now it is since the machine's clock was set back.
        let has = now < until && until <= now.saturating_add(TRUST);
        if !has {
            // Else it would be known again when the machine's clock is set back.
            self.keys.remove(key);
        }
        has
    }

    /// Forgets all of them: the database is another one, or something was erased.
    pub(crate) fn clear(&self) {
        // Before: what is kept from now on was asked for before, unless it says otherwise.
        self.cleared.fetch_add(1, Ordering::AcqRel);
        self.keys.clear();
    }

    /// Forgets all of them, unless something was erased just as often when this was called before. Says whether it did.
    pub(crate) fn notice_erasures(&self, erasures: i64) -> bool {
        let has_changed = self.erasures.swap(erasures, Ordering::AcqRel) != erasures;
        if has_changed {
            self.clear();
        }
        has_changed
    }

    /// How often all were forgotten so far; to be asked before the database is.
    pub(crate) fn cleared(&self) -> Cleared {
        Cleared(self.cleared.load(Ordering::Acquire))
    }

    /// Remembers one, unless all were forgotten since the database was asked for it: what it said then may be erased.
    pub(crate) fn keep_since(&self, asked: Cleared, key: &RequestKey, expires_at: Timestamp, now: Timestamp) {
        self.keep(key, expires_at, now);
        if self.cleared() != asked {
            self.forget(key);
        }
    }

    /// Remembers one that expires then.
    fn keep(&self, key: &RequestKey, expires_at: Timestamp, now: Timestamp) {
        self.keys.insert(|| key.clone(), expires_at.min(now.saturating_add(TRUST)));
    }

    pub(crate) fn forget(&self, key: &RequestKey) {
        self.keys.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: usize) -> RequestKey {
        RequestKey {
            organization: 42.try_into().unwrap(),
            cluster: "5d5892d3-1f74-4ccf-91af-548dfc9767aa".parse().unwrap(),
            request: format!("{number:032x}").parse().unwrap(),
        }
    }

    #[test]
    fn a_key_is_known_until_it_expires() {
        let processed = ProcessedKeys::new(1 << 20);
        let now = Timestamp::from_micros(0);
        processed.keep(&key(1), Timestamp::from_micros(10), now);
        assert!(processed.has(&key(1), Timestamp::from_micros(9)));
        assert!(!processed.has(&key(1), Timestamp::from_micros(10)));
        assert!(!processed.has(&key(2), Timestamp::from_micros(9)));
        processed.keep(&key(1), Timestamp::from_micros(20), now);
        assert!(processed.has(&key(1), Timestamp::from_micros(19)), "it was processed once more");
        processed.forget(&key(1));
        assert!(!processed.has(&key(1), Timestamp::from_micros(19)));
        processed.keep(&key(1), Timestamp::from_micros(20), now);
        processed.clear();
        assert!(!processed.has(&key(1), Timestamp::from_micros(19)));
        let none = ProcessedKeys::new(0);
        none.keep(&key(1), Timestamp::from_micros(10), now);
        assert!(!none.has(&key(1), Timestamp::from_micros(9)));
    }

    #[test]
    fn what_was_asked_for_before_all_were_forgotten_is_not_kept_after() {
        let processed = ProcessedKeys::new(1 << 20);
        let (start, later) = (Timestamp::from_micros(0), Timestamp::from_micros(10));
        let asked = processed.cleared();
        processed.keep_since(asked, &key(1), later, start);
        assert!(processed.has(&key(1), start));
        processed.notice_erasures(7);
        processed.keep_since(asked, &key(1), later, start);
        assert!(!processed.has(&key(1), start));
        processed.keep_since(processed.cleared(), &key(1), later, start);
        processed.notice_erasures(7);
        assert!(processed.has(&key(1), start), "nothing was erased since");
    }

    #[test]
    fn a_key_is_trusted_for_a_while_only() {
        let processed = ProcessedKeys::new(1 << 20);
        let (start, far) = (Timestamp::from_micros(5), Timestamp::from_micros(i64::MAX));
        processed.keep(&key(1), far, start);
        let last = start.saturating_add(TRUST).saturating_sub(Duration::from_micros(1));
        assert!(processed.has(&key(1), last));
        assert!(!processed.has(&key(1), start.saturating_add(TRUST)));
        processed.keep(&key(1), far, start);
        assert!(
            !processed.has(&key(1), start.saturating_sub(Duration::from_micros(1))),
            "the clock was set back"
        );
    }

    #[test]
    fn it_does_not_grow_over_its_size() {
        let processed = ProcessedKeys::new(16 * 1024);
        for number in 0..10_000 {
            processed.keep(&key(number), Timestamp::from_micros(10), Timestamp::from_micros(0));
        }
        let known = (0..10_000).filter(|number| processed.has(&key(*number), Timestamp::from_micros(9)));
        assert!((1..=102).contains(&known.count()));
    }
}
