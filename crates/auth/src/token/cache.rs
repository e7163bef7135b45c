//! Verified tokens, remembered: checking a signature of RSA costs more than answering a status poll.

use std::sync::atomic::{AtomicU64, Ordering};

use gathering_domain::Timestamp;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::Identity;

/// A bounded cache of tokens that were verified with the keys of now.
///
/// A token is found by its whole text, compared byte for byte, and never after its `exp`. When keys change, everything
/// that was verified before is forgotten.
pub(crate) struct TokenCache {
    cache: Option<Cache<Box<str>, Verified, Size>>,
    generation: AtomicU64,
}

#[derive(Clone)]
struct Verified {
    identity: Identity,
    until: Timestamp,
    generation: Generation,
}

/// Which keys were the keys when a token was verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Generation(u64);

/// What a token takes up beside its text, in bytes.
const OVERHEAD: u64 = 160;

#[derive(Clone)]
struct Size;

impl Weighter<Box<str>, Verified> for Size {
    fn weight(&self, token: &Box<str>, _: &Verified) -> u64 {
        token.len() as u64 + OVERHEAD
    }
}

impl TokenCache {
    /// A cache of at most so many bytes; of 0 bytes it remembers nothing.
    pub(crate) fn new(size: usize) -> Self {
        const USUAL_TOKEN: usize = 1024;
        let cache = (size > 0).then(|| Cache::with_weighter(size.div_ceil(USUAL_TOKEN), size as u64, Size));
        Self { cache, generation: AtomicU64::new(0) }
    }

    /// Which keys are the keys now. To be asked before a token is verified: what is verified while keys change counts as
    /// verified before.
    pub(crate) fn generation(&self) -> Generation {
        Generation(self.generation.load(Ordering::Acquire))
    }

    pub(crate) fn find(&self, token: &str, now: Timestamp) -> Option<Identity> {
        let found = self.cache.as_ref()?.get(token)?;
        (found.generation == self.generation() && now < found.until).then_some(found.identity)
    }

    pub(crate) fn keep(&self, token: &str, identity: &Identity, until: Timestamp, generation: Generation) {
        if let Some(cache) = &self.cache {
            cache.insert(token.into(), Verified { identity: identity.clone(), until, generation });
        }
    }

    /// To be called once other keys are in force.
    pub(crate) fn forget_all(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
        if let Some(cache) = &self.cache {
            cache.clear();
        }
    }

    /// How many tokens are remembered.
    pub(crate) fn len(&self) -> usize {
        self.cache.as_ref().map_or(0, Cache::len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scope;

    fn identity(organization: u32) -> Identity {
        let organization = organization.try_into().unwrap();
        Identity::of_token(organization, None, None, None, [Scope::Read])
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn a_token_is_found_until_it_expires() {
        let cache = TokenCache::new(1 << 20);
        cache.keep("a.b.c", &identity(42), at(10), cache.generation());
        assert_eq!(cache.find("a.b.c", at(9)), Some(identity(42)));
        assert_eq!(cache.find("a.b.c", at(10)), None);
        assert_eq!(cache.find("a.b.d", at(9)), None);
        assert_eq!(cache.find("a.b.", at(9)), None);
    }

    #[test]
    fn other_keys_make_it_forget() {
        let cache = TokenCache::new(1 << 20);
        let before = cache.generation();
        cache.keep("a", &identity(1), at(10), before);
        cache.forget_all();
        assert_eq!((cache.find("a", at(1)), cache.len()), (None, 0));
        cache.keep("a", &identity(1), at(10), before);
        assert_eq!(cache.find("a", at(1)), None, "it was verified with the keys of before");
    }

    #[test]
    fn it_does_not_grow_over_its_size() {
        let cache = TokenCache::new(64 * 1024);
        for number in 0..1000 {
            let token = format!("{number}{}", "x".repeat(1000));
            cache.keep(&token, &identity(1), at(10), cache.generation());
        }
        assert!((1..=64).contains(&cache.len()), "{}", cache.len());
        let none = TokenCache::new(0);
        none.keep("a", &identity(1), at(10), none.generation());
        assert_eq!((none.find("a", at(1)), none.len()), (None, 0));
    }
}
