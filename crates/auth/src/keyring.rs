//! The keys of an issuer that are in force.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use jsonwebtoken::Algorithm;

use crate::error::AuthError;
use crate::keys::files::KeyFiles;
use crate::keys::key_set::KeySet;
use crate::settings::KeySettings;
use crate::token::cache::TokenCache;

/// The keys of an issuer, from files and from a URL. Readers take no lock.
pub(crate) struct Keyring {
    parts: Mutex<Parts>,
    current: ArcSwap<KeySet>,
    cache: Arc<TokenCache>,
}

struct Parts {
    files: KeyFiles,
    remote: Option<KeySet>,
}

impl Keyring {
    /// Reads the files. `cache` holds tokens that these keys verified, and is emptied when they change.
    pub(crate) fn open(settings: &KeySettings, cache: Arc<TokenCache>) -> Result<Self, AuthError> {
        let files = KeyFiles::open(settings)?;
        let current = ArcSwap::from_pointee(files.set());
        Ok(Self { parts: Mutex::new(Parts { files, remote: None }), current, cache })
    }

    /// The keys that are in force now.
    pub(crate) fn current(&self) -> Arc<KeySet> {
        self.current.load_full()
    }

    /// Whether there is a key for one of these algorithms.
    pub(crate) fn has_one_for(&self, algorithms: &[Algorithm]) -> bool {
        let keys = self.current.load();
        algorithms.iter().any(|algorithm| keys.has_one_for(*algorithm))
    }

    /// How many keys there are.
    pub(crate) fn len(&self) -> usize {
        self.current.load().len()
    }

    /// Reads the files again.
    ///
    /// # Errors
    /// When one cannot be used. Its keys stay as they were, and the other files count.
    pub(crate) fn reload(&self) -> Result<(), AuthError> {
        self.change(|parts| parts.files.reload())
    }

    /// Replaces the keys of the URL.
    pub(crate) fn set_remote(&self, keys: KeySet) {
        self.change(|parts| parts.remote = Some(keys));
    }

    /// Whether keys were ever fetched from the URL.
    pub(crate) fn has_remote(&self) -> bool {
        self.parts().remote.is_some()
    }

    fn parts(&self) -> MutexGuard<'_, Parts> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, change: impl FnOnce(&mut Parts) -> T) -> T {
        let mut parts = self.parts();
        let result = change(&mut parts);
        let mut keys = parts.files.set();
        if let Some(remote) = &parts.remote {
            keys = keys.and(remote);
        }
        if !keys.is_same(&self.current.load()) {
            // The keys first: a token that was verified with those of before is forgotten, or never remembered.
            self.current.store(Arc::new(keys));
            self.cache.clear();
        }
        result
    }
}
