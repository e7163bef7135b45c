//! From a call to an identity, in the configured mode.

use std::sync::Arc;
use std::time::Duration;

use gathering_domain::ids::OrganizationId;
use gathering_domain::time::Clock;

use crate::bearer;
use crate::certificate::CertificatePolicy;
use crate::credentials::Credentials;
use crate::error::AuthError;
use crate::gateway::Gateway;
use crate::identity::Identity;
use crate::issuer::Issuer;
use crate::metrics::AuthMetrics;
use crate::permissions::Identified;
use crate::rate_limits::RateLimits;
use crate::rejection::AuthRejection;
use crate::rejection_log::RejectionLog;
use crate::settings::{Mode, Settings};
use crate::verifier::{TokenVerifier, Verification};
use crate::wait::Wait;

/// Finds out who calls, and whether the caller may call now.
pub struct Authenticator {
    method: Method,
    limits: RateLimits,
    metrics: AuthMetrics,
    log: RejectionLog,
}

/// How callers prove who they are.
enum Method {
    Tokens(TokenVerifier),
    Gateway(Gateway),
    Certificates(CertificatePolicy),
    Disabled(OrganizationId),
}

impl std::fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authenticator").finish_non_exhaustive()
    }
}

/// One of the times that a call is looked at: again after each wait.
#[derive(Debug, Clone, Copy)]
struct Round {
    may_wait: bool,
    is_first: bool,
}

/// The result of authenticating a call.
#[derive(Debug)]
pub enum Authentication {
    /// It is known who calls, or the caller is rejected.
    Done(Result<Identity, AuthRejection>),
    /// The token names a key that is not known yet, and keys are being fetched; or the permission of a service account is asked
    /// for. Pass this to [`Authenticator::authenticate_after`].
    Waiting(Wait),
}

impl Authenticator {
    /// Reads and checks keys and secrets, and starts a thread for each issuer whose keys come from a URL. `tick` is how often
    /// these threads look at `clock`. They end when the authenticator is dropped.
    ///
    /// # Errors
    /// When settings contradict each other, or keys, secrets or certificates in files cannot be used. A URL that does not
    /// answer is no error: see [`is_ready`](Self::is_ready).
    pub fn start(settings: &Settings, clock: Arc<dyn Clock>, tick: Duration) -> Result<Self, AuthError> {
        let metrics = AuthMetrics::new().map_err(|source| AuthError::Metrics { source })?;
        let method = match &settings.mode {
            Mode::Disabled { organization } => Method::Disabled(*organization),
            Mode::IdentityHeader(gateway) => Method::Gateway(Gateway::start(gateway, &clock, &metrics)?),
            Mode::ClientCertificate(certificates) => {
                Method::Certificates(CertificatePolicy::new(certificates)?)
            }
            Mode::Jwt(tokens) => Method::Tokens(TokenVerifier::start(tokens, &clock, tick, &metrics)?),
        };
        Ok(Self {
            method,
            limits: RateLimits::new(settings.rate_limit, clock),
            metrics,
            log: RejectionLog::default(),
        })
    }

    /// Checks settings, keys and secrets, without threads and without fetching anything.
    ///
    /// # Errors
    /// Those of [`start`](Self::start).
    pub fn check(settings: &Settings) -> Result<(), AuthError> {
        match &settings.mode {
            Mode::Disabled { .. } => Ok(()),
            Mode::ClientCertificate(certificates) => CertificatePolicy::new(certificates).map(drop),
            Mode::IdentityHeader(gateway) => Gateway::open(gateway).map(drop),
            Mode::Jwt(tokens) => tokens.issuers.iter().try_for_each(Issuer::check),
        }
    }

    /// Finds out who calls, or asks to wait for keys or a permission on their way. Counts the call against the rate limits,
    /// and counts and logs a rejection.
    pub fn authenticate(&self, call: &impl Credentials) -> Authentication {
        self.decide(call, Round { may_wait: true, is_first: true })
    }

    /// Finds out who calls with the keys and permissions that are known now, and otherwise like
    /// [`authenticate`](Self::authenticate).
    ///
    /// # Errors
    /// When the caller is not let in.
    pub fn authenticate_now(&self, call: &impl Credentials) -> Result<Identity, AuthRejection> {
        self.decide_now(call, true)
    }

    /// Waits for keys or a permission, and then finds out who calls. The fetch that was running may have begun before the key
    /// was published, so another one is waited for, if one may be made: at most 20 seconds in all.
    ///
    /// # Errors
    /// When the caller is not let in.
    pub async fn authenticate_after(
        &self,
        wait: Wait,
        call: &impl Credentials,
    ) -> Result<Identity, AuthRejection> {
        wait.await;
        match self.decide(call, Round { may_wait: true, is_first: false }) {
            Authentication::Done(result) => result,
            Authentication::Waiting(wait) => {
                wait.await;
                self.decide_now(call, false)
            }
        }
    }

