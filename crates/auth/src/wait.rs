//! What calls wait for before it is known who calls, or what the caller may do.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

/// Keys or a permission that are on their way. The future completes when they are there or cannot be had, and after 10 seconds
/// at the latest. It gives no result: authenticate again to learn it.
pub struct Wait(Pin<Box<dyn Future<Output = ()> + Send>>);

impl Wait {
    /// Waits until this changes or will not change any more, but no longer than `limit`. `place` is given back then, or when
    /// nobody waits any longer.
    pub(crate) fn for_change<T: Send + Sync + 'static>(
        mut changes: watch::Receiver<T>,
        limit: Duration,
        place: impl Send + 'static,
    ) -> Self {
        Self(Box::pin(async move {
            // An error says that there is nothing to wait for, or that it takes too long. Either way nobody waits any longer.
            let _ = timeout(limit, changes.changed()).await;
            drop(place);
        }))
    }
}

impl Future for Wait {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(context)
    }
}

impl fmt::Debug for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wait").finish_non_exhaustive()
    }
}
