//! What a writer did so far.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use gathering_domain::event::EventOutcome;
use gathering_support::trace::{ActiveSpan, SpanKind};

use super::trouble::Trouble;
use crate::write::isolation::batch::Recorded;

/// What a writer did so far, and what waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WriterStats {
    /// Events that wait or are being written.
    pub waiting: u64,
    /// Submissions that were written in one go, one transaction unless an event had to be isolated.
    pub batches: u64,
    /// Events in them.
    pub events: u64,
    /// Events among them that the database refused.
    pub refused: u64,
    /// Events that failed while the database took others, and are expected to be sent again.
    pub failing: u64,
}

#[derive(Debug)]
pub(super) struct Stats {
    /// Whether the database takes what is written.
    pub(super) trouble: Trouble,
    batches: AtomicU64,
    events: AtomicU64,
    refused: AtomicU64,
    failing: AtomicU64,
    born: Instant,
    /// When something was last recorded, in microseconds since `born`.
    recorded: AtomicU64,
}

impl Stats {
    /// All of it, while so many events wait.
    pub(super) fn with_waiting(&self, waiting: u64) -> WriterStats {
        WriterStats {
            waiting,
            batches: self.batches.load(Ordering::Relaxed),
            events: self.events.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
            failing: self.failing.load(Ordering::Relaxed),
        }
    }

    pub(super) fn new() -> Self {
        Self {
            trouble: Trouble::default(),
            batches: AtomicU64::new(0),
            events: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            failing: AtomicU64::new(0),
            born: Instant::now(),
            recorded: AtomicU64::new(0),
        }
    }

    /// When something was last recorded, or this moment if it is later.
    pub(super) fn last_recorded(&self, moment: Instant) -> Instant {
        moment.max(self.born + Duration::from_micros(self.recorded.load(Ordering::Relaxed)))
    }

    pub(super) fn has_recorded_within(&self, time: Duration) -> bool {
        let recorded = self.recorded.load(Ordering::Relaxed);
        recorded > 0 && (self.born + Duration::from_micros(recorded)).elapsed() < time
    }

    pub(super) fn note_recorded(&self) {
        let now = u64::try_from(self.born.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.recorded.store(now, Ordering::Relaxed);
    }

    pub(super) fn add(&self, recorded: &Recorded) {
        self.trouble.learn(recorded);
        let is_refused = |outcome: &EventOutcome| *outcome == EventOutcome::Refused;
        let (written, refused) = match recorded {
            Recorded::Whole(outcomes) => (outcomes.len(), 0),
            Recorded::Mixed { results, .. } => {
                let written = results.iter().flatten();
                (written.clone().count(), written.filter(|outcome| is_refused(outcome)).count())
            }
        };
        if written > refused {
            self.note_recorded();
        }
        if written > 0 {
            self.batches.fetch_add(1, Ordering::Relaxed);
        }
        self.events.fetch_add(written as u64, Ordering::Relaxed);
        self.refused.fetch_add(refused as u64, Ordering::Relaxed);
    }

    pub(super) fn set_failing(&self, failing: usize) {
        self.failing.store(failing as u64, Ordering::Relaxed);
    }
}

/// Ends the span of a batch.
pub(super) fn end_span(span: ActiveSpan, events: usize, recorded: &Recorded) {
    let is_failed = match recorded {
        Recorded::Whole(_) => false,
        Recorded::Mixed { results, .. } => results.iter().any(Result::is_err),
    };
    span.end("batch", SpanKind::Internal, vec![("gathering.events", events.to_string())], is_failed);
}
