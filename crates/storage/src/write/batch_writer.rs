//! Group commit: many callers' events in one transaction, and one event that the database refuses apart from its
//! neighbours.
//!
//! While a transaction runs, what callers hand in waits, and becomes the next one. So a lone caller waits for nobody, and
//! many share the cost of a commit.

mod sink;
pub(crate) mod stats;
mod trouble;

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gathering_domain::event::{EventOutcome, RequestEvent};
use gathering_domain::request::RequestState;
use gathering_domain::store::StoreError;
use gathering_domain::time::Clock;
use gathering_domain::wait::Waiters;
use gathering_support::trace::Tracer;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::{timeout, timeout_at};

use self::stats::{Stats, WriterStats};
use super::isolation::Recorder;
use super::isolation::batch::Recorded;
use super::table::{EventResult, Table};

/// Events of a transaction from which on no further submission is added to it. From 500 on, larger ones hardly write
/// faster.
const BATCH: usize = 1000;

/// Events that may wait, the ones being written included. Over it callers are turned away at once: at the slowest rate
/// that was measured (SQLite, some 10,000 a second) the last of these waits about two seconds.
const CAPACITY: u32 = 20_000;

/// Writes the events of all callers, one transaction at a time, in the order in which they came. Clones share it.
///
/// An event that violates a constraint is [`EventOutcome::Refused`]; its neighbours are recorded. One that fails otherwise
/// while the database takes others gives its own caller an error and nobody else; once it has failed so for as long as
/// [`Settings::refuse_after`](crate::Settings::refuse_after) says, it is refused, too. When the database takes nothing, all who
/// wait get the error: each of them would wait for the same database.
///
/// A call waits for the query timeout at most, counted from the last batch that was recorded meanwhile; what nobody waits for
/// any more is not begun.
#[derive(Debug, Clone)]
pub struct BatchWriter {
    queue: UnboundedSender<Submission>,
    capacity: Arc<Semaphore>,
    stats: Arc<Stats>,
    query_timeout: Duration,
}

/// What a writer needs to know.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WriteTimeouts {
    /// How long a call waits.
    pub(crate) query_timeout: Duration,
    /// How long an event may fail alone.
    pub(crate) refuse_after: Duration,
}

#[derive(Debug)]
struct Submission {
    events: Vec<RequestEvent>,
    came: Instant,
    answer: Answer,
    /// Held until the submission is answered.
    permit: OwnedSemaphorePermit,
}

impl BatchWriter {
    /// A writer to this table. It works as long as the runtime runs in which it is started, and ends with its last
    /// clone.
    pub(crate) fn start(
        table: impl Table,
        clock: Arc<dyn Clock>,
        timeouts: WriteTimeouts,
        waiters: Arc<Waiters>,
        tracer: Option<Tracer>,
    ) -> Self {
        let WriteTimeouts { query_timeout, refuse_after } = timeouts;
        let (queue, submissions) = unbounded_channel();
        let stats = Arc::new(Stats::new());
        let recorder = Recorder::new(table, clock, query_timeout, refuse_after);
        let work = Work { recorder, stats: Arc::clone(&stats), query_timeout, waiters, tracer };
        tokio::spawn(work.run(submissions));
        Self { queue, capacity: Arc::new(Semaphore::new(CAPACITY as usize)), stats, query_timeout }
    }

    /// What it did so far, and what waits.
    pub fn stats(&self) -> WriterStats {
        let free = u64::try_from(self.capacity.available_permits()).unwrap_or(u64::MAX);
        self.stats.with_waiting(u64::from(CAPACITY).saturating_sub(free))
    }

    /// Why the database takes no events at the moment, as far as the last ones told.
    pub(crate) fn trouble(&self) -> Option<StoreError> {
        self.stats.trouble.why()
    }

    /// Whether something was recorded in this time up to now.
    pub(crate) fn has_recorded_within(&self, time: Duration) -> bool {
        self.stats.has_recorded_within(time)
    }

    async fn submit(
        &self,
        events: Vec<RequestEvent>,
        permit: OwnedSemaphorePermit,
    ) -> Result<Vec<EventResult>, StoreError> {
        let ended = || StoreError::unavailable("the writer has ended");
        let came = Instant::now();
        let (answer, mut answered) = oneshot::channel();
        self.queue.send(Submission { events, came, answer, permit }).map_err(|_| ended())?;
        let mut end = self.stats.last_recorded(came) + self.query_timeout;
        loop {
            if let Ok(answer) = timeout_at(end.into(), &mut answered).await {
                return answer.map_err(|_| ended())?;
            }
            let later = self.stats.last_recorded(came) + self.query_timeout;
            if later <= end {
                return Err(StoreError::Timeout { limit: self.query_timeout });
            }
            end = later;
        }
    }
}

/// What the task of a writer works with.
struct Work<T> {
    recorder: Recorder<T>,
    stats: Arc<Stats>,
    query_timeout: Duration,
    /// Who waits for what is written.
    waiters: Arc<Waiters>,
    tracer: Option<Tracer>,
}

