//! Group commit: many callers' events in one transaction, and one event that the database refuses apart from its
//! neighbours.
//!
//! While a transaction runs, what callers hand in waits, and becomes the next one. So a lone caller waits for nobody, and
//! many share the cost of a commit.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use gathering_domain::{EventOutcome, EventSink, OrderedEventSink, RequestEvent, StoreError};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::isolation::{Table, record};

/// Events of a transaction from which on no further submission is added to it. From 500 on, larger ones hardly write
/// faster.
const BATCH: usize = 1000;

/// Events that may wait, the ones being written included. Over it callers are turned away at once: at the slowest rate
/// that was measured (SQLite, some 10,000 a second) the last of these waits about two seconds.
const WAITING: u32 = 20_000;

/// Writes the events of all callers, one transaction at a time, in the order in which they came. Clones share it.
///
/// An event that the database refuses for a reason that will not pass is [`EventOutcome::Refused`]; its neighbours are
/// recorded. When the database takes nothing, all who wait get the error: each of them would wait for the same
/// database.
#[derive(Debug, Clone)]
pub struct BatchWriter {
    queue: UnboundedSender<Submission>,
    room: Arc<Semaphore>,
    figures: Arc<Figures>,
}

/// What a writer did so far, and what waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WriterState {
    /// Events that wait or are being written.
    pub waiting: u64,
    /// Submissions that were written in one go, one transaction unless an event had to be isolated.
    pub batches: u64,
    /// Events in them.
    pub events: u64,
    /// Events among them that the database refused.
    pub refused: u64,
}

#[derive(Debug, Default)]
struct Figures {
    batches: AtomicU64,
    events: AtomicU64,
    refused: AtomicU64,
}

#[derive(Debug)]
struct Submission {
    events: Vec<RequestEvent>,
    answer: oneshot::Sender<Result<Vec<EventOutcome>, StoreError>>,
    /// Held until the submission is answered.
    _room: OwnedSemaphorePermit,
}

impl BatchWriter {
    /// A writer to this table. It works as long as the runtime runs in which it is started, and ends with its last
    /// clone.
    pub(crate) fn start(table: impl Table) -> Self {
        let (queue, submissions) = unbounded_channel();
        let figures = Arc::new(Figures::default());
        tokio::spawn(work(submissions, table, Arc::clone(&figures)));
        Self { queue, room: Arc::new(Semaphore::new(WAITING as usize)), figures }
    }

    /// What it did so far, and what waits.
    pub fn state(&self) -> WriterState {
        let free = u64::try_from(self.room.available_permits()).unwrap_or(u64::MAX);
        WriterState {
            waiting: u64::from(WAITING).saturating_sub(free),
            batches: self.figures.batches.load(Ordering::Relaxed),
            events: self.figures.events.load(Ordering::Relaxed),
            refused: self.figures.refused.load(Ordering::Relaxed),
        }
    }
}

impl EventSink for BatchWriter {
    async fn store(&self, events: Vec<RequestEvent>) -> Result<Vec<EventOutcome>, StoreError> {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        // A submission that is larger than all the room is taken when nothing else waits.
        let size = u32::try_from(events.len()).unwrap_or(u32::MAX).min(WAITING);
        let room = Arc::clone(&self.room)
            .try_acquire_many_owned(size)
            .map_err(|_| StoreError::QueueFull { limit: WAITING as usize })?;
        let (answer, answered) = oneshot::channel();
        self.queue
            .send(Submission { events, answer, _room: room })
            .map_err(|_| StoreError::unavailable("the writer has ended"))?;
        answered.await.map_err(|_| StoreError::unavailable("the writer has ended"))?
    }
}

/// Submissions wait in one queue.
impl OrderedEventSink for BatchWriter {}

async fn work(mut queue: UnboundedReceiver<Submission>, table: impl Table, figures: Arc<Figures>) {
    while let Some(first) = queue.recv().await {
        let mut size = first.events.len();
        let mut submissions = vec![first];
        while size < BATCH {
            let Ok(next) = queue.try_recv() else { break };
            size += next.events.len();
            submissions.push(next);
        }
        let sizes: Vec<usize> = submissions.iter().map(|submission| submission.events.len()).collect();
        let events: Arc<[RequestEvent]> =
            submissions.iter_mut().flat_map(|submission| std::mem::take(&mut submission.events)).collect();
        match record(&table, events).await {
            Ok(outcomes) => {
                figures.add(&outcomes);
                let mut outcomes = outcomes.into_iter();
                for (submission, size) in submissions.into_iter().zip(sizes) {
                    // Whoever gave up waiting is not there to be told.
                    let _ = submission.answer.send(Ok(outcomes.by_ref().take(size).collect()));
                }
            }
            Err(error) => {
                while let Ok(waiting) = queue.try_recv() {
                    submissions.push(waiting);
                }
                for submission in submissions {
                    let _ = submission.answer.send(Err(error.clone()));
                }
            }
        }
    }
}

impl Figures {
    fn add(&self, outcomes: &[EventOutcome]) {
        let refused = outcomes.iter().filter(|outcome| **outcome == EventOutcome::Refused).count();
        self.batches.fetch_add(1, Ordering::Relaxed);
        self.events.fetch_add(outcomes.len() as u64, Ordering::Relaxed);
        self.refused.fetch_add(refused as u64, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
