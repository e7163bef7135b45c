//! Since when connections are fit for use: what one of them turns out to be, those that were opened before are as well.
//!
//! After a failover, or behind an address that led to a standby for a moment, every connection of that time can only read.
//! Plans and settings that a connection keeps grow stale on all of them alike.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The moment before which connections were opened that are not used any more.
#[derive(Debug, Default)]
pub(crate) struct Epoch(Mutex<Option<Instant>>);

/// An epoch lasts at least so long: a database that refuses whatever it is asked must not make every call connect anew.
const LEAST: Duration = Duration::from_secs(1);

impl Epoch {
    /// Whether a connection that was opened then is not to be used any more.
    pub(crate) fn is_over(&self, opened: Instant) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|began| opened < began)
    }

    /// Called when a connection failed that was opened then. True if the failure may be its own: it is to be dropped, and the
    /// work tried on a new one.
    pub(crate) fn end(&self, opened: Instant) -> bool {
        self.end_at(opened, Instant::now())
    }

    /// Called when nothing was heard of a server for as long as anybody waits. The others may hang as well, one after the other;
    /// a new one is led elsewhere, where there is another server.
    pub(crate) fn end_after_silence(&self) {
        let now = Instant::now();
        self.end_at(now, now);
    }

    fn end_at(&self, opened: Instant, now: Instant) -> bool {
        let mut began = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match *began {
            // Somebody else found out first.
            Some(began) if opened < began => true,
            Some(began) if now.saturating_duration_since(began) < LEAST => false,
            _ => {
                *began = Some(now);
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_failure_ends_the_use_of_all_older_connections_and_of_no_newer() {
        let (epoch, start) = (Epoch::default(), Instant::now());
        let at = |millis| start + Duration::from_millis(millis);
        assert!(!epoch.is_over(at(0)));
        assert!(epoch.end_at(at(0), at(10)));
        assert!(epoch.is_over(at(0)) && epoch.end_at(at(0), at(11)), "all that are older go");
        assert!(!epoch.is_over(at(10)));
        assert!(!epoch.end_at(at(12), at(900)), "a new one that fails is kept for a while");
        assert!(epoch.end_at(at(12), at(1010)));
        assert!(epoch.is_over(at(12)));
    }
}
