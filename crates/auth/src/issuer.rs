//! One issuer of tokens: what its tokens have to say, and the keys that verify them.

use std::sync::Arc;
use std::time::Duration;

use gathering_domain::time::Clock;
use jsonwebtoken::Algorithm;

use crate::claim_mapping::ClaimMapping;
use crate::error::AuthError;
use crate::keyring::Keyring;
use crate::keys::key_set::KeySet;
use crate::metrics::AuthMetrics;
use crate::rejection::AuthRejection;
use crate::remote::client::Client;
use crate::remote::refresher::{KeyRefresher, RefreshAnswer};
use crate::remote::source::KeySource;
use crate::remote::throttle::WantedKey;
use crate::settings::IssuerSettings;
use crate::token::cache::TokenCache;
use crate::token::parsed::ParsedToken;
use crate::wait::Wait;

/// An issuer.
pub(crate) struct Issuer {
    settings: IssuerSettings,
    keyring: Arc<Keyring>,
    refresher: Option<KeyRefresher>,
}

impl Issuer {
    /// Reads the keys in files, and starts to fetch those of a URL. `tick` is how often the fetching thread looks at the
    /// clock.
    pub(crate) fn start(
        settings: &IssuerSettings,
        cache: &Arc<TokenCache>,
        clock: &Arc<dyn Clock>,
        tick: Duration,
        metrics: &AuthMetrics,
    ) -> Result<Self, AuthError> {
        let Prepared { keyring, source } = prepare(settings, cache)?;
        let refresher = source.map(|source| {
            let (keyring, clock) = (Arc::clone(&keyring), Arc::clone(clock));
            let metrics = metrics.for_source(&source);
            KeyRefresher::start(source, settings.keys.ca_file.clone(), keyring, clock, tick, metrics)
        });
        let refresher = refresher.transpose()?;
        Ok(Self { settings: settings.clone(), keyring, refresher })
    }

    /// Checks all that [`start`](Self::start) does, and fetches nothing.
    pub(crate) fn check(settings: &IssuerSettings) -> Result<(), AuthError> {
        prepare(settings, &Arc::new(TokenCache::new(0))).map(drop)
    }

    /// The name of the issuer in metrics.
    pub(crate) fn name(&self) -> &str {
        self.settings.issuer.as_deref().unwrap_or("default")
    }

    /// One line for people: what its tokens have to say, and which keys it has.
    pub(crate) fn describe(&self) -> String {
        let IssuerSettings { issuer, audience, algorithms, mapping, .. } = &self.settings;
        let any = |value: &Option<String>| value.clone().unwrap_or_else(|| "any".to_owned());
        let algorithms: Vec<_> = algorithms.iter().map(|algorithm| format!("{algorithm:?}")).collect();
        let algorithms =
            if algorithms.is_empty() { "those of its keys".to_owned() } else { algorithms.join(" ") };
        let keys = self.keyring.current().describe();
        let ClaimMapping { organization, cluster, scope, .. } = mapping;
        format!(
            "iss {}, aud {}, alg {algorithms}; organization in {organization}, cluster in {cluster}, scopes in {scope}; \
             keys: {keys}",
            any(issuer),
            any(audience)
        )
    }

    /// Whether a token with this `iss` is of this issuer.
    pub(crate) fn issues_as(&self, issuer: Option<&str>) -> bool {
        self.settings.issues_as(issuer)
    }

    pub(crate) fn audience(&self) -> Option<&str> {
        self.settings.audience.as_deref()
    }

    /// How its tokens say who calls.
    pub(crate) const fn mapping(&self) -> &ClaimMapping {
        &self.settings.mapping
    }

    /// Whether its keys were fetched at least once, well or not. True if there are none to fetch.
    pub(crate) fn was_tried(&self) -> bool {
        self.refresher.as_ref().is_none_or(KeyRefresher::was_tried)
    }

    pub(crate) fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    /// Checks that one of these keys made the token's signature.
    pub(crate) fn verify_signature(
        &self,
        token: &ParsedToken<'_>,
        keys: &KeySet,
    ) -> Result<(), AuthRejection> {
        if !self.allows(token.algorithm) {
            return Err(AuthRejection::Algorithm);
        }
        token.check_signature(keys)
    }

    fn allows(&self, algorithm: Algorithm) -> bool {
        let allowed = &self.settings.algorithms;
        allowed.is_empty() || allowed.contains(&algorithm)
    }

    /// For a token that none of these keys verified: the refresh to wait for, a rejection because keys cannot be fetched, or
    /// `None` if no other keys will come.
    pub(crate) fn refresh_for(
        &self,
        token: &ParsedToken<'_>,
        keys: &KeySet,
        may_wait: bool,
    ) -> Option<Result<Wait, AuthRejection>> {
        let refresher = self.refresher.as_ref()?;
        if !self.allows(token.algorithm) {
            return None;
        }
        let had_keys = self.keyring.has_remote();
        let wanted = match token.key_id.as_deref() {
            Some(id) if !keys.knows(id) => WantedKey::unknown(id),
            // Providers that name no keys, or give all of them the same name, change keys too.
            id => WantedKey::another(id),
        };
        let unavailable = || Some(Err(AuthRejection::KeysUnavailable));
        if !may_wait {
            let nobody_knows = !had_keys || (wanted.is_unknown && refresher.is_failing());
            return if nobody_knows { unavailable() } else { None };
        }
        match refresher.request(wanted, had_keys) {
            RefreshAnswer::Underway(refresh) => Some(Ok(refresh)),
            RefreshAnswer::Unavailable if !had_keys || wanted.is_unknown => unavailable(),
            // A known key says that the signature is wrong.
            RefreshAnswer::KeyNotThere | RefreshAnswer::Unavailable => None,
        }
    }
}

/// The keys of an issuer in files, and where the others are fetched from.
struct Prepared {
    keyring: Arc<Keyring>,
    source: Option<KeySource>,
}

fn prepare(settings: &IssuerSettings, cache: &Arc<TokenCache>) -> Result<Prepared, AuthError> {
    let keyring = Keyring::open(&settings.keys, Arc::clone(cache))?;
    let source = KeySource::of(settings)?;
    if source.is_some() {
        // Each fetch reads the authorities anew. What is wrong with them is found now.
        Client::new(settings.keys.ca_file.as_deref())?;
    } else {
        if keyring.len() == 0 {
            return Err(AuthError::NoKeys);
        }
        if !settings.algorithms.is_empty() && !keyring.has_one_for(&settings.algorithms) {
            return Err(AuthError::NoKeyForAlgorithms { algorithms: settings.algorithms.clone() });
        }
    }
    Ok(Prepared { keyring: Arc::new(keyring), source })
}
