//! From the text of a token to an identity: the issuer that it names, a key of that issuer, and then its claims.

use std::sync::Arc;

use gathering_domain::{Clock, Timestamp};

use crate::issuer::Issuer;
use crate::remote::KeysAwaited;
use crate::token::{Expected, Token, TokenCache};
use crate::{Identity, Refused};

/// What became of a token.
pub(crate) enum Outcome {
    /// It was judged.
    Judged(Result<Identity, Refused>),
    /// It names a key that is not known, and the keys are being fetched.
    Waiting(KeysAwaited),
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
    pub(crate) const fn new(
        issuers: Vec<Issuer>,
        leeway_seconds: f64,
        max_token: usize,
        cache: Arc<TokenCache>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { issuers, leeway_seconds, max_token, cache, clock }
    }

    pub(crate) fn issuers(&self) -> &[Issuer] {
        &self.issuers
    }

    pub(crate) fn cached(&self) -> usize {
        self.cache.len()
    }

    /// Judges a token. With `may_wait`, keys that are not known may be waited for once.
    pub(crate) fn verify(&self, text: &str, may_wait: bool) -> Outcome {
        let now = self.clock.now();
        if let Some(identity) = self.cache.find(text, now) {
            return Outcome::Judged(Ok(identity));
        }
        let generation = self.cache.generation();
        let (token, issuer) = match self.understand(text) {
            Ok(understood) => understood,
            Err(refused) => return Outcome::Judged(Err(refused)),
        };
        loop {
            let keys = issuer.keys();
            let Err(refused) = issuer.verify_signature(&token, &keys) else { break };
            let refused = match issuer.keys_to_come(&token, &keys, may_wait) {
                Some(Ok(awaited)) => return Outcome::Waiting(awaited),
                Some(Err(unavailable)) => unavailable,
                None => refused,
            };
            // The right key may have come between the look at the keys and the look at what is on its way.
            if Arc::ptr_eq(&keys, &issuer.keys()) {
                return Outcome::Judged(Err(refused));
            }
        }
        let expected = Expected { audience: issuer.audience(), leeway_seconds: self.leeway_seconds, now };
        let judged = token.claims.identity(&expected).map(|(identity, expiry)| {
            self.cache.keep(text, &identity, timestamp(expiry), generation);
            identity
        });
        Outcome::Judged(judged)
    }

    fn understand<'a>(&self, text: &'a str) -> Result<(Token<'a>, &Issuer), Refused> {
        let token = Token::parse(text, self.max_token)?;
        let named = token.claims.issuer()?;
        let issuer = self.issuers.iter().find(|issuer| issuer.issues_as(named)).ok_or(Refused::Issuer)?;
        Ok((token, issuer))
    }
}

/// The moment, rounded down. Claims were checked to be no later than the year 9999.
#[expect(clippy::cast_possible_truncation, reason = "microseconds until the year 9999 fit")]
fn timestamp(seconds: f64) -> Timestamp {
    Timestamp::from_micros((seconds * 1e6) as i64)
}
