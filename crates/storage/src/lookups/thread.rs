//! A thread that answers: its connection, its batches, and what it does when the database is away.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use diesel::ConnectionError;
use gathering_domain::{Clock, Retention, StoreError};
use r2d2::HandleError;

use super::batch::Batch;
use super::pulse::Pulse;
use super::question::Question;
use super::queue::Queue;
use crate::connection::Opener;
use crate::dialect::postgres::{can_write, prepare_for_reading};
use crate::epoch::Epoch;
use crate::lane::classify;
use crate::pool::{LogFailures, Pooled};
use crate::rows::ReadTimes;

/// About how many rows one batch asks for. With more, the first question of a batch would wait for too many others.
const BATCH: usize = 500;

/// How long something waits before another thread than the first takes what there is. Two threads that take turns make the
/// batches half as large, and a statement costs far more than a row; this is for when the first is held up. Where the
/// network makes every statement take longer than this, they do take turns.
const HELD_UP: Duration = Duration::from_millis(2);

/// How often it is looked whether the server still takes writes. One that does not is a standby, or a primary of yesterday:
/// what it knows may be old, and no read would ever tell.
const LOOK: Duration = Duration::from_secs(15);

/// How many questions that fail one after the other, each alone, are enough to say that no other will be answered either.
const FAILED_ALONE: usize = 8;

/// Between two attempts to connect.
const PAUSE: Duration = Duration::from_millis(100);

/// What all threads share: where questions come from, how many of them have a connection, and how to get one.
pub(super) struct Surroundings {
    pub(super) queue: Queue<Question>,
    pub(super) connected: AtomicUsize,
    pub(super) opener: Opener,
    pub(super) epoch: Arc<Epoch>,
    pub(super) pool_timeout: Duration,
    pub(super) query_timeout: Duration,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) retention: Retention,
}

/// A thread as others see it.
pub(super) struct Thread(Arc<Pulse>);

impl Thread {
    /// Starts the first thread, which takes all that comes, or one that takes what had to wait.
    pub(super) fn start(surroundings: Arc<Surroundings>, is_first: bool) -> std::io::Result<Self> {
        let pulse = Arc::new(Pulse::new(is_first));
        let own = Arc::clone(&pulse);
        std::thread::Builder::new().name("lookup".to_owned()).spawn(move || {
            Worker::new(&surroundings, &own).run();
            own.has_ended.store(true, Ordering::Release);
        })?;
        Ok(Self(pulse))
    }

    pub(super) fn is_first(&self) -> bool {
        self.0.is_first
    }

    pub(super) fn is_connected(&self) -> bool {
        self.0.is_connected.load(Ordering::Acquire)
    }

    /// For how long it has been at the batch that is in hand.
    pub(super) fn busy_for(&self) -> Option<Duration> {
        let since = self.0.busy_since.load(Ordering::Acquire).checked_sub(1)?;
        Some(Duration::from_millis(self.0.age().saturating_sub(since)))
    }

    /// Makes it end as soon as what it hangs in lets go.
    pub(super) fn give_up(&self) {
        self.0.is_replaced.store(true, Ordering::Release);
    }

    pub(super) fn is_replaced(&self) -> bool {
        self.0.is_replaced.load(Ordering::Acquire)
    }

    pub(super) fn has_ended(&self) -> bool {
        self.0.has_ended.load(Ordering::Acquire)
    }
}

/// Questions without an answer, and why.
struct Unanswered {
    error: StoreError,
    left: Vec<Question>,
    /// Whether the database said no to them, and might not to each alone.
    is_refused: bool,
}

struct Worker<'a> {
    surroundings: &'a Surroundings,
    pulse: &'a Pulse,
    connection: Option<Pooled>,
    /// When it was last looked at what the server is, by the clock that never goes back.
    looked: Duration,
    failures: LogFailures,
    /// When connecting failed, unless it has succeeded since.
    failed: Option<Instant>,
}

impl<'a> Worker<'a> {
    fn new(surroundings: &'a Surroundings, pulse: &'a Pulse) -> Self {
        let failures = LogFailures::new(super::POOL);
        Self { surroundings, pulse, connection: None, looked: Duration::ZERO, failures, failed: None }
    }

    fn run(&mut self) {
        let queue = &self.surroundings.queue;
        let patience = if self.pulse.is_first { Duration::ZERO } else { HELD_UP };
        while !self.is_replaced() && queue.wait(patience) && !self.is_replaced() {
            // Where there is more to do than the machine can, those who ask go first, and the batch is larger for it.
            std::thread::yield_now();
            self.pulse.busy_since.store(self.pulse.age() + 1, Ordering::Release);
            if catch_unwind(AssertUnwindSafe(|| self.answer())).is_err() {
                // The log has the panic already, and whoever waited is told by the end of its channel.
                self.disconnect();
            }
            self.pulse.busy_since.store(0, Ordering::Release);
        }
        self.disconnect();
    }

    fn is_replaced(&self) -> bool {
        self.pulse.is_replaced.load(Ordering::Acquire)
    }

