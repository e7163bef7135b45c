//! Pools of open connections.

use std::time::Duration;

use diesel::ConnectionError;

use crate::connection::opener::Opener;
use crate::connection::pooled::Pooled;
use crate::throttle::Throttle;

/// How full one pool is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolState {
    /// `postgres_lookup`, `postgres_list` and `postgres`, or `sqlite_read`, `sqlite_list` and `sqlite_write`.
    pub name: &'static str,
    /// Open connections.
    pub connections: u32,
    /// The most that there may be.
    pub most: u32,
    /// Those of them that nobody uses.
    pub idle: u32,
}

impl r2d2::ManageConnection for Opener {
    type Connection = Pooled;
    type Error = ConnectionError;

    fn connect(&self) -> Result<Pooled, ConnectionError> {
        self.open()
    }

    /// Never asked: checking at every check-out costs a quarter of the throughput, see docs/adr.
    fn is_valid(&self, _: &mut Pooled) -> Result<(), ConnectionError> {
        Ok(())
    }

    fn has_broken(&self, pooled: &mut Pooled) -> bool {
        pooled.is_useless()
    }
}

/// How often a pool says that it gets no connection. An outage may last for hours, and each process has three pools.
const SAY_EVERY: Duration = Duration::from_secs(30);

/// Writes the reasons of failed attempts to connect to the log; callers learn only that none came in time.
#[derive(Debug)]
pub(crate) struct LogFailures {
    pool: &'static str,
    throttle: Throttle,
}

impl LogFailures {
    pub(crate) fn new(pool: &'static str) -> Self {
        Self { pool, throttle: Throttle::every(SAY_EVERY) }
    }
}

impl r2d2::HandleError<ConnectionError> for LogFailures {
    /// During an outage each connection is tried between once and ten times a second.
    fn handle_error(&self, error: ConnectionError) {
        let Some(held_back) = self.throttle.let_through() else { return };
        let pool = self.pool;
        log::warn!(attempts = held_back + 1; "pool {pool}: no connection to the database: {error}");
    }
}

pub(crate) type Pool = r2d2::Pool<Opener>;

/// A pool that opens connections when they are needed. It does not wait for the first.
pub(crate) fn pool(name: &'static str, opener: Opener, size: u32, timeout: Duration) -> Pool {
    r2d2::Pool::builder()
        .max_size(size.max(1))
        .min_idle(Some(0))
        .test_on_check_out(false)
        .connection_timeout(timeout)
        .error_handler(Box::new(LogFailures::new(name)))
        .build_unchecked(opener)
}
