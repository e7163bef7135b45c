//! From a call to an identity, in the configured mode.

use std::sync::Arc;
use std::time::Duration;

use gathering_domain::{Clock, OrganizationId};

use crate::credentials::{CredentialHeader, Credentials, Sent};
use crate::gateway::Gateway;
use crate::issuer::{Issuer, Keyring};
use crate::metrics::AuthMetrics;
use crate::rate_limits::Limits;
use crate::rejection_log::RefusalLog;
use crate::remote::{Client, KeysAwaited, RemoteKeys, Source};
use crate::settings::{IssuerSettings, Mode, Settings, TokenSettings};
use crate::token::TokenCache;
use crate::verifier::{Outcome, TokenVerifier};
use crate::{AuthError, Identity, Refused, Remedy};

/// Tells who calls, and whether he may call now.
pub struct Authenticator {
    way: Way,
    limits: Limits,
    metrics: AuthMetrics,
    log: RefusalLog,
    /// Apart, so that one who calls too often does not hide one who forges tokens.
    limit_log: RefusalLog,
}

enum Way {
    Tokens(TokenVerifier),
    Gateway(Gateway),
    Nobody(OrganizationId),
}

impl std::fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authenticator").finish_non_exhaustive()
    }
}

/// What became of a call.
#[derive(Debug)]
pub enum Authentication {
    /// The caller was told.
    Done(Result<Identity, Refused>),
    /// Its token names a key that is not known yet, and the keys are being fetched:
    /// [`Authenticator::authenticate_after`] tells.
    Waiting(KeysAwaited),
}

impl Authenticator {
    /// Reads and judges keys and secrets, and starts to fetch those that come from a URL. `tick` is how often the fetching
    /// threads look at the clock.
    pub fn start(settings: &Settings, clock: Arc<dyn Clock>, tick: Duration) -> Result<Self, AuthError> {
        let metrics = AuthMetrics::new().map_err(|source| AuthError::Metrics { source })?;
        let way = match &settings.mode {
            Mode::Disabled { organization } => Way::Nobody(*organization),
            Mode::IdentityHeader(gateway) => Way::Gateway(Gateway::open(gateway)?),
            Mode::Jwt(tokens) => Way::Tokens(verifier(tokens, &clock, tick, &metrics)?),
        };
        Ok(Self {
            way,
            limits: Limits::new(settings.rate_limit, Arc::clone(&clock)),
            metrics,
            log: RefusalLog::new(Arc::clone(&clock)),
            limit_log: RefusalLog::new(clock),
        })
    }

    /// Checks settings, keys and secrets as [`start`](Self::start) does, and fetches nothing.
    pub fn check(settings: &Settings) -> Result<(), AuthError> {
        match &settings.mode {
            Mode::Disabled { .. } => Ok(()),
            Mode::IdentityHeader(gateway) => Gateway::open(gateway).map(drop),
            Mode::Jwt(tokens) => {
                let cache = Arc::new(TokenCache::new(0));
                tokens.issuers.iter().try_for_each(|issuer| prepare(issuer, &cache).map(drop))
            }
        }
    }

    /// Tells who calls, or asks to wait for keys that are on their way.
    pub fn authenticate(&self, call: &impl Credentials) -> Authentication {
        self.judge(call, true)
    }

    /// Tells who calls with the keys of now.
    pub fn authenticate_now(&self, call: &impl Credentials) -> Result<Identity, Refused> {
        match self.judge(call, false) {
            Authentication::Done(result) => result,
            // Only who may wait is asked to.
            Authentication::Waiting(_) => Err(Refused::KeysUnavailable),
        }
    }

    /// Tells who calls once keys were fetched. A fetch that was running may have begun before the key was published; then
    /// another one is waited for, if it may be made.
    pub async fn authenticate_after(
        &self,
        keys: KeysAwaited,
        call: &impl Credentials,
    ) -> Result<Identity, Refused> {
        keys.await;
        match self.authenticate(call) {
            Authentication::Done(result) => result,
            Authentication::Waiting(keys) => {
                keys.await;
                self.authenticate_now(call)
            }
        }
    }

    /// Judges a token by itself: no limit counts it, and no log tells of it. Waits for keys that are on their way; `None`
    /// where callers send no tokens.
    pub async fn judge_token(&self, token: &str) -> Option<Result<Identity, Refused>> {
        let Way::Tokens(verifier) = &self.way else { return None };
        match verifier.verify(token, true) {
            Outcome::Judged(result) => Some(result),
            Outcome::Waiting(keys) => {
                keys.await;
                match verifier.verify(token, false) {
                    Outcome::Judged(result) => Some(result),
                    Outcome::Waiting(_) => Some(Err(Refused::KeysUnavailable)),
                }
            }
        }
    }

    /// One line for each issuer: what its tokens have to say, and which keys it has.
    pub fn describe_issuers(&self) -> Vec<String> {
        match &self.way {
            Way::Nobody(_) | Way::Gateway(_) => Vec::new(),
            Way::Tokens(verifier) => verifier.issuers().iter().map(Issuer::describe).collect(),
        }
    }