/// Somebody who waits for what becomes of a part of a batch.
struct Submitter {
    part: Range<usize>,
    answer: Answer,
    /// Held until the answer is given.
    _permit: OwnedSemaphorePermit,
}

/// What became of each event of a submission, or why nothing of it was tried.
type Answer = oneshot::Sender<Result<Vec<EventResult>, StoreError>>;

impl<T: Table> Work<T> {
    async fn run(mut self, mut queue: UnboundedReceiver<Submission>) {
        while let Some(first) = self.next(&mut queue).await {
            let mut submissions = Vec::new();
            let (mut next, mut size) = (Some(first), 0);
            while let Some(submission) = next {
                // Whoever gave up may have sent the same again, elsewhere: what is written later would undo it.
                if !submission.answer.is_closed() {
                    if self.end(submission.came) < Instant::now() + self.query_timeout / 4 {
                        // The others in the batch would have no more time than this one.
                        let _ =
                            submission.answer.send(Err(StoreError::Timeout { limit: self.query_timeout }));
                    } else {
                        size += submission.events.len();
                        submissions.push(submission);
                    }
                }
                next = if size < BATCH { queue.try_recv().ok() } else { None };
            }
            if let Some(away) = self.write(submissions).await {
                while let Ok(waiting) = queue.try_recv() {
                    let _ = waiting.answer.send(Err(away.clone()));
                }
            }
        }
    }

    /// The next submission. Meanwhile, what does not come again is forgotten, and a database that took nothing is tried.
    async fn next(&mut self, queue: &mut UnboundedReceiver<Submission>) -> Option<Submission> {
        loop {
            if let Ok(next) = timeout(self.query_timeout, queue.recv()).await {
                return next;
            }
            self.recorder.sweep();
            self.stats.set_failing(self.recorder.failing());
            if self.stats.trouble.why().is_some() && self.recorder.takes_harmless().await {
                self.stats.trouble.took_harmless();
            }
        }
    }

    /// When whoever came then gives up.
    fn end(&self, came: Instant) -> Instant {
        self.stats.last_recorded(came) + self.query_timeout
    }

    /// Records these and answers them. Returns the error for all others who wait, where the database takes nothing.
    async fn write(&mut self, submissions: Vec<Submission>) -> Option<StoreError> {
        // Nothing of it is to land after somebody was told that it did not.
        let end = self.end(submissions.iter().map(|submission| submission.came).min()?);
        let (mut submitters, mut events) = (Vec::with_capacity(submissions.len()), Vec::new());
        for Submission { events: own, answer, permit, .. } in submissions {
            let start = events.len();
            events.extend(own);
            submitters.push(Submitter { part: start..events.len(), answer, _permit: permit });
        }
        let events: Arc<[RequestEvent]> = events.into();
        let span = self.tracer.as_ref().and_then(|tracer| tracer.begin(None));
        let (stats, waiters) = (&self.stats, &self.waiters);
        let publish = |results: &[Option<EventResult>]| {
            stats.note_recorded();
            wake(waiters, &events, |index| {
                matches!(results.get(index), Some(Some(Ok(EventOutcome::Applied))))
            });
            let is_decided = |submitter: &mut Submitter| {
                results.get(submitter.part.clone()).is_some_and(|own| own.iter().all(Option::is_some))
            };
            for submitter in submitters.extract_if(.., is_decided) {
                let own = results.get(submitter.part.clone()).unwrap_or_default().iter().flatten().cloned();
                submitter.finish(own.collect());
            }
        };
        let recorded = self.recorder.record(Arc::clone(&events), end, publish).await;
        self.stats.add(&recorded);
        if let Some(span) = span {
            stats::end_span(span, events.len(), &recorded);
        }
        self.stats.set_failing(self.recorder.failing());
        wake(&self.waiters, &events, |index| recorded.is_applied(index));
        match recorded {
            Recorded::Whole(outcomes) => {
                let mut outcomes = outcomes.into_iter().map(Ok);
                for submitter in submitters {
                    let own = outcomes.by_ref().take(submitter.part.len()).collect();
                    submitter.finish(own);
                }
                None
            }
            Recorded::Mixed { results, away, .. } => {
                for submitter in submitters {
                    let own = results.get(submitter.part.clone()).unwrap_or_default().iter().cloned();
                    submitter.finish(own.collect());
                }
                away
            }
        }
    }
}

/// Tells those who wait for requests that these events were about.
fn wake(waiters: &Waiters, events: &[RequestEvent], is_applied: impl Fn(usize) -> bool) {
    if waiters.is_empty() {
        return;
    }
    for (index, event) in events.iter().enumerate() {
        if event.kind.state() != RequestState::Received && is_applied(index) {
            waiters.wake(&event.key);
        }
    }
}

impl Submitter {
    /// Whoever gave up waiting is not there to be told.
    fn finish(self, results: Vec<EventResult>) {
        let _ = self.answer.send(Ok(results));
    }
}

#[cfg(test)]
mod tests;
