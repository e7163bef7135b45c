//! A batch while it is found out what becomes of its events.

use std::ops::Range;
use std::sync::Arc;

use gathering_domain::event::{EventOutcome, RequestEvent};
use gathering_domain::store::StoreError;

use crate::error::failure::Failure;
use crate::write::table::EventResult;

/// A batch on its way.
pub(super) struct Batch {
    pub(super) events: Arc<[RequestEvent]>,
    pub(super) results: Vec<Option<EventResult>>,
    /// Whether some of it was written, so that the database does take events.
    pub(super) is_proven: bool,
    /// Whether the database took a harmless event since the first failure.
    pub(super) is_probed: bool,
    /// Events that failed alone, as the harmless one did, before any other was written.
    pub(super) deferred: Vec<(Range<usize>, Failure)>,
    /// Whether what is tried has most of the time there is.
    pub(super) is_patient: bool,
}

impl Batch {
    pub(super) fn new(events: Arc<[RequestEvent]>) -> Self {
        let results = vec![None; events.len()];
        Self { events, results, is_proven: false, is_probed: false, deferred: Vec::new(), is_patient: false }
    }

    /// Whether the database took something.
    pub(super) const fn takes_others(&self) -> bool {
        self.is_proven || self.is_probed
    }

    pub(super) fn part(&self, part: &Range<usize>) -> &[RequestEvent] {
        self.events.get(part.clone()).unwrap_or_default()
    }

    /// Whether there is nobody else to blame: events of one request are one write.
    pub(super) fn is_one_request(&self, part: &Range<usize>) -> bool {
        let mut keys = self.part(part).iter().map(|event| &event.key);
        keys.next().is_some_and(|first| keys.all(|key| key == first))
    }

    pub(super) fn written(&mut self, part: Range<usize>, outcomes: Vec<EventOutcome>) {
        self.is_proven = true;
        let results = self.results.get_mut(part).unwrap_or_default();
        for (result, outcome) in results.iter_mut().zip(outcomes) {
            *result = Some(Ok(outcome));
        }
    }

    pub(super) fn decide(&mut self, part: Range<usize>, result: &EventResult) {
        self.results.get_mut(part).unwrap_or_default().fill(Some(result.clone()));
    }
}

/// What was decided, in the order of the events before they were put into this one.
pub(super) fn sorted(results: &[Option<EventResult>], order: &[usize]) -> Vec<Option<EventResult>> {
    let mut sorted = vec![None; order.len()];
    for (result, &index) in results.iter().zip(order) {
        if let Some(place) = sorted.get_mut(index) {
            place.clone_from(result);
        }
    }
    sorted
}

/// What became of a batch.
#[derive(Debug)]
pub(in crate::write) enum Recorded {
    /// It was written in one go.
    Whole(Vec<EventOutcome>),
    /// Event by event.
    Mixed {
        results: Vec<EventResult>,
        /// Why the database takes nothing at the moment, if so.
        away: Option<StoreError>,
        /// Whether it took something else meanwhile, if only the harmless event.
        takes_others: bool,
    },
}

impl Recorded {
    /// Whether the record holds what this event said.
    pub(in crate::write) fn is_applied(&self, index: usize) -> bool {
        match self {
            Self::Whole(outcomes) => outcomes.get(index) == Some(&EventOutcome::Applied),
            Self::Mixed { results, .. } => matches!(results.get(index), Some(Ok(EventOutcome::Applied))),
        }
    }
}
