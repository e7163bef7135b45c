//! A cache whose size is given in bytes.

use std::fmt;
use std::hash::Hash;

use quick_cache::sync::Cache;
use quick_cache::{Equivalent, Weighter};

/// A cache of at most a number of bytes, which forgets what is used least. It can be shared among threads.
pub struct BoundedCache<K, V>(Option<Cache<K, V, BySize<K, V>>>);

/// What an entry takes up.
struct BySize<K, V>(fn(&K, &V) -> usize);

impl<K, V> Clone for BySize<K, V> {
    fn clone(&self) -> Self {
        Self(self.0)
    }
}

impl<K, V> Weighter<K, V> for BySize<K, V> {
    fn weight(&self, key: &K, value: &V) -> u64 {
        (self.0)(key, value) as u64
    }
}

impl<K, V> fmt::Debug for BoundedCache<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoundedCache").finish_non_exhaustive()
    }
}

impl<K: Eq + Hash, V: Clone> BoundedCache<K, V> {
    /// A cache of at most `size` bytes; of 0 bytes it remembers nothing. `weigh` says how many bytes an entry takes up in all,
    /// and `usual_entry` how many that are as a rule, so that the cache can plan ahead.
    pub fn new(size: usize, usual_entry: usize, weigh: fn(&K, &V) -> usize) -> Self {
        let cache = || Cache::with_weighter(size.div_ceil(usual_entry.max(1)), size as u64, BySize(weigh));
        Self((size > 0).then(cache))
    }

    /// The value of a key, if it is remembered.
    #[inline]
    pub fn get<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) -> Option<V> {
        self.0.as_ref()?.get(key)
    }

    /// Remembers a value in the place of the one before. The key is made only if the cache can remember anything.
    pub fn insert(&self, key: impl FnOnce() -> K, value: V) {
        if let Some(cache) = &self.0 {
            cache.insert(key(), value);
        }
    }

    /// Forgets the value of a key.
    pub fn remove<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) {
        if let Some(cache) = &self.0 {
            cache.remove(key);
        }
    }

    /// Forgets everything.
    pub fn clear(&self) {
        if let Some(cache) = &self.0 {
            cache.clear();
        }
    }

    /// How many values are remembered.
    pub fn len(&self) -> usize {
        self.0.as_ref().map_or(0, Cache::len)
    }

    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(size: usize) -> BoundedCache<Box<str>, u32> {
        BoundedCache::new(size, 100, |key, _| key.len() + 50)
    }

    #[test]
    fn what_is_remembered_is_found_until_it_is_forgotten() {
        let cache = cache(1024);
        assert!(cache.is_empty() && cache.get("a").is_none());
        cache.insert(|| "a".into(), 1);
        cache.insert(|| "b".into(), 2);
        cache.insert(|| "a".into(), 3);
        assert_eq!((cache.get("a"), cache.get("b"), cache.len()), (Some(3), Some(2), 2));
        cache.remove("a");
        assert_eq!((cache.get("a"), cache.get("b")), (None, Some(2)));
        cache.clear();
        assert!(cache.is_empty() && cache.get("b").is_none());
    }

    #[test]
    fn it_does_not_grow_over_its_size() {
        let cache = cache(16 * 1024);
        for number in 0..10_000 {
            cache.insert(|| format!("{number:050}").into(), number);
        }
        assert!((1..=163).contains(&cache.len()), "{}", cache.len());
    }

    #[test]
    fn of_no_bytes_it_remembers_nothing() {
        let cache = cache(0);
        cache.insert(|| unreachable!("nobody needs the key"), 1);
        cache.remove("a");
        cache.clear();
        assert!(cache.is_empty() && cache.get("a").is_none());
    }
}
