//! Pools of open connections.

use std::ops::{Deref, DerefMut};
use std::time::{Duration, Instant};

use diesel::ConnectionError;
use diesel::r2d2::R2D2Connection;
use diesel::result::{DatabaseErrorKind, Error};

use crate::connection::{AnyConnection, Opener};
use crate::epoch::Epoch;
use crate::notice::Throttle;
use crate::sqlite_file::{Lease, SqliteFileError, is_damage};

/// How full one pool is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolState {
    /// `postgres_lookup`, `postgres_list` and `postgres`, or `sqlite_read`, `sqlite_list` and `sqlite_write`.
    pub name: &'static str,
    /// Open connections.
    pub connections: u32,
    /// Those of them that nobody uses.
    pub idle: u32,
}

/// A connection of a pool, dropped instead of returned once it is known to be lost.
pub(crate) struct Pooled {
    connection: AnyConnection,
    /// Of a connection to SQLite, and dropped after it.
    lease: Option<Lease>,
    lost: bool,
    /// Whether it is not to be used again, though it is open.
    is_dropped: bool,
    opened: Instant,
    /// After how long its server ends a wait for a lock.
    lock_timeout: Option<Duration>,
}

/// After so long a connection that is kept is opened anew, as r2d2 does with those of its pools: the server may be another
/// one by then, or the file.
const LIFETIME: Duration = Duration::from_secs(30 * 60);

impl Pooled {
    pub(crate) fn new(connection: AnyConnection) -> Self {
        let opened = Instant::now();
        Self { connection, lease: None, lost: false, is_dropped: false, opened, lock_timeout: None }
    }

    /// The same, with another moment from which on it counts as open.
    pub(crate) fn opened_at(self, opened: Instant) -> Self {
        Self { opened, ..self }
    }

    /// The same, with the server's limit for a wait for a lock.
    pub(crate) fn with_lock_timeout(self, lock_timeout: Option<Duration>) -> Self {
        Self { lock_timeout, ..self }
    }

    pub(crate) const fn lock_timeout(&self) -> Option<Duration> {
        self.lock_timeout
    }

    /// A connection to a SQLite file that has to stay at its path.
    pub(crate) fn leased(connection: AnyConnection, lease: Lease) -> Self {
        Self { lease: Some(lease), ..Self::new(connection) }
    }

    /// Whether what it is connected to is still the database, as far as anybody found out.
    pub(crate) fn is_current(&self) -> bool {
        self.lease.as_ref().is_none_or(Lease::is_current)
    }

    /// Makes sure that what was committed is in the database: on SQLite, that the file is still there. To be done before
    /// anything is acknowledged.
    pub(crate) fn confirm(&self) -> Result<(), SqliteFileError> {
        self.lease.as_ref().map_or(Ok(()), Lease::confirm)
    }

    pub(crate) fn is_old(&self) -> bool {
        self.opened.elapsed() > LIFETIME
    }

    pub(crate) const fn opened(&self) -> Instant {
        self.opened
    }

    /// Keeps the connection from being used again.
    pub(crate) const fn give_up(&mut self) {
        self.is_dropped = true;
    }

    pub(crate) const fn is_given_up(&self) -> bool {
        self.lost || self.is_dropped
    }

    /// Whether, after this error, the work is to be tried on another connection; this one is not used again then.
    ///
    /// A connection can become useless without being closed: its server turns out to be one that only reads, a plan or a
    /// prepared statement of it does not fit any more, its search path or role does not. The driver tells these apart from
    /// nothing else, so whatever the server says counts, as long as it says so at once: what takes long is a lock.
    pub(crate) fn is_unfit_after(
        &mut self,
        error: &Error,
        epoch: &Epoch,
        asked: Instant,
        is_quick: bool,
    ) -> bool {
        if self.lost_by(error) {
            return true;
        }
        let Error::DatabaseError(kind, _) = error else { return false };
        let (is_stale, is_dropped) = match kind {
            // One that was opened for this work has said all there is to say.
            DatabaseErrorKind::ReadOnlyTransaction => {
                let is_dropped = epoch.end(self.opened);
                (is_dropped && self.opened < asked, is_dropped)
            }
            DatabaseErrorKind::Unknown | DatabaseErrorKind::SerializationFailure if is_quick => {
                let is_stale = epoch.end(self.opened);
                (is_stale, is_stale)
            }
            _ => (false, false),
        };
        self.is_dropped |= is_dropped;
        is_stale
    }

    /// Finds out whether this error means that the connection is gone, and if so keeps it from being used again.
    pub(crate) fn lost_by(&mut self, error: &Error) -> bool {
        self.lost = match error {
            Error::DatabaseError(
                DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand,
                _,
            ) => true,
            // What this connection keeps of a file that was damaged and restored is of no use.
            Error::DatabaseError(DatabaseErrorKind::Unknown, information)
                if self.lease.is_some() && is_damage(information.message()) =>
            {
                true
            }
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
        self.open()
    }

    /// Never asked: checking at every check-out costs a quarter of the throughput, see docs/adr.
    fn is_valid(&self, _: &mut Pooled) -> Result<(), ConnectionError> {
        Ok(())
    }

    fn has_broken(&self, pooled: &mut Pooled) -> bool {
        pooled.is_given_up() || !pooled.is_current() || pooled.connection.is_broken()
    }
}

/// Writes the reasons of failed attempts to connect to the log; callers learn only that none came in time.
#[derive(Debug)]
pub(crate) struct LogFailures {
    pool: &'static str,
    told: Throttle,
}

impl LogFailures {
    pub(crate) fn new(pool: &'static str) -> Self {
        Self { pool, told: Throttle::default() }
    }
}

impl r2d2::HandleError<ConnectionError> for LogFailures {
    /// During an outage each connection is tried between once and ten times a second.
    fn handle_error(&self, error: ConnectionError) {
        let Some(untold) = self.told.tell() else { return };
        let pool = self.pool;
        log::warn!(attempts = untold + 1; "pool {pool}: no connection to the database: {error}");
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
