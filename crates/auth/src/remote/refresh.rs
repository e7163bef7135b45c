//! Waiting for keys that are being fetched.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::watch;

/// Most calls that wait for the keys of one issuer. Each has its connection anyway; beyond, callers are told to try again.
const MOST: usize = 4096;

/// A fetch of keys that is running or about to. It is over, well or not, when this is; and this is in bounded time,
/// whatever becomes of the fetch.
pub struct KeysAwaited(Pin<Box<dyn Future<Output = ()> + Send>>);

impl Future for KeysAwaited {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(context)
    }
}

impl fmt::Debug for KeysAwaited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeysAwaited").finish_non_exhaustive()
    }
}

/// Those who wait.
#[derive(Default)]
pub(super) struct Waiters(Arc<AtomicUsize>);

/// Counts one who waits until it is dropped.
struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Waiters {
    /// Waits for the next fetch to end, but no longer than this; `None` if too many wait.
    pub(super) fn wait(&self, mut fetches: watch::Receiver<u64>, longest: Duration) -> Option<KeysAwaited> {
        let place = Place(Arc::clone(&self.0));
        if self.0.fetch_add(1, Ordering::Relaxed) >= MOST {
            return None;
        }
        Some(KeysAwaited(Box::pin(async move {
            // An error says that the thread is gone, or takes too long: then there is nothing to wait for.
            let _ = tokio::time::timeout(longest, fetches.changed()).await;
            drop(place);
        })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_bounded_and_given_back() {
        let (waiters, fetches) = (Waiters::default(), watch::Sender::new(0));
        let wait = || waiters.wait(fetches.subscribe(), Duration::from_secs(60));
        let waiting: Vec<_> = (0..MOST).map(|_| wait().unwrap()).collect();
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