    fn judge(&self, call: &impl Credentials, may_wait: bool) -> Authentication {
        let identified = match &self.way {
            Way::Nobody(organization) => Ok(Identity::of_anybody(*organization)),
            Way::Gateway(gateway) => gateway.identify(call),
            Way::Tokens(verifier) => match token(call).map(|token| verifier.verify(token, may_wait)) {
                Err(refused) => Err(refused),
                Ok(Outcome::Judged(result)) => result,
                Ok(Outcome::Waiting(awaited)) => return Authentication::Waiting(awaited),
            },
        };
        let admitted = identified.and_then(|identity| self.limits.admit(&identity).map(|()| identity));
        if let Err(refused) = &admitted {
            self.metrics.refused(*refused);
            let log =
                if matches!(refused.remedy(), Remedy::Authenticate) { &self.log } else { &self.limit_log };
            log.tell(*refused, call);
        }
        Authentication::Done(admitted)
    }

    /// Reads the files with keys and secrets again, those of [`Settings::files`].
    ///
    /// # Errors
    /// When one cannot be used; what was read from it before stays, and all others are read.
    pub fn reload(&self) -> Result<(), AuthError> {
        match &self.way {
            Way::Nobody(_) => Ok(()),
            Way::Gateway(gateway) => gateway.reload(),
            Way::Tokens(verifier) => {
                // One issuer's broken file does not keep another's keys out.
                let results: Vec<_> =
                    verifier.issuers().iter().map(|issuer| issuer.keyring().reload()).collect();
                results.into_iter().collect()
            }
        }
    }

    /// Whether callers can be told: keys from URLs were asked for at least once, and there is any key.
    pub fn is_ready(&self) -> bool {
        match &self.way {
            Way::Nobody(_) | Way::Gateway(_) => true,
            Way::Tokens(verifier) => {
                let issuers = verifier.issuers();
                issuers.iter().all(|issuer| issuer.remote().is_none_or(RemoteKeys::was_tried))
                    && issuers.iter().any(|issuer| issuer.keyring().len() > 0)
            }
        }
    }

    pub(crate) const fn metrics(&self) -> &AuthMetrics {
        &self.metrics
    }

    /// Each issuer, and how many keys it has.
    pub(crate) fn keys(&self) -> Vec<(&str, usize)> {
        match &self.way {
            Way::Nobody(_) | Way::Gateway(_) => Vec::new(),
            Way::Tokens(verifier) => {
                verifier.issuers().iter().map(|issuer| (issuer.name(), issuer.keyring().len())).collect()
            }
        }
    }

    pub(crate) fn cached_tokens(&self) -> usize {
        match &self.way {
            Way::Nobody(_) | Way::Gateway(_) => 0,
            Way::Tokens(verifier) => verifier.cached(),
        }
    }
}

fn verifier(
    settings: &TokenSettings,
    clock: &Arc<dyn Clock>,
    tick: Duration,
    metrics: &AuthMetrics,
) -> Result<TokenVerifier, AuthError> {
    let cache = Arc::new(TokenCache::new(settings.cache_size));
    let issuers = settings.issuers.iter().map(|settings| {
        let Prepared { keyring, remote } = prepare(settings, &cache)?;
        let remote = remote.map(|source| {
            let (keyring, clock) = (Arc::clone(&keyring), Arc::clone(clock));
            let metrics = metrics.of_source(&source);
            RemoteKeys::start(source, settings.keys.ca_file.clone(), keyring, clock, tick, metrics)
        });
        Ok(Issuer::new(settings, keyring, remote.transpose()?))
    });
    let issuers = issuers.collect::<Result<_, AuthError>>()?;
    let leeway = settings.leeway.as_secs_f64();
    Ok(TokenVerifier::new(issuers, leeway, settings.max_token, cache, Arc::clone(clock)))
}

/// The keys of an issuer in files, and how the others are to be fetched.
struct Prepared {
    keyring: Arc<Keyring>,
    remote: Option<Source>,
}

fn prepare(settings: &IssuerSettings, cache: &Arc<TokenCache>) -> Result<Prepared, AuthError> {
    let keyring = Keyring::open(&settings.keys, Arc::clone(cache))?;
    let remote = Source::of(settings)?;
    if remote.is_some() {
        // What is wrong with the authorities is found now; each fetch reads them anew.
        Client::new(settings.keys.ca_file.as_deref())?;
    }
    if remote.is_none() {
        if keyring.len() == 0 {
            return Err(AuthError::NoKeys);
        }
        if !settings.algorithms.is_empty() && !keyring.has_one_for(&settings.algorithms) {
            return Err(AuthError::NoKeyForAlgorithms { algorithms: settings.algorithms.clone() });
        }
    }
    Ok(Prepared { keyring: Arc::new(keyring), remote })
}

/// The token of the one `Authorization` header.
fn token(call: &impl Credentials) -> Result<&str, Refused> {
    match call.header(CredentialHeader::Authorization) {
        Sent::Nothing => Err(Refused::Missing),
        Sent::Several => Err(Refused::Several),
        Sent::One(header) => bearer(header),
    }
}

/// The token of `Bearer <token>`; the scheme's letter case does not matter (RFC 9110 section 11.1).
fn bearer(header: &[u8]) -> Result<&str, Refused> {
    let text = std::str::from_utf8(header).map_err(|_| Refused::Scheme)?;
    let (scheme, token) = text.trim().split_once(' ').ok_or(Refused::Scheme)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(token.trim_start()) } else { Err(Refused::Scheme) }
}

#[cfg(test)]
mod tests;
