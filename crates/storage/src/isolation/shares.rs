//! Which share of the time an attempt has.

use std::time::{Duration, Instant};

use super::batch::Batch;
use super::{Recorder, Table};

impl<T: Table> Recorder<T> {
    /// When an attempt ends at the latest: one with suspects leaves time to ask what the database takes, for another attempt,
    /// and for those who wait behind it.
    pub(super) fn attempt_end(&self, batch: &Batch, lock: Option<Duration>, end: Instant) -> Instant {
        let Some(_) = lock else { return end };
        let share = self.query_timeout / 4 * if batch.is_patient { 3 } else { 1 };
        let kept = end.checked_sub(self.query_timeout / 8).unwrap_or(end);
        kept.min(Instant::now() + share)
    }

    /// Whether too little time is left to tell a slow event from a lack of time.
    pub(super) fn is_too_late(&self, lock: Option<Duration>, end: Instant) -> bool {
        let least = lock.map_or(Duration::ZERO, |_| self.query_timeout / 4);
        Instant::now() + least >= end
    }
}
