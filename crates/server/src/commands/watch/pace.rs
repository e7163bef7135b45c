//! When to ask again.

use std::time::Duration;

use rand::random_range;

/// The first pause and the longest one, where the server says nothing.
const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(10);

/// Not even a server that says so is asked without a pause.
const SHORTEST: Duration = Duration::from_millis(100);

/// Pauses that double, each with some jitter, so that those who wait for the same do not come back at once.
#[derive(Debug, Default)]
pub(super) struct Pace {
    pauses: u32,
}

impl Pace {
    /// The next pause: between half of it and all of it.
    pub(super) fn next(&mut self) -> Duration {
        let pause = FIRST.saturating_mul(1 << self.pauses.min(5)).min(LONGEST);
        self.pauses += 1;
        pause.mul_f64(random_range(0.5..=1.0))
    }
}

/// What the server asked for, and up to a tenth more.
pub(super) fn with_jitter(retry_after: Duration) -> Duration {
    retry_after.max(SHORTEST).mul_f64(random_range(1.0..=1.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_within_bounds() {
        let mut pace = Pace::default();
        for longest in [500, 1000, 2000, 4000, 8000, 10_000, 10_000].map(Duration::from_millis) {
            let pause = pace.next();
            assert!((longest / 2..=longest).contains(&pause), "{pause:?} of {longest:?}");
        }
        for _ in 0..100 {
            assert!(pace.next() <= LONGEST);
        }
    }

    #[test]
    fn a_server_is_not_asked_sooner_than_it_says() {
        for seconds in [0, 1, 5, 3600] {
            let (asked, pause) = (Duration::from_secs(seconds), with_jitter(Duration::from_secs(seconds)));
            assert!(pause >= asked.max(SHORTEST) && pause <= asked.max(SHORTEST).mul_f64(1.1), "{pause:?}");
        }
    }
}
