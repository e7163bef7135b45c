//! One issuer of tokens: what they have to say, and the keys that verify them.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use jsonwebtoken::Algorithm;

use crate::keys::{KeyFiles, KeySet};
use crate::remote::{Demand, KeysAwaited, RemoteKeys, Wanted};
use crate::settings::{IssuerSettings, KeySettings};
use crate::token::{Token, TokenCache};
use crate::{AuthError, Refused};

/// An issuer.
pub(crate) struct Issuer {
    iss: Option<String>,
    audience: Option<String>,
    algorithms: Vec<Algorithm>,
    keyring: Arc<Keyring>,
    remote: Option<RemoteKeys>,
}

impl Issuer {
    /// An issuer whose keys are in this ring; those of a URL come by `remote`.
    pub(crate) fn new(settings: &IssuerSettings, keyring: Arc<Keyring>, remote: Option<RemoteKeys>) -> Self {
        let IssuerSettings { issuer: iss, audience, algorithms, .. } = settings.clone();
        Self { iss, audience, algorithms, keyring, remote }
    }

    /// What to call it.
    pub(crate) fn name(&self) -> &str {
        self.iss.as_deref().unwrap_or("default")
    }

    /// What its tokens have to say, and which keys it has.
    pub(crate) fn describe(&self) -> String {
        let any = |value: &Option<String>| value.clone().unwrap_or_else(|| "any".to_owned());
        let algorithms: Vec<_> = self.algorithms.iter().map(|algorithm| format!("{algorithm:?}")).collect();
        let algorithms =
            if algorithms.is_empty() { "those of its keys".to_owned() } else { algorithms.join(" ") };
        let keys = self.keyring.current.load().describe();
        format!("iss {}, aud {}, alg {algorithms}; keys: {keys}", any(&self.iss), any(&self.audience))
    }

    /// Whether tokens with this `iss` are this issuer's.
    pub(crate) fn issues_as(&self, issuer: Option<&str>) -> bool {
        self.iss.is_none() || self.iss.as_deref() == issuer
    }

    pub(crate) fn audience(&self) -> Option<&str> {
        self.audience.as_deref()
    }

    pub(crate) const fn remote(&self) -> Option<&RemoteKeys> {
        self.remote.as_ref()
    }

    pub(crate) fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    /// The keys that are in force.
    pub(crate) fn keys(&self) -> Arc<KeySet> {
        self.keyring.current.load_full()
    }

    /// Whether one of these keys made the token's signature.
    pub(crate) fn verify_signature(&self, token: &Token<'_>, keys: &KeySet) -> Result<(), Refused> {
        if !self.allows(token.algorithm) {
            return Err(Refused::Algorithm);
        }
        token.check_signature(keys)
    }

    fn allows(&self, algorithm: Algorithm) -> bool {
        self.algorithms.is_empty() || self.algorithms.contains(&algorithm)
    }

    /// For a token that none of these keys verified: the keys that may be on their way, or that they cannot be had.
    pub(crate) fn keys_to_come(
        &self,
        token: &Token<'_>,
        keys: &KeySet,
        may_wait: bool,
    ) -> Option<Result<KeysAwaited, Refused>> {
        let remote = self.remote.as_ref()?;
        if !self.allows(token.algorithm) {
            return None;
        }
        let has_any = self.keyring.has_remote();
        let wanted = match token.key_id.as_deref() {
            Some(id) if !keys.knows(id) => Wanted::unknown(id),
            // Providers without names for their keys, or with the same one for each, change keys too.
            id => Wanted::another(id),
        };
        let unavailable = || Some(Err(Refused::KeysUnavailable));
        if !may_wait {
            let nobody_knows = !has_any || (wanted.is_unknown && remote.is_failing());
            return if nobody_knows { unavailable() } else { None };
        }
        match remote.demand(wanted, has_any) {
            Demand::Awaited(awaited) => Some(Ok(awaited)),
            Demand::Unavailable if !has_any || wanted.is_unknown => unavailable(),
            // A known key says that the signature is wrong.
            Demand::Answered | Demand::Unavailable => None,
        }
    }
}

/// The keys of an issuer, from files and from a URL.
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
    pub(crate) fn open(settings: &KeySettings, cache: Arc<TokenCache>) -> Result<Self, AuthError> {
        let files = KeyFiles::open(settings)?;
        let current = ArcSwap::from_pointee(files.set());
        Ok(Self { parts: Mutex::new(Parts { files, remote: None }), current, cache })
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

    /// Takes what the files hold now.
    ///
    /// # Errors
    /// When one cannot be used; its keys stay as they were.
    pub(crate) fn reload(&self) -> Result<(), AuthError> {
        self.change(|parts| parts.files.reload())
    }

    /// Takes what was fetched.
    pub(crate) fn set_remote(&self, keys: KeySet) {
        self.change(|parts| parts.remote = Some(keys));
    }

    fn has_remote(&self) -> bool {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner).remote.is_some()
    }

    fn change<T>(&self, change: impl FnOnce(&mut Parts) -> T) -> T {
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        let result = change(&mut parts);
        let mut all = parts.files.set();
        if let Some(remote) = &parts.remote {
            all = all.and(remote);
        }
        if !all.is_same(&self.current.load()) {
            // In this order: what is verified with the keys of before is forgotten, or not remembered at all.
            self.current.store(Arc::new(all));
            self.cache.forget_all();
        }
        result
    }
}
