//! Work that may take long, as long as it comes forward.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

use diesel::QueryResult;
use diesel::result::Error;

/// How far work has come, and who wants to know.
#[derive(Clone, Default)]
pub(crate) struct Steps {
    so_far: Arc<AtomicUsize>,
    /// One of the constants below.
    outcome: Arc<AtomicU8>,
    told: Option<Arc<dyn Fn(usize) + Send + Sync>>,
}

/// It can still be given up.
const OPEN: u8 = 0;
/// Nobody waits for it: it is not to be committed.
const GIVEN_UP: u8 = 1;
/// It is being committed: whoever waits is to wait for the answer.
const COMMITTING: u8 = 2;

impl Steps {
    /// Steps that somebody is told of, each time how much was done with it.
    pub(crate) fn telling(told: impl Fn(usize) + Send + Sync + 'static) -> Self {
        Self { told: Some(Arc::new(told)), ..Self::default() }
    }

    /// Counts a step that did so much.
    pub(crate) fn count(&self, done: usize) {
        self.so_far.fetch_add(1, Ordering::Relaxed);
        if let Some(told) = &self.told {
            told(done);
        }
    }

    /// Ends the work where nobody waits for it any more. To be asked at the beginning and wherever work waits.
    pub(crate) fn go_on(&self) -> QueryResult<()> {
        // What was being committed was not, if it begins again.
        let _ = self.change(COMMITTING, OPEN);
        if self.outcome.load(Ordering::Acquire) == GIVEN_UP {
            Err(Error::RollbackTransaction)
        } else {
            Ok(())
        }
    }

    /// To be asked right before the commit: whoever gave the work up was told that it failed, and it must not succeed then.
    pub(crate) fn commit(&self) -> QueryResult<()> {
        self.change(OPEN, COMMITTING).map(|_| ()).map_err(|_| Error::RollbackTransaction)
    }

    /// Says that nobody waits any more, and tells whether that came in time.
    pub(crate) fn give_up(&self) -> bool {
        self.change(OPEN, GIVEN_UP).is_ok()
    }

    fn change(&self, from: u8, to: u8) -> Result<u8, u8> {
        self.outcome.compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire)
    }

    pub(crate) fn so_far(&self) -> usize {
        self.so_far.load(Ordering::Relaxed)
    }
}
