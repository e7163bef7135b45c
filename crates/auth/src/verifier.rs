//! From the text of a token to an identity: the issuer that it names, a key of that issuer, and then its claims.

use std::sync::Arc;
use std::time::Duration;

use gathering_domain::time::{Clock, Timestamp};

use crate::error::AuthError;
use crate::identity::Identity;
use crate::issuer::Issuer;
use crate::metrics::AuthMetrics;
use crate::rejection::AuthRejection;
use crate::settings::TokenSettings;
use crate::token::cache::TokenCache;
use crate::token::claims::Validation;
use crate::token::parsed::ParsedToken;
use crate::wait::Wait;

/// The result of verifying a token.
pub(crate) enum Verification {
    /// The token is good or bad.
    Done(Result<Identity, AuthRejection>),
    /// The token names an unknown key, and keys are being fetched. Verify it again afterwards.
    Waiting(Wait),
}

/// Verifies tokens.
pub(crate) struct TokenVerifier {
    issuers: Vec<Issuer>,
    leeway_seconds: f64,
    max_token: usize,
    cache: Arc<TokenCache>,
    clock: Arc<dyn Clock>,
}

impl TokenVerifier {
    /// Reads all keys in files, and starts to fetch those of URLs. `tick` is how often the fetching threads look at the clock.
    pub(crate) fn start(
        settings: &TokenSettings,
        clock: &Arc<dyn Clock>,
        tick: Duration,
        metrics: &AuthMetrics,
    ) -> Result<Self, AuthError> {
        let cache = Arc::new(TokenCache::new(settings.cache_size));
        let issuers = settings.issuers.iter();
        let issuers = issuers.map(|issuer| Issuer::start(issuer, &cache, clock, tick, metrics));
        Ok(Self {
            issuers: issuers.collect::<Result<_, _>>()?,
            leeway_seconds: settings.leeway.as_secs_f64(),
            max_token: settings.max_token,
            cache,
            clock: Arc::clone(clock),
        })
    }

    pub(crate) fn issuers(&self) -> &[Issuer] {
        &self.issuers
    }

    /// How many verified tokens are remembered.
    pub(crate) fn cached(&self) -> usize {
        self.cache.len()
    }

    /// Verifies a token. Without `may_wait`, unknown keys are not waited for.
    pub(crate) fn verify(&self, text: &str, may_wait: bool) -> Verification {
        let now = self.clock.now();
        if let Some(identity) = self.cache.get(text, now) {
            return Verification::Done(Ok(identity));
        }
        let generation = self.cache.generation();
        let (token, issuer) = match self.parse(text) {
            Ok(parsed) => parsed,
            Err(rejection) => return Verification::Done(Err(rejection)),
        };
        let mapped = match token.mapped(issuer.mapping()) {
            Ok(mapped) => mapped,
            Err(rejection) => return Verification::Done(Err(rejection)),
        };
        loop {
            let keys = issuer.keyring().current();
            let Err(rejection) = issuer.verify_signature(&token, &keys) else { break };
            let rejection = match issuer.refresh_for(&token, &keys, may_wait) {
                Some(Ok(refresh)) => return Verification::Waiting(refresh),
                Some(Err(unavailable)) => unavailable,
                None => rejection,
            };
            // The right key may have come after the keys were read, and before the refresh was asked for.
            if Arc::ptr_eq(&keys, &issuer.keyring().current()) {
                return Verification::Done(Err(rejection));
            }
        }
        let validation = Validation { audience: issuer.audience(), leeway_seconds: self.leeway_seconds, now };
        let checked = token.claims.check(&validation);
        let identified = checked.and_then(|expiry| Ok((mapped.identity(&token.claims)?, expiry)));
        Verification::Done(identified.map(|(identity, expiry)| {
            self.cache.insert(text, &identity, timestamp(expiry), generation);
            identity
        }))
    }

    /// Takes the token apart and finds its issuer.
    fn parse<'a>(&self, text: &'a str) -> Result<(ParsedToken<'a>, &Issuer), AuthRejection> {
        let token = ParsedToken::parse(text, self.max_token)?;
        let named = token.claims.issuer()?;
        let issuer = self.issuers.iter().find(|issuer| issuer.issues_as(named));
        Ok((token, issuer.ok_or(AuthRejection::Issuer)?))
    }
}

/// The moment, rounded down. Claims were checked to be no later than the year 9999.
#[expect(clippy::cast_possible_truncation, reason = "microseconds until the year 9999 fit")]
fn timestamp(seconds: f64) -> Timestamp {
    Timestamp::from_micros((seconds * 1e6) as i64)
}
