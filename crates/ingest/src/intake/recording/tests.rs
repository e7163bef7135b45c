use futures_util::FutureExt;
use gathering_domain::event::EventOutcome;
use gathering_domain::store::StoreQueue;
use serde_json::json;

use super::*;
use crate::message::fixture::{message, parse, with};

/// Refuses the events of one request.
pub(crate) struct Picky;

impl EventSink for Picky {
    async fn store(&self, events: Vec<RequestEvent>) -> Result<Vec<EventOutcome>, StoreError> {
        assert!(!events.is_empty());
        let is_refused = |event: RequestEvent| event.key.request.as_str() == "refused";
        let outcome = |refused| if refused { EventOutcome::Refused } else { EventOutcome::Applied };
        Ok(events.into_iter().map(is_refused).map(outcome).collect())
    }
}

/// Takes nothing.
pub(crate) struct Full;

impl EventSink for Full {
    async fn store(&self, _: Vec<RequestEvent>) -> Result<Vec<EventOutcome>, StoreError> {
        Err(StoreError::QueueFull { queue: StoreQueue::Events, limit: 0 })
    }
}

fn messages() -> Vec<ParsedMessage> {
    let messages = [
        with("/OrgID", None),
        message(),
        with("/RequestId", None),
        with("/RequestId", json!("refused")),
        with("/Report", json!({})),
    ];
    messages.iter().map(parse).collect()
}

#[test]
fn what_the_store_refuses_is_rejected() {
    let mut kept = messages();
    store(&Picky, &mut kept).now_or_never().unwrap().unwrap();
    let outcomes: Vec<&str> = kept.iter().map(|parsed| parsed.record().outcome.as_str()).collect();
    assert_eq!(outcomes, ["rejected", "stored", "skipped", "rejected", "failed"]);
    let mut skipped = [parse(&with("/RequestId", None))];
    store(&Full, &mut skipped).now_or_never().unwrap().expect("nothing to record, no store needed");
}

/// Records all but the events of one request.
struct Locked;

impl EventSink for Locked {
    async fn store(&self, _: Vec<RequestEvent>) -> Result<Vec<EventOutcome>, StoreError> {
        Err(StoreError::unavailable("locked"))
    }
}

impl OrderedEventSink for Locked {
    async fn store_each(&self, events: Vec<RequestEvent>) -> Vec<Result<EventOutcome, StoreError>> {
        let outcome = |event: &RequestEvent| match event.key.request.as_str() {
            "refused" => Ok(EventOutcome::Refused),
            "locked" => Err(StoreError::unavailable("locked")),
            _ => Ok(EventOutcome::Applied),
        };
        events.iter().map(outcome).collect()
    }
}

#[test]
fn what_is_not_recorded_says_so_and_nothing_else_does() {
    let mut kept = messages();
    kept.insert(1, parse(&with("/RequestId", json!("locked"))));
    let mut errors = vec![None; kept.len()];
    store_each(&Locked, kept.iter_mut().zip(&mut errors)).now_or_never().unwrap();
    let failed: Vec<bool> = errors.iter().map(Option::is_some).collect();
    assert_eq!(failed, [false, true, false, false, false, false]);
    let outcomes: Vec<&str> = kept.iter().map(|parsed| parsed.record().outcome.as_str()).collect();
    assert_eq!(outcomes, ["rejected", "stored", "stored", "skipped", "rejected", "failed"]);
}

#[test]
fn after_an_error_the_messages_are_as_they_were() {
    let mut kept = messages();
    assert!(store(&Full, &mut kept).now_or_never().unwrap().is_err());
    assert_eq!(kept, messages());
}
