//! Log lines that strangers can cause: not more of them than somebody can read, and the number of those that are left out.

use std::fmt::{self, Arguments};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use log::kv::Value;
use log::{Level, Record};

/// How many lines are written at once.
const BURST: NonZeroU32 = NonZeroU32::new(20).unwrap();

/// How many lines a second are written afterwards.
const PER_SECOND: NonZeroU32 = NonZeroU32::MIN;

/// Writes at most 20 lines at once and one a second afterwards. The next line says how many before it were left out. Make one
/// for each kind of line, so that a flood of one kind hides no other.
pub struct ThrottledLog {
    target: &'static str,
    limiter: DefaultDirectRateLimiter,
    omitted: AtomicU64,
}

impl fmt::Debug for ThrottledLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThrottledLog").field("target", &self.target).finish_non_exhaustive()
    }
}

impl ThrottledLog {
    /// A log whose lines have this target.
    pub fn new(target: &'static str) -> Self {
        Self::with_quota(target, Quota::per_second(PER_SECOND).allow_burst(BURST))
    }

    /// One with fewer lines: so many at once, and one each interval afterwards.
    pub(crate) fn slow(target: &'static str, interval: Duration, burst: NonZeroU32) -> Self {
        let quota = Quota::with_period(interval).unwrap_or_else(|| Quota::per_second(PER_SECOND));
        Self::with_quota(target, quota.allow_burst(burst))
    }

    fn with_quota(target: &'static str, quota: Quota) -> Self {
        Self { target, limiter: RateLimiter::direct(quota), omitted: AtomicU64::new(0) }
    }

    /// Writes a line, or counts it as left out. A line of a level that is switched off is neither.
    pub fn log(&self, level: Level, line: Arguments<'_>) {
        self.log_with(level, &[], line);
    }

    /// Writes a line with these fields, like [`log`](Self::log). A line after some that were left out has their number in the
    /// field `unsaid`.
    pub fn log_with(&self, level: Level, fields: &[(&str, Value<'_>)], line: Arguments<'_>) {
        if !log::log_enabled!(target: self.target, level) {
            return;
        }
        match self.admit() {
            None => {}
            Some(0) => self.write(level, fields, line),
            Some(omitted) => {
                let unsaid = ("unsaid", Value::from(omitted));
                let fields: Vec<_> = fields.iter().cloned().chain([unsaid]).collect();
                self.write(
                    level,
                    &fields,
                    format_args!("{line}; {omitted} more before it are not in the log"),
                );
            }
        }
    }

    fn write(&self, level: Level, fields: &[(&str, Value<'_>)], line: Arguments<'_>) {
        let mut record = Record::builder();
        record.target(self.target).level(level).key_values(&fields);
        log::logger().log(&record.args(line).build());
    }

    /// How many lines were left out since the last one, if there may be one now.
    pub(crate) fn admit(&self) -> Option<u64> {
        if self.limiter.check().is_ok() {
            return Some(self.omitted.swap(0, Ordering::Relaxed));
        }
        self.omitted.fetch_add(1, Ordering::Relaxed);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_cut_and_counted() {
        const FLOOD: u64 = 100_000;
        let log = ThrottledLog::new("test");
        let admitted: Vec<u64> = (0..FLOOD).filter_map(|_| log.admit()).collect();
        let lines = u64::try_from(admitted.len()).unwrap();
        assert!((20..FLOOD / 10).contains(&lines), "{lines}");
        let told: u64 = admitted.iter().sum();
        assert_eq!(lines + told + log.omitted.load(Ordering::Relaxed), FLOOD, "each is written or counted");
    }
}
