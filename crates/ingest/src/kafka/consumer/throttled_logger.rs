//! Throttled logging of lines that somebody else can cause: at most as many as can be read, and the number of those left out.

use std::fmt::Arguments;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use log::{Level, log_enabled};

/// How many lines may be written at once. Afterwards it is one a second.
const BURST: u64 = 20;

/// A logger for lines of one kind. A flood of one kind hides no other.
#[derive(Debug)]
pub(super) struct ThrottledLogger {
    target: &'static str,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// How many lines may be written now.
    allowed: u64,
    /// The time up to which each second has added one.
    filled: Instant,
    left_out: u64,
}

impl ThrottledLogger {
    /// A logger with this target.
    pub(super) fn new(target: &'static str) -> Self {
        let state = State { allowed: BURST, filled: Instant::now(), left_out: 0 };
        Self { target, state: Mutex::new(state) }
    }

    /// Writes a line, unless there were too many.
    pub(super) fn log(&self, level: Level, line: Arguments<'_>) {
        if !log_enabled!(target: self.target, level) {
            return;
        }
        match self.admit() {
            None => {}
            Some(0) => log::log!(target: self.target, level, "{line}"),
            Some(left_out) => log::log!(
                target: self.target, level, unsaid = left_out;
                "{line}; {left_out} more before it are not in the log"
            ),
        }
    }

    /// The number of lines left out since the last one; `None` if this one is to be left out too.
    fn admit(&self) -> Option<u64> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let seconds = state.filled.elapsed().as_secs();
        state.allowed = state.allowed.saturating_add(seconds).min(BURST);
        state.filled += Duration::from_secs(seconds);
        if let Some(rest) = state.allowed.checked_sub(1) {
            state.allowed = rest;
            return Some(std::mem::take(&mut state.left_out));
        }
        state.left_out = state.left_out.saturating_add(1);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_cut_and_counted() {
        const FLOOD: u64 = 100_000;
        let limit = ThrottledLogger::new("test");
        let admitted: Vec<u64> = (0..FLOOD).filter_map(|_| limit.admit()).collect();
        let lines = u64::try_from(admitted.len()).unwrap();
        assert!((20..FLOOD / 10).contains(&lines), "{lines}");
        let told: u64 = admitted.iter().sum();
        assert_eq!(lines + told + limit.state.lock().unwrap().left_out, FLOOD, "each is told or counted");
    }
}
