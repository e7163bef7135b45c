//! What a worker lets others see of itself.

use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Instant;

/// What a worker lets others see of itself.
pub(super) struct WorkerStatus {
    pub(super) born: Instant,
    pub(super) is_first: bool,
    /// Milliseconds from birth to the batch that is in hand, plus one; 0 if none is.
    pub(super) busy_since: AtomicU64,
    pub(super) is_connected: AtomicBool,
    pub(super) is_replaced: AtomicBool,
    pub(super) has_ended: AtomicBool,
}

impl WorkerStatus {
    pub(super) fn new(is_first: bool) -> Self {
        Self {
            born: Instant::now(),
            is_first,
            busy_since: AtomicU64::new(0),
            is_connected: AtomicBool::new(false),
            is_replaced: AtomicBool::new(false),
            has_ended: AtomicBool::new(false),
        }
    }

    pub(super) fn age(&self) -> u64 {
        u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}
