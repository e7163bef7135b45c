//! Whether the database takes what is written, as the last batches found out.

use std::sync::{Mutex, PoisonError};

use gathering_domain::event::EventOutcome;
use gathering_domain::store::StoreError;

use crate::error::plain::is_full;
use crate::write::isolation::batch::Recorded;
use crate::write::table::EventResult;

/// How many batches have to fail as a whole, one after the other, before it is the database's fault: in one of them somebody's
/// event may have used up the time of all.
const BATCHES: u32 = 2;

/// Why the database takes nothing at the moment, if it does not.
#[derive(Debug, Default)]
pub(super) struct Trouble(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    failed: u32,
    why: Option<StoreError>,
}

impl Trouble {
    /// Learns from a batch.
    pub(super) fn learn(&self, recorded: &Recorded) {
        let Recorded::Mixed { results, away, takes_others } = recorded else { return self.clear() };
        if results.iter().any(Result::is_ok) {
            return self.clear();
        }
        let is_outage = away.is_some();
        let Some(why) = away.clone().or_else(|| first_error(results)) else { return };
        if *takes_others && !is_full(&why) {
            return self.clear();
        }
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.failed = state.failed.saturating_add(1);
        if is_outage || is_full(&why) || state.failed >= BATCHES {
            state.why = Some(why);
        }
    }

    /// Learns that the database took a harmless event. A disk may be full for others all the same.
    pub(super) fn took_harmless(&self) {
        if !self.why().as_ref().is_some_and(is_full) {
            self.clear();
        }
    }

    pub(super) fn why(&self) -> Option<StoreError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).why.clone()
    }

    fn clear(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = State::default();
    }
}

fn first_error(results: &[EventResult]) -> Option<StoreError> {
    results.iter().find_map(|result: &Result<EventOutcome, _>| result.as_ref().err().cloned())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use diesel::result::{DatabaseErrorKind, Error};

    use super::*;

    fn failed(why: &StoreError, is_away: bool, takes_others: bool) -> Recorded {
        let away = is_away.then(|| why.clone());
        Recorded::Mixed { results: vec![Err(why.clone())], away, takes_others }
    }

    fn slow() -> StoreError {
        StoreError::Timeout { limit: Duration::from_secs(5) }
    }

    #[test]
    fn an_outage_counts_at_once_and_ends_with_a_batch_that_is_recorded() {
        let trouble = Trouble::default();
        trouble.learn(&failed(&StoreError::unavailable("gone"), true, false));
        assert!(trouble.why().is_some());
        trouble.learn(&Recorded::Whole(vec![EventOutcome::Applied]));
        assert!(trouble.why().is_none());
    }

    #[test]
    fn a_batch_that_takes_too_long_counts_with_the_next_one() {
        let trouble = Trouble::default();
        trouble.learn(&failed(&slow(), false, false));
        assert!(trouble.why().is_none(), "a bad moment");
        trouble.learn(&failed(&slow(), false, false));
        assert!(trouble.why().is_some());
        trouble.took_harmless();
        assert!(trouble.why().is_none());
        trouble.learn(&failed(&slow(), false, false));
        assert!(trouble.why().is_none(), "the count begins anew");
    }

    #[test]
    fn one_that_fails_while_others_are_taken_says_nothing_of_the_database() {
        let trouble = Trouble::default();
        for _ in 0..10 {
            trouble.learn(&failed(&slow(), false, true));
        }
        assert!(trouble.why().is_none());
    }

    #[test]
    fn a_full_disk_counts_until_something_is_recorded() {
        let full =
            Error::DatabaseError(DatabaseErrorKind::Unknown, Box::new("database or disk is full".to_owned()));
        let trouble = Trouble::default();
        trouble.learn(&failed(&StoreError::unavailable(full), false, true));
        trouble.took_harmless();
        assert!(trouble.why().is_some(), "what is rolled back needs no room");
        trouble.learn(&Recorded::Whole(vec![EventOutcome::Applied]));
        assert!(trouble.why().is_none());
    }
}
