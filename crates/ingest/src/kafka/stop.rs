//! Stopping the consumer from another thread.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Stops a consumer. Clones stop the same one.
#[derive(Debug, Clone, Default)]
pub struct StopHandle(Arc<Mutex<Option<Instant>>>);

impl StopHandle {
    /// Ends polling. Messages in flight may be finished within this time; the others will come again.
    pub fn stop(&self, grace: Duration) {
        let mut deadline = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        deadline.get_or_insert_with(|| Instant::now() + grace);
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
