//! Recording the events of parsed messages, and applying to each message what the store did with its event.

use gathering_domain::event::RequestEvent;
use gathering_domain::store::{EventSink, OrderedEventSink, StoreError};

use crate::message::parsed::ParsedMessage;

/// How many messages are recorded at once, at most.
pub(crate) const BATCH: usize = 500;

/// Records the events of these messages, in order. Messages whose event the store refuses become rejected.
///
/// # Errors
/// When the store takes nothing at the moment. The messages are unchanged.
pub(crate) async fn store(
    sink: &impl EventSink,
    messages: impl IntoIterator<Item = &mut ParsedMessage>,
) -> Result<(), StoreError> {
    let mut with_event: Vec<&mut ParsedMessage> =
        messages.into_iter().filter(|parsed| parsed.event().is_some()).collect();
    let events: Vec<RequestEvent> = with_event.iter().filter_map(|parsed| parsed.event().cloned()).collect();
    if events.is_empty() {
        return Ok(());
    }
    let outcomes = sink.store(events).await?;
    for (parsed, outcome) in with_event.iter_mut().zip(outcomes) {
        parsed.apply(outcome);
    }
    Ok(())
}

/// Records the events of these messages, in order, and sets the error beside each whose event is not recorded. Messages whose
/// event the store refuses become rejected.
pub(crate) async fn store_each<'m>(
    sink: &impl OrderedEventSink,
    messages: impl IntoIterator<Item = (&'m mut ParsedMessage, &'m mut Option<StoreError>)>,
) {
    let (mut with_event, mut events) = (Vec::new(), Vec::new());
    for (parsed, error) in messages {
        if let Some(event) = parsed.event() {
            events.push(event.clone());
            with_event.push((parsed, error));
        }
    }
    if events.is_empty() {
        return;
    }
    let outcomes = sink.store_each(events).await;
    for ((parsed, error), outcome) in with_event.into_iter().zip(outcomes) {
        match outcome {
            Ok(outcome) => {
                *error = None;
                parsed.apply(outcome);
            }
            Err(reason) => *error = Some(reason),
        }
    }
}

#[cfg(test)]
mod tests;
