//! Refusals in the log: all reasons and never a credential, and not more lines than somebody can read.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use gathering_domain::Clock;
use governor::Quota;
use governor::state::InMemoryState;

use crate::Refused;
use crate::credentials::Credentials;
use crate::rate_limits::{Limiter, Monotonic};

/// The target of these lines, to be switched off alone: `log.filter = "info,gathering::auth=off"`.
const TARGET: &str = "gathering::auth";

/// Lines at once; afterwards one a second. Whoever wants more has the metric.
const BURST: NonZeroU32 = NonZeroU32::new(20).unwrap();
const ONE: NonZeroU32 = NonZeroU32::new(1).unwrap();

pub(crate) struct RefusalLog {
    limiter: Limiter,
    unsaid: AtomicU64,
}

impl RefusalLog {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        let quota = Quota::per_second(ONE).allow_burst(BURST);
        let limiter = Limiter::new(quota, InMemoryState::default(), Monotonic(clock));
        Self { limiter, unsaid: AtomicU64::new(0) }
    }

    pub(crate) fn tell(&self, refused: Refused, call: &impl Credentials) {
        if self.limiter.check().is_err() {
            self.unsaid.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let peer = call.peer().map_or_else(|| "an unknown address".to_owned(), |peer| peer.to_string());
        match self.unsaid.swap(0, Ordering::Relaxed) {
            0 => log::info!(target: TARGET, reason = refused.label(); "refused a call of {peer}: {refused}"),
            unsaid => log::info!(
                target: TARGET, reason = refused.label(), unsaid = unsaid;
                "refused a call of {peer}: {refused}; {unsaid} more before it are not in the log"
            ),
        }
    }
}