    /// Answers what waits. Nothing is taken before there is a connection, so that callers can tell who has to wait for one
    /// from who has to wait for an answer, and so that another thread that has one can take it.
    fn answer(&mut self) {
        let Surroundings { queue, connected, .. } = self.surroundings;
        let started = Instant::now();
        self.look();
        let connecting = self.connect(started);
        if connecting.is_err() && (self.is_replaced() || connected.load(Ordering::Acquire) > 0) {
            return std::thread::sleep(PAUSE);
        }
        let questions = queue.take(BATCH, Question::weight);
        let questions = questions.into_iter().filter(|question| !question.is_abandoned()).collect();
        let asked = match connecting {
            Ok(()) => self.ask(questions, started),
            Err(error) => Err((error, questions)),
        };
        if let Err((error, left)) = asked {
            Batch::new(left).fail(&error);
        }
    }

    /// Drops a connection that is not to be used any more.
    fn look(&mut self) {
        let Surroundings { epoch, clock, .. } = self.surroundings;
        let Some(connection) = &mut self.connection else { return };
        let now = clock.monotonic();
        if connection.is_old() || epoch.is_over(connection.opened()) {
            return self.disconnect();
        }
        if now.saturating_sub(self.looked) < LOOK {
            return;
        }
        self.looked = now;
        if !connection.postgres().and_then(can_write).unwrap_or(false) {
            // The others are of the same time.
            epoch.end(connection.opened());
            self.disconnect();
        }
    }

    /// Asks all together, and where that fails, each alone: one that cannot be answered must not take others with it. What
    /// has no answer in the end comes back with the error.
    fn ask(&mut self, questions: Vec<Question>, started: Instant) -> Result<(), (StoreError, Vec<Question>)> {
        let Err(Unanswered { mut error, left, is_refused }) = self.ask_together(questions, started) else {
            return Ok(());
        };
        if left.len() < 2 || !is_refused {
            return Err((error, left));
        }
        let (mut failed, mut left) = (0, left.into_iter());
        while failed < FAILED_ALONE && started.elapsed() < self.surroundings.query_timeout {
            let Some(question) = left.next() else { break };
            // Whoever waited too long has given up.
            if question.is_abandoned() {
                continue;
            }
            failed += 1;
            match self.ask_together(vec![question], started) {
                Ok(()) => failed = 0,
                Err(unanswered) => {
                    error = unanswered.error;
                    Batch::new(unanswered.left).fail(&error);
                }
            }
        }
        Err((error, left.collect()))
    }

    /// Asks, and once more where the connection turns out to be useless.
    fn ask_together(&mut self, questions: Vec<Question>, started: Instant) -> Result<(), Unanswered> {
        let Surroundings { query_timeout, clock, retention, epoch, .. } = self.surroundings;
        let mut batch = Batch::new(questions);
        let mut may_repeat = true;
        loop {
            if let Err(error) = self.connect(started) {
                return Err(Unanswered { error, left: batch.into_questions(), is_refused: false });
            }
            let Some(connection) = &mut self.connection else { continue };
            let now = clock.now();
            let times = ReadTimes { now, cluster_cutoff: retention.cluster_cutoff(now) };
            let began = Instant::now();
            let answered = connection.postgres().and_then(|connection| batch.answer(connection, times));
            let Err(error) = answered else { return Ok(()) };
            let is_quick = began.elapsed() < *query_timeout / 8;
            let is_unfit = connection.is_unfit_after(&error, epoch, started, is_quick);
            let is_refused = !connection.is_lost() && started.elapsed() < *query_timeout;
            let error = classify(connection, error, started, *query_timeout);
            if connection.is_given_up() {
                self.disconnect();
            }
            if !is_unfit || !may_repeat || started.elapsed() >= *query_timeout {
                return Err(Unanswered { error, left: batch.into_questions(), is_refused });
            }
            may_repeat = false;
        }
    }

    /// Makes sure of a connection. When the database was there a moment ago it is tried for as long as callers wait for
    /// one; during an outage once, and not at once after the last try.
    fn connect(&mut self, started: Instant) -> Result<(), StoreError> {
        let patience = match self.failed {
            None => self.surroundings.pool_timeout,
            Some(failed) => {
                std::thread::sleep(PAUSE.saturating_sub(failed.elapsed()));
                Duration::ZERO
            }
        };
        while self.connection.is_none() {
            match self.open() {
                Ok(connection) => {
                    self.connection = Some(connection);
                    self.looked = self.surroundings.clock.monotonic();
                    self.failed = None;
                    self.pulse.is_connected.store(true, Ordering::Release);
                    self.surroundings.connected.fetch_add(1, Ordering::AcqRel);
                }
                Err(error) => {
                    let text = error.to_string();
                    self.failures.handle_error(error);
                    if started.elapsed() + PAUSE >= patience {
                        self.failed = Some(Instant::now());
                        return Err(StoreError::unavailable(text));
                    }
                    std::thread::sleep(PAUSE);
                }
            }
        }
        Ok(())
    }

    fn open(&self) -> Result<Pooled, ConnectionError> {
        let mut connection = self.surroundings.opener.open()?;
        let prepared = connection.postgres().and_then(prepare_for_reading);
        prepared.map_err(ConnectionError::CouldntSetupConfiguration)?;
        Ok(connection)
    }

    fn disconnect(&mut self) {
        if self.connection.take().is_some() {
            self.pulse.is_connected.store(false, Ordering::Release);
            self.surroundings.connected.fetch_sub(1, Ordering::AcqRel);
        }
    }
}
