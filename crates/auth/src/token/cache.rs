//! Verified tokens are remembered, since checking a signature of RSA costs more than answering a status poll.

use std::sync::atomic::{AtomicU64, Ordering};

use gathering_domain::time::Timestamp;
use gathering_support::BoundedCache;

use crate::identity::Identity;

/// A bounded cache of tokens that the present keys verified.
///
/// A token is found by its whole text, compared byte for byte, and never after its `exp`. When keys change, everything is
/// forgotten.
pub(crate) struct TokenCache {
    cache: BoundedCache<Box<str>, Verified>,
    generation: AtomicU64,
}

#[derive(Clone)]
struct Verified {
    identity: Identity,
    until: Timestamp,
    generation: Generation,
}

/// A period in which the keys stay the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Generation(u64);

impl TokenCache {
    /// A cache of at most `size` bytes; of 0 bytes it remembers nothing.
    pub(crate) fn new(size: usize) -> Self {
        const USUAL_TOKEN: usize = 1024;
        /// What a token takes up beside its text, in bytes. Its subject is part of the text, and kept beside it.
        const OVERHEAD: usize = 240;
        let cache = BoundedCache::<Box<str>, _>::new(size, USUAL_TOKEN, |token, _| token.len() + OVERHEAD);
        Self { cache, generation: AtomicU64::new(0) }
    }

    /// The present generation of keys. To be read before a token is verified: one that is verified while keys change counts as
    /// verified with the keys of before.
    pub(crate) fn generation(&self) -> Generation {
        Generation(self.generation.load(Ordering::Acquire))
    }

    pub(crate) fn get(&self, token: &str, now: Timestamp) -> Option<Identity> {
        let found = self.cache.get(token)?;
        (found.generation == self.generation() && now < found.until).then_some(found.identity)
    }

    pub(crate) fn insert(&self, token: &str, identity: &Identity, until: Timestamp, generation: Generation) {
        let verified = Verified { identity: identity.clone(), until, generation };
        self.cache.insert(|| token.into(), verified);
    }

    /// Forgets all tokens. To be called after other keys came into force.
    pub(crate) fn clear(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
        self.cache.clear();
    }

    /// How many tokens are remembered.
    pub(crate) fn len(&self) -> usize {
        self.cache.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scope::Scope;

    fn identity(organization: u32) -> Identity {
        let organization = organization.try_into().unwrap();
        Identity::from_token(organization, None, None, None, [Scope::Read])
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn a_token_is_found_until_it_expires() {
        let cache = TokenCache::new(1 << 20);
        cache.insert("a.b.c", &identity(42), at(10), cache.generation());
        assert_eq!(cache.get("a.b.c", at(9)), Some(identity(42)));
        assert_eq!(cache.get("a.b.c", at(10)), None);
        assert_eq!(cache.get("a.b.d", at(9)), None);
        assert_eq!(cache.get("a.b.", at(9)), None);
    }

    #[test]
    fn other_keys_make_it_forget() {
        let cache = TokenCache::new(1 << 20);
        let before = cache.generation();
        cache.insert("a", &identity(1), at(10), before);
        cache.clear();
        assert_eq!((cache.get("a", at(1)), cache.len()), (None, 0));
        cache.insert("a", &identity(1), at(10), before);
        assert_eq!(cache.get("a", at(1)), None, "it was verified with the keys of before");
    }

    #[test]
    fn it_does_not_grow_over_its_size() {
        let cache = TokenCache::new(64 * 1024);
        for number in 0..1000 {
            let token = format!("{number}{}", "x".repeat(1000));
            cache.insert(&token, &identity(1), at(10), cache.generation());
        }
        assert!((1..=64).contains(&cache.len()), "{}", cache.len());
        let none = TokenCache::new(0);
        none.insert("a", &identity(1), at(10), none.generation());
        assert_eq!((none.get("a", at(1)), none.len()), (None, 0));
    }
}
