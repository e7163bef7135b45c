//! Running blocking work on a pooled connection within the two timeouts, from async code.
//!
//! A lane lets in as many callers as it has connections; the others wait without a thread. So no more threads than
//! connections can ever hang on a database that says nothing, and nobody waits for them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel::QueryResult;
use diesel::result::{DatabaseErrorKind, Error};
use gathering_domain::StoreError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::connection::{AnyConnection, Opener};
use crate::pool::{Pool, PoolState, Pooled, pool};

type PooledConnection = r2d2::PooledConnection<Opener>;

/// A pool and the rules for waiting on it.
#[derive(Debug, Clone)]
pub(crate) struct Lane {
    name: &'static str,
    pool: Pool,
    permits: Arc<Semaphore>,
    pool_timeout: Duration,
    query_timeout: Duration,
}

impl Lane {
    pub(crate) fn new(
        name: &'static str,
        opener: Opener,
        size: u32,
        pool_timeout: Duration,
        query_timeout: Duration,
    ) -> Self {
        let size = size.max(1);
        Self {
            name,
            pool: pool(name, opener, size, pool_timeout),
            permits: Arc::new(Semaphore::new(size as usize)),
            pool_timeout,
            query_timeout,
        }
    }

    pub(crate) fn state(&self) -> PoolState {
        let state = self.pool.state();
        PoolState { name: self.name, connections: state.connections, idle: state.idle_connections }
    }

    /// Runs `work` on a thread for blocking work. It may run more than once when connections turn out to be lost, so
    /// it has to be a transaction or a question.
    pub(crate) async fn run<T, W>(&self, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: Fn(&mut AnyConnection) -> QueryResult<T> + Send + 'static,
    {
        let exhausted = |_| StoreError::PoolExhausted { waited: self.pool_timeout };
        let asked = Instant::now();
        let permit = timeout(self.pool_timeout, Arc::clone(&self.permits).acquire_owned())
            .await
            .map_err(exhausted)?
            .map_err(StoreError::unavailable)?;
        let at_hand = self.pool.try_get();
        let limit = if at_hand.is_some() {
            Duration::ZERO
        } else {
            self.pool_timeout.saturating_sub(asked.elapsed())
        };
        let limit = limit + self.query_timeout;
        let lane = self.clone();
        let task = tokio::task::spawn_blocking(move || lane.attempt(permit, at_hand, &work));
        match timeout(limit, task).await {
            Ok(Ok(result)) => result,
            Ok(Err(panicked)) => Err(StoreError::defect(panicked)),
            // The thread keeps its permit and connection until the driver lets go; nobody waits for it.
            Err(_) => Err(StoreError::Timeout { limit: self.query_timeout }),
        }
    }

    fn attempt<T>(
        &self,
        _permit: OwnedSemaphorePermit,
        mut at_hand: Option<PooledConnection>,
        work: impl Fn(&mut AnyConnection) -> QueryResult<T>,
    ) -> Result<T, StoreError> {
        let started = Instant::now();
        // After a restart of the server every idle connection is lost: each may cost one attempt.
        let mut attempts_left = self.pool.max_size();
        loop {
            let mut connection = match at_hand.take() {
                Some(connection) => connection,
                // All work has a permit, so there is room in the pool: if none comes, none could be opened.
                None => self.pool.get().map_err(StoreError::unavailable)?,
            };
            match work(&mut connection) {
                Ok(value) => return Ok(value),
                Err(error) => {
                    let lost = connection.lost_by(&error);
                    if !lost || attempts_left == 0 || started.elapsed() >= self.query_timeout {
                        return Err(classify(&connection, error, started, self.query_timeout));
                    }
                    attempts_left -= 1;
                }
            }
        }
    }
}

/// What an error of the driver means, of work that began at `started` and has `limit`.
pub(crate) fn classify(connection: &Pooled, error: Error, started: Instant, limit: Duration) -> StoreError {
    let unknown = matches!(error, Error::DatabaseError(DatabaseErrorKind::Unknown, _));
    if started.elapsed() >= limit {
        // Whatever it is called, it is what a statement that ran out of time ends in.
        StoreError::Timeout { limit }
    } else if connection.is_lost() || (unknown && connection.is_sqlite()) || is_passing(&error) {
        // SQLite reports a locked or unreadable file and a full disk alike; its constraints have kinds.
        StoreError::unavailable(error)
    } else {
        StoreError::defect(error)
    }
}

fn is_passing(error: &Error) -> bool {
    matches!(
        error,
        Error::DatabaseError(
            DatabaseErrorKind::ReadOnlyTransaction
                | DatabaseErrorKind::SerializationFailure
                | DatabaseErrorKind::ClosedConnection
                | DatabaseErrorKind::UnableToSendCommand,
            _
        )
    )
}
