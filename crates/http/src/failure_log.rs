//! Why calls failed, in the log: no more lines than somebody can read, however many calls fail.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use log::Level;

/// So many lines are written at once, and then one in each interval. Metrics count all calls that fail.
const BURST: u32 = 20;
const INTERVAL: Duration = Duration::from_secs(1);

/// Writes lines about failed calls. Defects and errors that may pass are throttled apart.
#[derive(Debug, Default)]
pub(crate) struct FailureLog {
    defects: Mutex<Throttle>,
    others: Mutex<Throttle>,
}

#[derive(Debug, Default)]
struct Throttle {
    written: u32,
    last: Option<Instant>,
    left_out: u64,
}

impl Throttle {
    /// How many lines were left out since the last one, if a line may be written now.
    fn next(&mut self, now: Instant) -> Option<u64> {
        let since = self.last.map_or(Duration::MAX, |last| now.saturating_duration_since(last));
        if since >= INTERVAL * BURST {
            self.written = 0;
        }
        if self.written >= BURST && since < INTERVAL {
            self.left_out += 1;
            return None;
        }
        self.written = self.written.saturating_add(1);
        self.last = Some(now);
        Some(std::mem::take(&mut self.left_out))
    }
}

impl FailureLog {
    /// Writes that a call failed, unless there are too many such lines.
    pub(crate) fn write(&self, level: Level, call: &str, cause: &str) {
        let throttle = if level == Level::Error { &self.defects } else { &self.others };
        let next = throttle.lock().unwrap_or_else(PoisonError::into_inner).next(Instant::now());
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
        let (mut throttle, start) = (Throttle::default(), Instant::now());
        let written = |throttle: &mut Throttle, now, calls: u32| -> Vec<u64> {
            (0..calls).filter_map(|_| throttle.next(now)).collect()
        };
        assert_eq!(written(&mut throttle, start, 100), [0; 20]);
        assert_eq!(written(&mut throttle, start + INTERVAL / 2, 100), [0; 0]);
        assert_eq!(written(&mut throttle, start + INTERVAL, 100), [180]);
        assert_eq!(written(&mut throttle, start + INTERVAL * 2, 1), [99]);
        assert_eq!(written(&mut throttle, start + INTERVAL * 3, 1), [0]);
        assert_eq!(written(&mut throttle, start + INTERVAL * 60, 100), [0; 20], "after a rest");
    }
}
