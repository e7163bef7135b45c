//! How often an organization, and each of its callers, may call.

use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use gathering_domain::time::Clock;
use governor::clock::Reference;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::clock::{KeyedLimiter, MonotonicClock};
use crate::identity::Identity;
use crate::rejection::AuthRejection;
use crate::settings::RateLimit;

/// The rate limits of organizations and callers.
pub(crate) struct RateLimits {
    organizations: Option<KeyedLimiter<u32>>,
    identities: Option<KeyedLimiter<u64>>,
    clock: MonotonicClock,
    admitted: AtomicU64,
}

/// After this number of calls, callers that have been quiet for a second are forgotten. So at most this number of callers is
/// remembered beside those of the last second.
const SWEEP_INTERVAL: u64 = 10_000;

impl RateLimits {
    pub(crate) fn new(settings: RateLimit, clock: Arc<dyn Clock>) -> Self {
        let clock = MonotonicClock(clock);
        Self {
            organizations: keyed(settings.per_organization, &clock),
            identities: keyed(settings.per_identity, &clock),
            clock,
            admitted: AtomicU64::new(0),
        }
    }

    /// Counts a call of this caller, or rejects it if it is one too many.
    pub(crate) fn admit(&self, caller: &Identity) -> Result<(), AuthRejection> {
        if self.organizations.is_none() && self.identities.is_none() {
            return Ok(());
        }
        if self.admitted.fetch_add(1, Ordering::Relaxed) % SWEEP_INTERVAL == SWEEP_INTERVAL - 1 {
            self.sweep();
        }
        if let Some(limiter) = &self.identities {
            let wait = self.check(limiter, &caller.fingerprint());
            wait.map_err(|retry_after| AuthRejection::IdentityLimit { retry_after })?;
        }
        if let Some(limiter) = &self.organizations {
            let wait = self.check(limiter, &caller.organization().get());
            wait.map_err(|retry_after| AuthRejection::OrganizationLimit { retry_after })?;
        }
        Ok(())
    }

    fn check<K: Hash + Eq + Clone>(&self, limiter: &KeyedLimiter<K>, key: &K) -> Result<(), Duration> {
        limiter.check_key(key).map_err(|until| {
            let now = governor::clock::Clock::now(&self.clock);
            until.earliest_possible().duration_since(now).into()
        })
    }

    fn sweep(&self) {
        if let Some(limiter) = &self.organizations {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
        if let Some(limiter) = &self.identities {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
    }
}

/// A limit of this number of calls a second, and at most as many at once; `None` for no limit.
fn keyed<K: Hash + Eq + Clone>(per_second: u32, clock: &MonotonicClock) -> Option<KeyedLimiter<K>> {
    let quota = Quota::per_second(NonZeroU32::new(per_second)?);
    Some(RateLimiter::new(quota, DashMapStateStore::default(), clock.clone()))
}

#[cfg(test)]
mod tests {
    use gathering_domain::time::{ManualClock, Timestamp};

    use super::*;

    fn caller(organization: u32, subject: &str) -> Identity {
        Identity::from_token(organization.try_into().unwrap(), None, None, Some(subject), [])
    }

    /// Three calls a second for organizations, and two for callers.
    fn limits() -> (RateLimits, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::at(Timestamp::from_micros(1_800_000_000_000_000)));
        let limits = RateLimits::new(
            RateLimit { per_organization: 3, per_identity: 2 },
            Arc::clone(&clock) as Arc<dyn Clock>,
        );
        (limits, clock)
    }

    #[test]
    fn callers_and_organizations_have_limits_of_their_own() {
        let (limits, clock) = limits();
        let admit = |organization, subject: &str| limits.admit(&caller(organization, subject));
        assert_eq!((admit(1, "a"), admit(1, "a")), (Ok(()), Ok(())));
        let retry_after = Duration::from_millis(500);
        assert_eq!(admit(1, "a"), Err(AuthRejection::IdentityLimit { retry_after }));
        assert_eq!(admit(1, "b"), Ok(()));
        assert!(matches!(admit(1, "c"), Err(AuthRejection::OrganizationLimit { .. })));
        assert_eq!(admit(2, "d"), Ok(()), "another organization");
        clock.advance(Duration::from_secs(1));
        limits.sweep();
        assert_eq!((admit(1, "a"), admit(1, "a")), (Ok(()), Ok(())));
        assert!(admit(1, "a").is_err());
    }

    #[test]
    fn what_is_remembered_of_callers_is_bounded_and_given_back() {
        let (limits, clock) = limits();
        let (organizations, identities) =
            (limits.organizations.as_ref().unwrap(), limits.identities.as_ref().unwrap());
        // Somebody whose tokens name another subject and another organization each time.
        for number in 1..=100_000_u32 {
            clock.advance(Duration::from_millis(1));
            assert!(limits.admit(&caller(number, &number.to_string())).is_ok());
            let most = usize::try_from(SWEEP_INTERVAL).unwrap() + 1000;
            assert!(organizations.len() <= most && identities.len() <= most, "{number}");
        }
        clock.advance(Duration::from_secs(1));
        limits.sweep();
        assert_eq!((organizations.len(), identities.len()), (0, 0));
    }

    #[test]
    fn without_limits_everything_is_admitted() {
        let clock = Arc::new(ManualClock::at(Timestamp::from_micros(0)));
        let limits = RateLimits::new(RateLimit::default(), clock);
        assert!((0..10_000).all(|_| limits.admit(&caller(1, "a")).is_ok()));
    }
}
