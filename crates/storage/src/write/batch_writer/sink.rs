//! How callers hand events in: whole, piece by piece, or each with a result of its own.

use std::sync::Arc;
use std::time::Instant;

use gathering_domain::event::{EventOutcome, RequestEvent};
use gathering_domain::store::{EventSink, OrderedEventSink, StoreError, StoreQueue};
use tokio::time::timeout_at;

use super::{BATCH, BatchWriter, CAPACITY};
use crate::write::table::EventResult;

impl EventSink for BatchWriter {
    async fn store(&self, events: Vec<RequestEvent>) -> Result<Vec<EventOutcome>, StoreError> {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let size = |events: &[RequestEvent]| u32::try_from(events.len()).unwrap_or(CAPACITY);
        let full = || StoreError::QueueFull { queue: StoreQueue::Events, limit: CAPACITY as usize };
        let permits = |size| Arc::clone(&self.capacity).try_acquire_many_owned(size).map_err(|_| full());
        if events.len() <= BATCH {
            let permit = permits(size(&events))?;
            return self.submit(events, permit).await?.into_iter().collect();
        }
        // Piece by piece, each of which finds room as other callers' events do.
        let (mut events, mut outcomes) = (events.into_iter(), Vec::new());
        while events.len() > 0 {
            let piece: Vec<_> = events.by_ref().take(BATCH).collect();
            let permit = if outcomes.is_empty() {
                permits(size(&piece))?
            } else {
                // Whoever waits for room is served before those who come later.
                let end = Instant::now() + self.query_timeout;
                let permit = Arc::clone(&self.capacity).acquire_many_owned(size(&piece));
                timeout_at(end.into(), permit).await.map_err(|_| full())?.map_err(StoreError::unavailable)?
            };
            for result in self.submit(piece, permit).await? {
                outcomes.push(result?);
            }
        }
        Ok(outcomes)
    }
}

/// Submissions wait in one queue. One of more than a thousand events is several, and others may come in between.
impl OrderedEventSink for BatchWriter {
    /// All of them are one submission; there may be as many as may wait.
    async fn store_each(&self, events: Vec<RequestEvent>) -> Vec<EventResult> {
        let count = events.len();
        if count == 0 {
            return Vec::new();
        }
        let size = u32::try_from(count).unwrap_or(u32::MAX);
        let submitted = match Arc::clone(&self.capacity).try_acquire_many_owned(size) {
            Ok(permit) => self.submit(events, permit).await,
            Err(_) => Err(StoreError::QueueFull { queue: StoreQueue::Events, limit: CAPACITY as usize }),
        };
        submitted.unwrap_or_else(|error| vec![Err(error); count])
    }
}
