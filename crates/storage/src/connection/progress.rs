//! How far work has come that may take long, and whether anybody still waits for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

use diesel::QueryResult;
use diesel::result::Error;

/// What whoever waits and the thread that works know of each other.
#[derive(Clone, Default)]
pub(crate) struct Progress {
    steps: Arc<AtomicUsize>,
    /// One of the constants below.
    outcome: Arc<AtomicU8>,
    observer: Option<Arc<dyn Fn(usize) + Send + Sync>>,
}

/// The work can still be given up.
const OPEN: u8 = 0;
/// Nobody waits for it: it is not to be committed.
const GIVEN_UP: u8 = 1;
/// It is being committed: whoever waits is to wait for the answer.
const COMMITTING: u8 = 2;

impl Progress {
    /// The observer is told of each step how much was done with it.
    pub(crate) fn observed(observer: impl Fn(usize) + Send + Sync + 'static) -> Self {
        Self { observer: Some(Arc::new(observer)), ..Self::default() }
    }

    /// Counts a step that did so much.
    pub(crate) fn advance(&self, done: usize) {
        self.steps.fetch_add(1, Ordering::Relaxed);
        if let Some(observer) = &self.observer {
            observer(done);
        }
    }

    /// Ends the work where nobody waits for it any more. To be asked at the beginning and wherever work waits.
    pub(crate) fn check(&self) -> QueryResult<()> {
        // What was being committed was not, if it begins again.
        let _ = self.change(COMMITTING, OPEN);
        if self.outcome.load(Ordering::Acquire) == GIVEN_UP {
            Err(Error::RollbackTransaction)
        } else {
            Ok(())
        }
    }

    /// To be asked right before the commit: whoever gave the work up was told that it failed, and it must not succeed then.
    pub(crate) fn begin_commit(&self) -> QueryResult<()> {
        self.change(OPEN, COMMITTING).map(|_| ()).map_err(|_| Error::RollbackTransaction)
    }

    /// Says that nobody waits any more, and tells whether that came in time.
    pub(crate) fn give_up(&self) -> bool {
        self.change(OPEN, GIVEN_UP).is_ok()
    }

    fn change(&self, from: u8, to: u8) -> Result<u8, u8> {
        self.outcome.compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire)
    }

    /// How many steps were counted so far.
    pub(crate) fn steps(&self) -> usize {
        self.steps.load(Ordering::Relaxed)
    }
}
