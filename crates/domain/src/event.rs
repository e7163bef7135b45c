//! What happens to a request, and how the events of one batch are coalesced into one write for each key.

use std::collections::BTreeMap;
use std::fmt;

use crate::{RequestKey, RequestState, RuleHit, Timestamp};

/// Something the pipeline said about a request, read and judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestEvent {
    /// Which request.
    pub key: RequestKey,
    /// The gathering time of the upload, or the best substitute for it.
    pub received_at: Timestamp,
    /// What was said.
    pub kind: EventKind,
}

/// The kinds of event that [`RequestState::transition`] knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventKind {
    /// The upload arrived at the platform.
    Announced,
    /// The message about the request holds no usable result.
    Failed(FailureReason),
    /// The analysis is done, with these hits in the order of the message.
    Processed(Vec<RuleHit>),
}

impl EventKind {
    /// The state that the event leads to when it is not ignored.
    pub const fn state(&self) -> RequestState {
        match self {
            Self::Announced => RequestState::Received,
            Self::Failed(_) => RequestState::Failed,
            Self::Processed(_) => RequestState::Processed,
        }
    }
}

/// Why a request failed, in words of ours: at most 500 characters, none of them a control character, so that every
/// database takes it whatever the input was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailureReason(Box<str>);

impl FailureReason {
    /// The longest reason, in characters.
    pub const MAX_CHARS: usize = 500;

    /// Makes a reason of any text: control characters become spaces, and what is too long is cut.
    ///
    /// ```
    /// use gathering_domain::FailureReason;
    /// assert_eq!(FailureReason::new("line one\nline two\0").as_str(), "line one line two ");
    /// assert_eq!(FailureReason::new(&"x".repeat(900)).as_str().chars().count(), FailureReason::MAX_CHARS);
    /// ```
    pub fn new(text: &str) -> Self {
        // Nearly every text is one of which nothing is to be changed.
        if text.len() <= Self::MAX_CHARS && text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            return Self(text.into());
        }
        let clean = |c: char| if c.is_control() { ' ' } else { c };
        Self(text.chars().map(clean).take(Self::MAX_CHARS).collect::<String>().into())
    }

    /// The reason as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<FailureReason> for String {
    fn from(reason: FailureReason) -> Self {
        reason.0.into()
    }
}

impl fmt::Display for FailureReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// What a store made of one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventOutcome {
    /// The record holds what this event said, or what a later event of the same batch said.
    Applied,
    /// The table of states says that the event changes nothing.
    Ignored,
    /// The store refuses this event, and only this one, for a reason that will not pass.
    Refused,
}

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
/// use gathering_domain::{EventKind, FailureReason, RequestEvent, RequestKey, Timestamp, coalesce};
/// # let key = RequestKey {
/// #     organization: "42".parse()?,
/// #     cluster: "5d5892d3-1f74-4ccf-91af-548dfc9767aa".parse()?,
/// #     request: "abc".parse()?,
/// # };
/// let event = |kind| RequestEvent { key: key.clone(), received_at: Timestamp::from_micros(0), kind };
/// let batch = [event(EventKind::Processed(vec![])), event(EventKind::Failed(FailureReason::new("empty")))];
/// let coalesced = coalesce(&batch);
/// assert_eq!(coalesced.writes(), [&batch[0]]);
/// # Ok::<(), gathering_domain::IdError>(())
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

    fn event(request: &str, kind: EventKind) -> RequestEvent {
        let key = RequestKey {
            organization: "42".parse().unwrap(),
            cluster: "5d5892d3-1f74-4ccf-91af-548dfc9767aa".parse().unwrap(),
            request: request.parse().unwrap(),
        };
        RequestEvent { key, received_at: Timestamp::from_micros(0), kind }
    }

    fn failed(reason: &str) -> EventKind {
        EventKind::Failed(FailureReason::new(reason))
    }

    fn processed(hit: &str) -> EventKind {
        EventKind::Processed(vec![hit.parse().unwrap()])
    }

    #[test]
    fn the_whole_table_of_states() {
        use RequestState::{Failed, Processed, Received};
        for (recorded, announced, failure, result) in [
            (None, Some(Received), Some(Failed), Some(Processed)),
            (Some(Received), None, Some(Failed), Some(Processed)),
            (Some(Failed), None, Some(Failed), Some(Processed)),
            (Some(Processed), None, None, Some(Processed)),
        ] {
            assert_eq!(RequestState::transition(recorded, &EventKind::Announced), announced, "{recorded:?}");
            assert_eq!(RequestState::transition(recorded, &failed("x")), failure, "{recorded:?}");
            assert_eq!(RequestState::transition(recorded, &processed("a|B")), result, "{recorded:?}");
        }
    }

    #[test]
    fn a_batch_folds_in_order_for_each_key() {
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
    fn reasons_are_cleaned_and_cut() {
        let long = "x".repeat(FailureReason::MAX_CHARS);
        for (text, expected) in [
            ("", ""),
            ("plain ~", "plain ~"),
            ("\u{7f}|\u{85}|\t|\u{e9}", " | | |\u{e9}"),
            (&*long, &*long),
            (&*format!("{long}y"), &*long),
        ] {
            assert_eq!(FailureReason::new(text).as_str(), expected);
            assert_eq!(String::from(FailureReason::new(text)), expected);
        }
    }

    #[test]
    fn an_empty_batch_is_nothing_to_write() {
        assert!(coalesce(&[]).writes().is_empty());
        assert!(coalesce(&[]).outcomes(&[]).is_empty());
    }
}
