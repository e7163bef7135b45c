//! How waits ended.

use std::sync::atomic::{AtomicU64, Ordering};

use super::end::WaitEnd;

/// How many wait, and how the waits of the past ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WaitStats {
    /// How many wait.
    pub waiting: u64,
    /// Waits that ended with something recorded.
    pub woken: u64,
    /// Waits whose time was over.
    pub timed_out: u64,
    /// Waits that others needed the place of, or that the end of the service ended.
    pub cut_short: u64,
    /// Waits that their callers left: they had gone, or found the result while they entered.
    pub left: u64,
    /// Callers that were not let wait, since too many did.
    pub refused: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    woken: AtomicU64,
    timed_out: AtomicU64,
    cut_short: AtomicU64,
    left: AtomicU64,
    refused: AtomicU64,
}

impl Counters {
    pub(super) fn ended(&self, end: WaitEnd) {
        let counter = match end {
            WaitEnd::Woken => &self.woken,
            WaitEnd::TimedOut => &self.timed_out,
            WaitEnd::CutShort => &self.cut_short,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn left(&self) {
        self.left.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn stats(&self, waiting: usize) -> WaitStats {
        WaitStats {
            waiting: waiting as u64,
            woken: self.woken.load(Ordering::Relaxed),
            timed_out: self.timed_out.load(Ordering::Relaxed),
            cut_short: self.cut_short.load(Ordering::Relaxed),
            left: self.left.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
        }
    }
}
