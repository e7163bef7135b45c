//! Waiting for a refresh of keys.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::watch;

use crate::wait::Wait;

/// How many calls may wait for the keys of one issuer. Each holds its connection anyway; further ones are asked to try again.
const MAX_WAITERS: usize = 4096;

/// Counts the calls that wait.
#[derive(Default)]
pub(super) struct Waiters(Arc<AtomicUsize>);

/// One waiting call, until it is dropped.
struct WaiterGuard(Arc<AtomicUsize>);

impl Drop for WaiterGuard {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Waiters {
    /// Waits for the next fetch to end, at most for this time; `None` if too many calls wait.
    pub(super) fn wait(&self, fetches: watch::Receiver<u64>, timeout: Duration) -> Option<Wait> {
        let guard = WaiterGuard(Arc::clone(&self.0));
        if self.0.fetch_add(1, Ordering::Relaxed) >= MAX_WAITERS {
            return None;
        }
        Some(Wait::for_change(fetches, timeout, guard))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_bounded_and_given_back() {
        let (waiters, fetches) = (Waiters::default(), watch::Sender::new(0));
        let wait = || waiters.wait(fetches.subscribe(), Duration::from_secs(60));
        let waiting: Vec<_> = (0..MAX_WAITERS).map(|_| wait().unwrap()).collect();
        assert!(wait().is_none() && wait().is_none());
        drop(waiting);
        assert!(wait().is_some());
    }

    #[tokio::test]
    async fn nobody_waits_for_ever() {
        let fetches = watch::Sender::new(0);
        Waiters::default().wait(fetches.subscribe(), Duration::from_millis(1)).unwrap().await;
    }
}
