//! Lines in the log that something outside can cause again and again.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Lets a line through every few seconds, and counts those that it keeps back.
#[derive(Debug, Default)]
pub(crate) struct Throttle(Mutex<Told>);

#[derive(Debug, Default)]
struct Told {
    last: Option<Instant>,
    untold: u64,
}

const TELL_EVERY: Duration = Duration::from_secs(5);

impl Throttle {
    /// Whether to write a line now, and how many were left out since the last.
    pub(crate) fn tell(&self) -> Option<u64> {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if told.last.is_some_and(|last| last.elapsed() < TELL_EVERY) {
            told.untold += 1;
            return None;
        }
        let untold = told.untold;
        *told = Told { last: Some(Instant::now()), untold: 0 };
        Some(untold)
    }
}
