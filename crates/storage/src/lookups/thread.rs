//! A thread that answers: its connection, its batches, and what it does when the database is away.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
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

/// Rows that one batch asks for. More hardly answer faster, and make the first of them wait longer.
const BATCH: usize = 500;

/// Between two attempts to connect.
const PAUSE: Duration = Duration::from_millis(100);

/// What all threads share.
pub(super) struct Surroundings {
    pub(super) queue: Queue<Question>,
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
    pub(super) fn start(surroundings: Arc<Surroundings>) -> std::io::Result<Self> {
        let pulse = Arc::new(Pulse {
            born: Instant::now(),
            busy_since: AtomicU64::new(0),
            is_connected: AtomicBool::new(false),
            is_replaced: AtomicBool::new(false),
            has_ended: AtomicBool::new(false),
        });
        let own = Arc::clone(&pulse);
        std::thread::Builder::new().name("lookup".to_owned()).spawn(move || {
            Worker::new(&surroundings, &own).run();
            own.is_connected.store(false, Ordering::Release);
            own.has_ended.store(true, Ordering::Release);
        })?;
        Ok(Self(pulse))
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
        while self.surroundings.queue.wait() && !self.pulse.is_replaced.load(Ordering::Acquire) {
            self.pulse.busy_since.store(self.pulse.age() + 1, Ordering::Release);
            if catch_unwind(AssertUnwindSafe(|| self.answer())).is_err() {
                // The log has the panic already, and whoever waited is told by the end of its channel.
                self.disconnect();
            }
            self.pulse.busy_since.store(0, Ordering::Release);
        }
    }

    /// Answers what waits. Nothing is taken before there is a connection, so that callers can tell who has to wait for one
    /// from who has to wait for an answer.
    fn answer(&mut self) {
        let started = Instant::now();
        let connected = self.connect(started);
        let questions = self.surroundings.queue.take(BATCH, Question::weight);
        let mut batch = Batch::new(questions.into_iter().filter(|question| !question.is_abandoned()));
        if let Err(error) = connected.and_then(|()| self.ask(&mut batch, started)) {
            batch.fail(&error);
        }
    }

    /// Asks until there is an answer, or an error that another connection would not mend.
    fn ask(&mut self, batch: &mut Batch, started: Instant) -> Result<(), StoreError> {
        let Surroundings { query_timeout, clock, retention, .. } = self.surroundings;
        loop {
            let Some(connection) = &mut self.connection else {
                self.connect(started)?;
                continue;
            };
            let now = clock.now();
            let times = ReadTimes { now, forgotten_since: retention.forgotten_since(now) };
            let answered = connection.postgres().and_then(|connection| batch.answer(connection, times));
            let Err(error) = answered else { return Ok(()) };
            let lost = connection.lost_by(&error);
            let error = classify(connection, error, started, *query_timeout);
            if lost {
                self.disconnect();
            }
            if !lost || started.elapsed() >= *query_timeout {
                return Err(error);
            }
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
        self.connection = None;
        self.pulse.is_connected.store(false, Ordering::Release);
    }
}
