//! Pools of open connections.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use diesel::ConnectionError;
use diesel::r2d2::R2D2Connection;
use diesel::result::{DatabaseErrorKind, Error};

use crate::connection::{AnyConnection, Opener};

/// How full one pool is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolState {
    /// `postgres_lookup` and `postgres`, or `sqlite_read` and `sqlite_write`.
    pub name: &'static str,
    /// Open connections.
    pub connections: u32,
    /// Those of them that nobody uses.
    pub idle: u32,
}

/// A connection of a pool, dropped instead of returned once it is known to be lost.
pub(crate) struct Pooled {
    connection: AnyConnection,
    lost: bool,
    opened: Instant,
}

/// After so long a connection that is kept is opened anew, as r2d2 does with those of its pools: the server may be another
/// one by then, or the file.
const LIFETIME: Duration = Duration::from_secs(30 * 60);

impl Pooled {
    pub(crate) fn new(connection: AnyConnection) -> Self {
        Self { connection, lost: false, opened: Instant::now() }
    }

    pub(crate) fn is_old(&self) -> bool {
        self.opened.elapsed() > LIFETIME
    }

    /// Finds out whether this error means that the connection is gone, and if so keeps it from being used again.
    pub(crate) fn lost_by(&mut self, error: &Error) -> bool {
        self.lost = match error {
            Error::DatabaseError(
                DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand,
                _,
            ) => true,
            Error::DatabaseError(DatabaseErrorKind::Unknown, _) | Error::BrokenTransactionManager => {
                self.connection.is_broken() || self.connection.ping().is_err()
            }
            _ => false,
        };
        self.lost
    }

    pub(crate) const fn is_lost(&self) -> bool {
        self.lost
    }

    pub(crate) const fn is_sqlite(&self) -> bool {
        matches!(self.connection, AnyConnection::Sqlite(_))
    }
}

impl std::fmt::Debug for Pooled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pooled").field("lost", &self.lost).finish_non_exhaustive()
    }
}

impl Deref for Pooled {
    type Target = AnyConnection;

    fn deref(&self) -> &AnyConnection {
        &self.connection
    }
}

impl DerefMut for Pooled {
    fn deref_mut(&mut self) -> &mut AnyConnection {
        &mut self.connection
    }
}

impl r2d2::ManageConnection for Opener {
    type Connection = Pooled;
    type Error = ConnectionError;

    fn connect(&self) -> Result<Pooled, ConnectionError> {
        self.open().map(Pooled::new)
    }

    /// Never asked: checking at every check-out costs a quarter of the throughput, see docs/adr.
    fn is_valid(&self, _: &mut Pooled) -> Result<(), ConnectionError> {
        Ok(())
    }

    fn has_broken(&self, pooled: &mut Pooled) -> bool {
        pooled.lost || pooled.connection.is_broken()
    }
}

/// Writes the reasons of failed attempts to connect to the log; callers learn only that none came in time.
#[derive(Debug)]
pub(crate) struct LogFailures {
    pool: &'static str,
    told: Mutex<Told>,
}

#[derive(Debug, Default)]
struct Told {
    last: Option<Instant>,
    untold: u64,
}

impl LogFailures {
    pub(crate) fn new(pool: &'static str) -> Self {
        Self { pool, told: Mutex::default() }
    }
}

/// During an outage each connection is tried between once and ten times a second.
const TELL_EVERY: Duration = Duration::from_secs(5);

impl r2d2::HandleError<ConnectionError> for LogFailures {
    fn handle_error(&self, error: ConnectionError) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.last.is_some_and(|last| last.elapsed() < TELL_EVERY) {
            told.untold += 1;
            return;
        }
        let pool = self.pool;
        log::warn!(attempts = told.untold + 1; "pool {pool}: no connection to the database: {error}");
        *told = Told { last: Some(Instant::now()), untold: 0 };
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