    /// Verifies a token by itself: no rate limit, metric or log counts it. Waits for keys that are being fetched, at most 10
    /// seconds. `None` in the modes without tokens.
    pub async fn verify_token(&self, token: &str) -> Option<Result<Identity, AuthRejection>> {
        let Method::Tokens(verifier) = &self.method else { return None };
        match verifier.verify(token, true) {
            Verification::Done(result) => Some(result),
            Verification::Waiting(refresh) => {
                refresh.await;
                match verifier.verify(token, false) {
                    Verification::Done(result) => Some(result),
                    Verification::Waiting(_) => Some(Err(AuthRejection::KeysUnavailable)),
                }
            }
        }
    }

    /// One line for each issuer, for people: what its tokens have to say, and the names of its keys. Empty in the modes
    /// without tokens.
    pub fn describe_issuers(&self) -> Vec<String> {
        self.issuers().iter().map(Issuer::describe).collect()
    }

    /// Reads the files with keys and secrets again, those of [`Settings::files`].
    ///
    /// # Errors
    /// The first file that cannot be used. What was read from it before stays in force, and all other files are read.
    pub fn reload(&self) -> Result<(), AuthError> {
        match &self.method {
            Method::Disabled(_) | Method::Certificates(_) => Ok(()),
            Method::Gateway(gateway) => gateway.reload(),
            Method::Tokens(verifier) => {
                // Collected first, so that one issuer's broken file does not keep another's keys out.
                let issuers = verifier.issuers().iter();
                let results: Vec<_> = issuers.map(|issuer| issuer.keyring().reload()).collect();
                results.into_iter().collect()
            }
        }
    }

    /// Whether callers can be let in: the keys of each URL were asked for at least once, and there is any key at all. True in
    /// the modes without tokens.
    pub fn is_ready(&self) -> bool {
        let Method::Tokens(verifier) = &self.method else { return true };
        let issuers = verifier.issuers();
        issuers.iter().all(Issuer::was_tried) && issuers.iter().any(|issuer| issuer.keyring().len() > 0)
    }

    pub(crate) const fn metrics(&self) -> &AuthMetrics {
        &self.metrics
    }

    /// The name of each issuer, and how many keys it has.
    pub(crate) fn keys(&self) -> Vec<(&str, usize)> {
        self.issuers().iter().map(|issuer| (issuer.name(), issuer.keyring().len())).collect()
    }

    /// How many verified tokens are remembered.
    pub(crate) fn cached_tokens(&self) -> usize {
        match &self.method {
            Method::Disabled(_) | Method::Gateway(_) | Method::Certificates(_) => 0,
            Method::Tokens(verifier) => verifier.cached(),
        }
    }

    fn issuers(&self) -> &[Issuer] {
        match &self.method {
            Method::Disabled(_) | Method::Gateway(_) | Method::Certificates(_) => &[],
            Method::Tokens(verifier) => verifier.issuers(),
        }
    }

    fn decide_now(&self, call: &impl Credentials, is_first: bool) -> Result<Identity, AuthRejection> {
        match self.decide(call, Round { may_wait: false, is_first }) {
            Authentication::Done(result) => result,
            // Impossible: nobody asked to wait.
            Authentication::Waiting(_) => Err(AuthRejection::KeysUnavailable),
        }
    }

    /// Counts each call once against the rate limits, as soon as it is known who calls.
    fn decide(&self, call: &impl Credentials, round: Round) -> Authentication {
        let Round { may_wait, is_first } = round;
        let admit = |identity: Identity| self.limits.admit(&identity).map(|()| identity);
        let admitted = match &self.method {
            Method::Disabled(organization) => admit(Identity::anybody(*organization)),
            Method::Gateway(gateway) => {
                // It is known before its permission is. So a call that waited for that was counted in the first round.
                let admit = |caller: &Identity| if is_first { self.limits.admit(caller) } else { Ok(()) };
                match gateway.identify(call, may_wait, admit) {
                    Ok(Identified::Waiting(wait)) => return Authentication::Waiting(wait),
                    Ok(Identified::Known(identity)) => Ok(identity),
                    Err(rejection) => Err(rejection),
                }
            }
            Method::Certificates(certificates) => certificates.identify(call).and_then(admit),
            Method::Tokens(verifier) => {
                match bearer::token(call).map(|token| verifier.verify(token, may_wait)) {
                    Err(rejection) => Err(rejection),
                    Ok(Verification::Done(result)) => result.and_then(admit),
                    Ok(Verification::Waiting(refresh)) => return Authentication::Waiting(refresh),
                }
            }
        };
        if let Err(rejection) = &admitted {
            self.metrics.count_rejection(*rejection);
            self.log.log(*rejection, call);
        }
        Authentication::Done(admitted)
    }
}

#[cfg(test)]
mod tests;
