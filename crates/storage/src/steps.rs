//! Work that may take long, as long as it comes forward.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How far work has come, and who wants to know.
#[derive(Clone, Default)]
pub(crate) struct Steps {
    so_far: Arc<AtomicUsize>,
    told: Option<Arc<dyn Fn(usize) + Send + Sync>>,
}

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

    pub(crate) fn so_far(&self) -> usize {
        self.so_far.load(Ordering::Relaxed)
    }
}
