//! What calls wait for before it is known who calls, or what the caller may do.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Keys or a permission that are on their way. The future completes when they are there or cannot be had, and after 10 seconds
/// at the latest. It gives no result: authenticate again to learn it.
pub struct Wait(Pin<Box<dyn Future<Output = ()> + Send>>);

impl Wait {
    pub(crate) fn until(end: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(Box::pin(end))
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
