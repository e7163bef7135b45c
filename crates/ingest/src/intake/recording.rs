//! Recording the events of judged messages, and saying of each what the store said.

use gathering_domain::{EventSink, OrderedEventSink, RequestEvent, StoreError};

use crate::message::judgement::Judgement;

/// How many messages are recorded at once. A larger body takes several steps, and lets others in between.
pub(crate) const BATCH: usize = 500;

/// Records the events of all these messages, in order. Messages whose event the store refuses are rejected.
///
/// # Errors
/// When the store takes nothing at the moment; the judgements are as they were.
pub(crate) async fn store(
    sink: &impl EventSink,
    judgements: impl IntoIterator<Item = &mut Judgement>,
) -> Result<(), StoreError> {
    let mut with_event: Vec<&mut Judgement> =
        judgements.into_iter().filter(|judgement| judgement.event().is_some()).collect();
    let events: Vec<RequestEvent> =
        with_event.iter().filter_map(|judgement| judgement.event().cloned()).collect();
    if events.is_empty() {
        return Ok(());
    }
    let outcomes = sink.store(events).await?;
    for (judgement, outcome) in with_event.iter_mut().zip(outcomes) {
        judgement.decide(outcome);
    }
    Ok(())
}

/// Records the events of all these messages, in order, and says beside each why its event is not recorded, if it is not. Messages
/// whose event the store refuses are rejected.
pub(crate) async fn store_each<'j>(
    sink: &impl OrderedEventSink,
    judgements: impl IntoIterator<Item = (&'j mut Judgement, &'j mut Option<StoreError>)>,
) {
    let (mut with_event, mut events) = (Vec::new(), Vec::new());
    for (judgement, error) in judgements {
        if let Some(event) = judgement.event() {
            events.push(event.clone());
            with_event.push((judgement, error));
        }
    }
    if events.is_empty() {
        return;
    }
    let outcomes = sink.store_each(events).await;
    for ((judgement, error), outcome) in with_event.into_iter().zip(outcomes) {
        match outcome {
            Ok(outcome) => {
                *error = None;
                judgement.decide(outcome);
            }
            Err(reason) => *error = Some(reason),
        }
    }
}

#[cfg(test)]
mod tests;
