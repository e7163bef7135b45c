//! The clock of the domain, as rate limiters read it.

use std::sync::Arc;

use gathering_domain::time::Clock;
use governor::RateLimiter;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::DashMapStateStore;
use governor::state::{InMemoryState, NotKeyed};

/// The monotonic time of the domain's clock. Limits count intervals, which no setting of the machine's clock may stretch.
#[derive(Clone)]
pub(crate) struct MonotonicClock(pub(crate) Arc<dyn Clock>);

impl governor::clock::Clock for MonotonicClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        self.0.monotonic().into()
    }
}

/// One limit.
pub(crate) type Limiter = RateLimiter<NotKeyed, InMemoryState, MonotonicClock, NoOpMiddleware<Nanos>>;

/// A limit for each key.
pub(crate) type KeyedLimiter<K> = RateLimiter<K, DashMapStateStore<K>, MonotonicClock, NoOpMiddleware<Nanos>>;
