//! Coalescing the events of one batch into at most one write for each key.

use std::collections::BTreeMap;

use super::kind::{EventOutcome, RequestEvent};
use crate::ids::RequestKey;
use crate::request::RequestState;

/// A batch of events with the ones of each key coalesced, in order, into at most one write.
#[derive(Debug)]
pub struct CoalescedBatch<'a> {
    writes: Vec<&'a RequestEvent>,
    /// For each event of the batch, which write stands for it.
    write_of: Vec<Option<usize>>,
}

/// Coalesces the events of one key, in order, through [`RequestState::transition`].
///
/// It starts from "nothing recorded", since only the store knows what is: it has to apply the same table once
/// more between the record and the write, in the transaction that writes.
///
/// ```
/// use gathering_domain::event::{EventKind, FailureReason, RequestEvent, coalesce};
/// # use gathering_domain::{ids::RequestKey, time::Timestamp};
/// # let key = RequestKey::parse("42", "5d5892d3-1f74-4ccf-91af-548dfc9767aa", "abc")?;
/// let event = |kind| RequestEvent { key: key.clone(), received_at: Timestamp::from_micros(0), kind };
/// let batch = [event(EventKind::Processed(vec![])), event(EventKind::Failed(FailureReason::new("empty")))];
/// let coalesced = coalesce(&batch);
/// assert_eq!(coalesced.writes(), [&batch[0]]);
/// # Ok::<(), gathering_domain::ids::IdError>(())
/// ```
pub fn coalesce(events: &[RequestEvent]) -> CoalescedBatch<'_> {
    let mut latest: BTreeMap<&RequestKey, (&RequestEvent, Vec<usize>)> = BTreeMap::new();
    for (index, event) in events.iter().enumerate() {
        match latest.get_mut(&event.key) {
            None => {
                latest.insert(&event.key, (event, vec![index]));
            }
            Some((current, indices)) => {
                if RequestState::transition(Some(current.kind.state()), &event.kind).is_some() {
                    *current = event;
                    indices.push(index);
                }
            }
        }
    }
    let mut coalesced =
        CoalescedBatch { writes: Vec::with_capacity(latest.len()), write_of: vec![None; events.len()] };
    for (event, indices) in latest.into_values() {
        for index in indices {
            if let Some(write) = coalesced.write_of.get_mut(index) {
                *write = Some(coalesced.writes.len());
            }
        }
        coalesced.writes.push(event);
    }
    coalesced
}

impl CoalescedBatch<'_> {
    /// The events to write: one for each key, sorted by key, so that concurrent writers lock rows in one order.
    pub fn writes(&self) -> &[&RequestEvent] {
        &self.writes
    }

    /// One outcome for each event of the batch, from what became of each of [`writes`](Self::writes): true where the
    /// record changed.
    pub fn outcomes(&self, changed: &[bool]) -> Vec<EventOutcome> {
        let applied =
            |write: &Option<usize>| write.and_then(|write| changed.get(write)).copied() == Some(true);
        self.write_of
            .iter()
            .map(|write| if applied(write) { EventOutcome::Applied } else { EventOutcome::Ignored })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{EventKind, FailureReason};
    use crate::time::Timestamp;

    fn event(request: &str, kind: EventKind) -> RequestEvent {
        let key = RequestKey::parse("42", "5d5892d3-1f74-4ccf-91af-548dfc9767aa", request).unwrap();
        RequestEvent { key, received_at: Timestamp::from_micros(0), kind }
    }

    fn failed(reason: &str) -> EventKind {
        EventKind::Failed(FailureReason::new(reason))
    }

    fn processed(hit: &str) -> EventKind {
        EventKind::Processed(vec![hit.parse().unwrap()])
    }

    #[test]
    fn a_batch_is_coalesced_in_order_for_each_key() {
        use EventOutcome::{Applied, Ignored};
        let batch = [
            event("b", EventKind::Announced),
            event("a", processed("m|FIRST")),
            event("b", failed("one")),
            event("a", failed("late")),
            event("b", EventKind::Announced),
            event("a", processed("m|SECOND")),
            event("b", failed("two")),
        ];
        let coalesced = coalesce(&batch);
        assert_eq!(coalesced.writes(), [&batch[5], &batch[6]], "one write a key, sorted by key");

        assert_eq!(
            coalesced.outcomes(&[true, true]),
            [Applied, Applied, Applied, Ignored, Ignored, Applied, Applied]
        );
        assert_eq!(
            coalesced.outcomes(&[true, false]),
            [Ignored, Applied, Ignored, Ignored, Ignored, Applied, Ignored]
        );
    }

    #[test]
    fn an_empty_batch_is_nothing_to_write() {
        assert!(coalesce(&[]).writes().is_empty());
        assert!(coalesce(&[]).outcomes(&[]).is_empty());
    }
}
