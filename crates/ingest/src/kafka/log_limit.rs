//! Lines in the log that somebody else can cause: not more of them than can be read, and the number of those left out.

use std::fmt::Arguments;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use log::{Level, log_enabled};

/// Lines at once; afterwards one a second.
const BURST: u64 = 20;

/// Lines of one kind. A flood of one kind hides no other.
#[derive(Debug)]
pub(crate) struct LogLimit {
    target: &'static str,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Lines that may be written now.
    allowed: u64,
    /// Up to when each second has added one.
    filled: Instant,
    left_out: u64,
}

impl LogLimit {
    /// Lines with this target.
    pub(crate) fn new(target: &'static str) -> Self {
        let state = State { allowed: BURST, filled: Instant::now(), left_out: 0 };
        Self { target, state: Mutex::new(state) }
    }

    /// Writes a line, unless there were too many.
    pub(crate) fn tell(&self, level: Level, line: Arguments<'_>) {
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

    /// How many lines were left out since the last one, if there may be one now.
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
        let limit = LogLimit::new("test");
        let admitted: Vec<u64> = (0..FLOOD).filter_map(|_| limit.admit()).collect();
        let lines = u64::try_from(admitted.len()).unwrap();
        assert!((20..FLOOD / 10).contains(&lines), "{lines}");
        let told: u64 = admitted.iter().sum();
        assert_eq!(lines + told + limit.state.lock().unwrap().left_out, FLOOD, "each is told or counted");
    }
}
