//! Lines in the log that something outside can cause again and again.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Lets a line through every few seconds, and counts those that it holds back.
#[derive(Debug)]
pub(crate) struct Throttle {
    interval: Duration,
    lines: Mutex<Lines>,
}

#[derive(Debug, Default)]
struct Lines {
    last: Option<Instant>,
    held_back: u64,
}

const INTERVAL: Duration = Duration::from_secs(5);

impl Default for Throttle {
    fn default() -> Self {
        Self::every(INTERVAL)
    }
}

impl Throttle {
    pub(crate) fn every(interval: Duration) -> Self {
        Self { interval, lines: Mutex::default() }
    }

    /// Whether to write a line now: if so, how many were held back since the last.
    pub(crate) fn let_through(&self) -> Option<u64> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.last.is_some_and(|last| last.elapsed() < self.interval) {
            lines.held_back += 1;
            return None;
        }
        let held_back = lines.held_back;
        *lines = Lines { last: Some(Instant::now()), held_back: 0 };
        Some(held_back)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_let_through_each_interval_and_those_between_are_counted() {
        let mut throttle = Throttle::every(Duration::from_secs(3600));
        assert_eq!([0; 3].map(|_| throttle.let_through()), [Some(0), None, None]);
        throttle.interval = Duration::ZERO;
        assert_eq!([0; 2].map(|_| throttle.let_through()), [Some(2), Some(0)]);
    }
}
