//! Which share of the time an attempt has that finds out which event is at fault.

use std::time::{Duration, Instant};

/// When an attempt ends at the latest: one with suspects leaves time to ask what the database takes, for another attempt, and
/// for those who wait behind it. Those have a limit for locks. `is_patient` says whether it has most of the time there is.
pub(super) fn attempt_end(
    query_timeout: Duration,
    is_patient: bool,
    lock: Option<Duration>,
    end: Instant,
) -> Instant {
    let Some(_) = lock else { return end };
    let share = query_timeout / 4 * if is_patient { 3 } else { 1 };
    let kept = end.checked_sub(query_timeout / 8).unwrap_or(end);
    kept.min(Instant::now() + share)
}

/// Whether too little time is left to tell a slow event from a lack of time.
pub(super) fn is_too_late(query_timeout: Duration, lock: Option<Duration>, end: Instant) -> bool {
    let least = lock.map_or(Duration::ZERO, |_| query_timeout / 4);
    Instant::now() + least >= end
}
