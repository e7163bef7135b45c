//! Running blocking work on a pooled connection within its time, from async code.
//!
//! An executor lets in as many callers as it has connections; the others wait without a thread. So no more threads than
//! connections can ever hang on a database that says nothing, and nobody waits for them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel::QueryResult;
use gathering_domain::store::StoreError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{timeout, timeout_at};

use crate::connection::any::AnyConnection;
use crate::connection::epoch::Epoch;
use crate::connection::opener::Opener;
use crate::connection::pool::{Pool, PoolState, pool};
use crate::connection::progress::Progress;
use crate::error::failure::Failure;

type PooledConnection = r2d2::PooledConnection<Opener>;

/// A pool and the rules for waiting on it.
#[derive(Debug, Clone)]
pub(crate) struct Executor {
    name: &'static str,
    pool: Pool,
    epoch: Arc<Epoch>,
    permits: Arc<Semaphore>,
    pool_timeout: Duration,
    query_timeout: Duration,
}

/// When the time of some work is over.
#[derive(Debug, Clone, Copy)]
struct Times {
    /// For a connection.
    connect: Instant,
    /// For all of it.
    end: Instant,
    /// An error that comes sooner may be the connection's own.
    doubt: Duration,
}

/// Within what work is done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// It does not begin later, and an error from then on is a lack of time.
    pub(crate) end: Instant,
    /// How long after the end it is waited for.
    pub(crate) grace: Duration,
    /// An error that comes sooner may be the connection's own.
    pub(crate) doubt: Duration,
}

/// How long work that makes progress may take in all.
const LONGEST: Duration = Duration::from_secs(60 * 60);

/// Gives work up when nobody waits for it any more, whatever the reason.
struct GiveUpOnDrop<'a>(&'a Progress);

impl Drop for GiveUpOnDrop<'_> {
    fn drop(&mut self) {
        self.0.give_up();
    }
}

impl Executor {
    pub(crate) fn new(
        name: &'static str,
        opener: Opener,
        epoch: Arc<Epoch>,
        size: u32,
        pool_timeout: Duration,
        query_timeout: Duration,
    ) -> Self {
        let size = size.max(1);
        Self {
            name,
            pool: pool(name, opener, size, pool_timeout),
            epoch,
            permits: Arc::new(Semaphore::new(size as usize)),
            pool_timeout,
            query_timeout,
        }
    }

    pub(crate) fn state(&self) -> PoolState {
        let state = self.pool.state();
        PoolState {
            name: self.name,
            connections: state.connections,
            most: self.pool.max_size(),
            idle: state.idle_connections,
        }
    }

