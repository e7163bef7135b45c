//! Where the present time comes from, so that retention can be tested without sleeping.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant, SystemTime};

use super::timestamp::Timestamp;

/// A source of the present time. It is dyn compatible: `Arc<dyn Clock>` is a clock too.
pub trait Clock: Send + Sync {
    /// The present time.
    fn now(&self) -> Timestamp;

    /// The time since some moment in the past. It never goes back, also when the machine's clock is set: for intervals.
    fn monotonic(&self) -> Duration;
}

macro_rules! clock_behind {
    ($($pointer:ty),+) => { $(
        impl<C: Clock + ?Sized> Clock for $pointer {
            fn now(&self) -> Timestamp {
                (**self).now()
            }

            fn monotonic(&self) -> Duration {
                (**self).monotonic()
            }
        }
    )+ };
}
clock_behind!(&C, Box<C>, Arc<C>);

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        SystemTime::now().into()
    }

    fn monotonic(&self) -> Duration {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        START.elapsed()
    }
}

/// A clock that moves only when it is told to.
///
/// ```
/// use std::time::Duration;
/// use gathering_domain::time::{Clock, ManualClock, Timestamp};
/// let clock = ManualClock::at(Timestamp::from_micros(10));
/// clock.advance(Duration::from_micros(5));
/// assert_eq!(clock.now(), Timestamp::from_micros(15));
/// ```
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that stands at `time`.
    pub const fn at(time: Timestamp) -> Self {
        Self(AtomicI64::new(time.as_micros()))
    }

    /// Moves the clock forward.
    pub fn advance(&self, duration: Duration) {
        let later = self.now().saturating_add(duration);
        self.0.store(later.as_micros(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        Duration::from_micros(self.now().as_micros().try_into().unwrap_or_default())
    }
}
