//! Why calls could not be answered, in the log: not more lines than somebody can read, however many calls fail.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use log::Level;

/// Lines at once; afterwards one a second. Whoever wants more has the metric.
const BURST: u32 = 20;
const PAUSE: Duration = Duration::from_secs(1);

/// Lines about failed calls, those that may pass and those of defects each within bounds of their own.
#[derive(Debug, Default)]
pub(crate) struct FailureLog {
    passing: Mutex<Lines>,
    defects: Mutex<Lines>,
}

#[derive(Debug, Default)]
struct Lines {
    written: u32,
    last: Option<Instant>,
    left_out: u64,
}

impl Lines {
    /// Whether a line may be written now, and then how many were left out before it.
    fn next(&mut self, now: Instant) -> Option<u64> {
        let since = self.last.map_or(Duration::MAX, |last| now.saturating_duration_since(last));
        if since >= PAUSE * BURST {
            self.written = 0;
        }
        if self.written >= BURST && since < PAUSE {
            self.left_out += 1;
            return None;
        }
        self.written = self.written.saturating_add(1);
        self.last = Some(now);
        Some(std::mem::take(&mut self.left_out))
    }
}

impl FailureLog {
    /// Writes that a call failed, or counts that this was left out.
    pub(crate) fn tell(&self, level: Level, call: &str, cause: &str) {
        let lines = if level == Level::Error { &self.defects } else { &self.passing };
        let next = lines.lock().unwrap_or_else(PoisonError::into_inner).next(Instant::now());
        match next {
            None => {}
            Some(0) => log::log!(level, "{call}: {cause}"),
            Some(left_out) => log::log!(
                level, left_out = left_out;
                "{call}: {cause}; {left_out} more failed calls before it are not in the log"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_at_once_and_then_slowly_and_none_is_forgotten() {
        let (mut lines, start) = (Lines::default(), Instant::now());
        let written = |lines: &mut Lines, now, calls: u32| -> Vec<u64> {
            (0..calls).filter_map(|_| lines.next(now)).collect()
        };
        assert_eq!(written(&mut lines, start, 100), [0; 20]);
        assert_eq!(written(&mut lines, start + PAUSE / 2, 100), [0; 0]);
        assert_eq!(written(&mut lines, start + PAUSE, 100), [180]);
        assert_eq!(written(&mut lines, start + PAUSE * 2, 1), [99]);
        assert_eq!(written(&mut lines, start + PAUSE * 3, 1), [0]);
        assert_eq!(written(&mut lines, start + PAUSE * 60, 100), [0; 20], "after a rest");
    }
}