    /// Runs `work` on a thread for blocking work, within the query timeout in all: the wait for a connection counts into it. It
    /// may run more than once when connections turn out to be useless, so it has to be a transaction or a question.
    pub(crate) async fn run<T, W>(&self, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: Fn(&mut AnyConnection) -> QueryResult<T> + Send + 'static,
    {
        self.run_until(Instant::now() + self.query_timeout, work).await
    }

    /// [Runs](Self::run) `work` until then at the latest.
    pub(crate) async fn run_until<T, W>(&self, end: Instant, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: Fn(&mut AnyConnection) -> QueryResult<T> + Send + 'static,
    {
        Ok(self.run_within(Bounds { end, grace: Duration::ZERO, doubt: self.doubt() }, work).await?)
    }

    /// [Runs](Self::run) `work` that waits for a lock no longer than `lock`. What fails after that long says nothing of the
    /// connection.
    pub(crate) async fn run_locking<T, W>(&self, lock: Duration, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: Fn(&mut AnyConnection) -> QueryResult<T> + Send + 'static,
    {
        let (end, doubt) = (Instant::now() + self.query_timeout, self.doubt().min(lock));
        Ok(self.run_within(Bounds { end, grace: Duration::ZERO, doubt }, work).await?)
    }

    /// What takes longer than this is a lock.
    fn doubt(&self) -> Duration {
        self.query_timeout / 8
    }

    /// [Runs](Self::run) `work` within these bounds.
    pub(crate) async fn run_within<T, W>(&self, bounds: Bounds, work: W) -> Result<T, Failure>
    where
        T: Send + 'static,
        W: Fn(&mut AnyConnection) -> QueryResult<T> + Send + 'static,
    {
        let Bounds { end, grace, doubt } = bounds;
        let times = Times { connect: end.min(Instant::now() + self.pool_timeout), end, doubt };
        let exhausted = |_| StoreError::PoolExhausted { waited: self.pool_timeout.min(self.query_timeout) };
        let permit = timeout_at(times.connect.into(), Arc::clone(&self.permits).acquire_owned())
            .await
            .map_err(exhausted)
            .and_then(|permit| permit.map_err(StoreError::unavailable))
            .map_err(Failure::not_begun)?;
        let at_hand = self.pool.try_get();
        let executor = self.clone();
        let task = tokio::task::spawn_blocking(move || executor.attempt(permit, at_hand, times, &work));
        match timeout_at((end + grace).into(), task).await {
            Ok(Ok(result)) => result,
            Ok(Err(panicked)) => Err(Failure::cut_off(StoreError::defect(panicked))),
            // The thread keeps its permit and connection until the driver lets go; nobody waits for it.
            Err(_) => {
                self.epoch.end_after_silence();
                Err(Failure::cut_off(self.timed_out()))
            }
        }
    }

    /// [Runs](Self::run) work that may take long, for as long as it makes progress: each of the steps that it counts has the
    /// time limit. Work that is given up is not committed, if it asks before it commits.
    pub(crate) async fn run_long<T, W>(&self, progress: Progress, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: Fn(&mut AnyConnection, &Progress) -> QueryResult<T> + Send + 'static,
    {
        let now = Instant::now();
        let (connect, end) = (now + self.pool_timeout, now + LONGEST);
        let times = Times { connect, end, doubt: self.doubt() };
        let permit = timeout_at(times.connect.into(), Arc::clone(&self.permits).acquire_owned())
            .await
            .map_err(|_| StoreError::PoolExhausted { waited: self.pool_timeout })?
            .map_err(StoreError::unavailable)?;
        let (executor, counted) = (self.clone(), progress.clone());
        let mut task = tokio::task::spawn_blocking(move || {
            let at_hand = executor.pool.try_get();
            executor.attempt(permit, at_hand, times, |connection| work(connection, &counted))
        });
        let _given_up = GiveUpOnDrop(&progress);
        let (mut limit, mut seen, mut is_committing) = (self.pool_timeout + self.query_timeout, 0, false);
        loop {
            match timeout(limit, &mut task).await {
                Ok(Ok(result)) => return Ok(result?),
                Ok(Err(panicked)) => return Err(StoreError::defect(panicked)),
                Err(_) if seen == progress.steps() => {
                    if is_committing || progress.give_up() {
                        return Err(self.timed_out());
                    }
                    is_committing = true;
                }
                Err(_) => (limit, seen) = (self.query_timeout, progress.steps()),
            }
        }
    }

    /// Closes connections that nobody uses to a file that was lost.
    pub(crate) fn close_lost(&self) {
        let idle = (0..self.pool.max_size()).map_while(|_| self.pool.try_get());
        // All of them at once: one that goes back is the next to be had. The pool closes those that are lost.
        drop(idle.collect::<Vec<_>>());
    }

    fn attempt<T>(
        &self,
        _permit: OwnedSemaphorePermit,
        mut at_hand: Option<PooledConnection>,
        times: Times,
        work: impl Fn(&mut AnyConnection) -> QueryResult<T>,
    ) -> Result<T, Failure> {
        let asked = Instant::now();
        // After a restart of the server every idle connection is lost: each may cost one attempt.
        let mut attempts_left = self.pool.max_size();
        loop {
            let mut connection = match at_hand.take() {
                Some(connection) => connection,
                // All work has a permit, so there is room in the pool: if none comes, none could be opened.
                None => self
                    .pool
                    .get_timeout(times.connect.saturating_duration_since(Instant::now()))
                    .map_err(|error| Failure::not_begun(StoreError::unavailable(error)))?,
            };
            if self.epoch.is_over(connection.opened()) || !connection.is_current() {
                connection.give_up();
                continue;
            }
            let began = Instant::now();
            if began >= times.end {
                return Err(Failure::not_begun(self.timed_out()));
            }
            let error = match connection.work(&work) {
                Ok(value) => {
                    let unconfirmed = |problem| Failure::cut_off(StoreError::unavailable(problem));
                    return connection.confirm().map(|()| value).map_err(unconfirmed);
                }
                Err(error) => error,
            };
            let is_quick =
                began.elapsed() < connection.lock_timeout().map_or(times.doubt, |lock| lock.min(times.doubt));
            let is_unfit = connection.is_unfit_after(&error, &self.epoch, asked, is_quick);
            if !is_unfit || attempts_left == 0 || Instant::now() >= times.connect {
                // Whatever it is called, at the end it is what a statement that ran out of time ends in.
                return Err(if Instant::now() >= times.end {
                    Failure::cut_off(self.timed_out())
                } else {
                    Failure::of_work(error, connection.is_lost())
                });
            }
            attempts_left -= 1;
        }
    }

    const fn timed_out(&self) -> StoreError {
        StoreError::Timeout { limit: self.query_timeout }
    }
}
