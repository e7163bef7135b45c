//! A thread that answers: its connection, its batches, and what it does when the database is away.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use diesel::ConnectionError;
use gathering_domain::{Clock, Retention, StoreError};
use r2d2::HandleError;

use super::batch::{Batch, ReadTimes};
use super::question::Question;
use super::queue::Queue;
use crate::connection::Opener;
use crate::dialect::postgres::prepare_for_reading;
use crate::lane::classify;
use crate::pool::{LogFailures, Pooled};

/// About how many rows one batch asks for. With more, the first question of a batch would wait for too many others.
const BATCH: usize = 500;

/// How long something waits before another thread than the first takes what there is. Two threads that take turns make the
/// batches half as large, and a statement costs far more than a row; this is for when the first is held up. Where the
/// network makes every statement take longer than this, they do take turns.
const HELD_UP: Duration = Duration::from_millis(2);

/// Between two attempts to connect.
const PAUSE: Duration = Duration::from_millis(100);

/// What all threads share: where questions come from, how many of them have a connection, and how to get one.
pub(super) struct Surroundings {
    pub(super) queue: Queue<Question>,
    pub(super) connected: AtomicUsize,
    pub(super) opener: Opener,
    pub(super) pool_timeout: Duration,
    pub(super) query_timeout: Duration,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) retention: Retention,
}

/// A thread as others see it.
pub(super) struct Thread(Arc<Pulse>);

struct Pulse {
    born: Instant,
    is_first: bool,
    /// Milliseconds from birth to the batch that is in hand, plus one; 0 if none is.
    busy_since: AtomicU64,
    is_connected: AtomicBool,
    is_replaced: AtomicBool,
    has_ended: AtomicBool,
}

impl Pulse {
    fn age(&self) -> u64 {
        u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

impl Thread {
    /// Starts the first thread, which takes all that comes, or one that takes what had to wait.
    pub(super) fn start(surroundings: Arc<Surroundings>, is_first: bool) -> std::io::Result<Self> {
        let pulse = Arc::new(Pulse {
            born: Instant::now(),
            is_first,
            busy_since: AtomicU64::new(0),
            is_connected: AtomicBool::new(false),
            is_replaced: AtomicBool::new(false),
            has_ended: AtomicBool::new(false),
        });
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

struct Worker<'a> {
    surroundings: &'a Surroundings,
    pulse: &'a Pulse,
    connection: Option<Pooled>,
    failures: LogFailures,
    /// When connecting failed, unless it has succeeded since.
    failed: Option<Instant>,
}

impl<'a> Worker<'a> {
    fn new(surroundings: &'a Surroundings, pulse: &'a Pulse) -> Self {
        Self { surroundings, pulse, connection: None, failures: LogFailures::new(super::POOL), failed: None }
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
        if self.connection.as_ref().is_some_and(Pooled::is_old) {
            self.disconnect();
        }
        let started = Instant::now();
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

    /// Asks all together, and where that fails, each alone: one that cannot be answered must not take others with it. What
    /// has no answer in the end comes back with the error.
    fn ask(&mut self, questions: Vec<Question>, started: Instant) -> Result<(), (StoreError, Vec<Question>)> {
        let Err((error, left)) = self.ask_together(questions, started) else { return Ok(()) };
        if left.len() < 2 || !matches!(error, StoreError::Defect { .. }) {
            return Err((error, left));
        }
        for question in left {
            // Whoever waited too long has given up; so this ends.
            if question.is_abandoned() {
                continue;
            }
            if let Err((error, left)) = self.ask_together(vec![question], started) {
                Batch::new(left).fail(&error);
            }
        }
        Ok(())
    }

    /// Asks, and once more where the connection turns out to be lost.
    fn ask_together(
        &mut self,
        questions: Vec<Question>,
        started: Instant,
    ) -> Result<(), (StoreError, Vec<Question>)> {
        let Surroundings { query_timeout, clock, retention, .. } = self.surroundings;
        let mut batch = Batch::new(questions);
        let mut may_repeat = true;
        loop {
            if let Err(error) = self.connect(started) {
                return Err((error, batch.into_questions()));
            }
            let Some(connection) = &mut self.connection else { continue };
            let now = clock.now();
            let times = ReadTimes { now, forgotten_since: retention.forgotten_since(now) };
            let answered = connection.postgres().and_then(|connection| batch.answer(connection, times));
            let Err(error) = answered else { return Ok(()) };
            let lost = connection.lost_by(&error);
            let error = classify(connection, error, started, *query_timeout);
            if lost {
                self.disconnect();
            }
            if !lost || !may_repeat || started.elapsed() >= *query_timeout {
                return Err((error, batch.into_questions()));
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
        Ok(Pooled::new(connection))
    }

    fn disconnect(&mut self) {
        if self.connection.take().is_some() {
            self.pulse.is_connected.store(false, Ordering::Release);
            self.surroundings.connected.fetch_sub(1, Ordering::AcqRel);
        }
    }
}
