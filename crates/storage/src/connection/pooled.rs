//! A connection that is kept, and how it turns out to be useless.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel::QueryResult;
use diesel::result::{DatabaseErrorKind, Error};

use crate::connection::any::AnyConnection;
use crate::connection::epoch::Epoch;
use crate::connection::session::in_transaction;
use crate::connection::sqlite_file::SqliteFile;
use crate::connection::sqlite_file::lease::Lease;
use crate::error::is_damage;
use crate::error::sqlite_file::SqliteFileError;

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
    /// What all work on it begins with, behind a pooler that shares connections transaction by transaction.
    beginning: Option<String>,
}

/// After so long a connection that is kept is opened anew, as r2d2 does with those of its pools: the server may be another
/// one by then, or the file.
const LIFETIME: Duration = Duration::from_secs(30 * 60);

impl Pooled {
    pub(crate) fn new(connection: AnyConnection) -> Self {
        let opened = Instant::now();
        Self {
            connection,
            lease: None,
            lost: false,
            is_dropped: false,
            opened,
            lock_timeout: None,
            beginning: None,
        }
    }

    /// The same, with another moment from which on it counts as open.
    pub(crate) fn opened_at(self, opened: Instant) -> Self {
        Self { opened, ..self }
    }

    /// The same, with the server's limit for a wait for a lock.
    pub(crate) fn with_lock_timeout(self, lock_timeout: Option<Duration>) -> Self {
        Self { lock_timeout, ..self }
    }

    /// The same, where all work is a transaction that begins with this SQL.
    pub(crate) fn with_beginning(self, beginning: Option<String>) -> Self {
        Self { beginning, ..self }
    }

    /// Does work that is a question or a transaction. Behind a pooler it is one transaction in all.
    pub(crate) fn work<T>(
        &mut self,
        work: impl FnOnce(&mut AnyConnection) -> QueryResult<T>,
    ) -> QueryResult<T> {
        match &self.beginning {
            None => work(&mut self.connection),
            Some(begin) => in_transaction(&mut self.connection, begin, work),
        }
    }

    pub(crate) const fn lock_timeout(&self) -> Option<Duration> {
        self.lock_timeout
    }

    /// A connection to a SQLite file that has to stay at its path.
    pub(crate) fn on_file(file: &Arc<SqliteFile>, busy: Duration) -> Result<Self, SqliteFileError> {
        let (connection, lease) = Lease::connect(file, busy)?;
        Ok(Self { lease: Some(lease), ..Self::new(AnyConnection::Sqlite(connection)) })
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

    /// Whether the pool is to close it instead of taking it back.
    pub(crate) fn is_useless(&mut self) -> bool {
        self.is_given_up() || !self.is_current() || self.connection.is_broken()
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
            Error::DatabaseError(DatabaseErrorKind::UnableToSendCommand, _) => true,
            // What this connection keeps of a file that was damaged and restored is of no use.
            Error::DatabaseError(DatabaseErrorKind::Unknown, information)
                if self.lease.is_some() && is_damage(information.message()) =>
            {
                true
            }
            // A server that asks others, as one with Citus does, says of their connections what the driver takes for its own.
            Error::DatabaseError(DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::Unknown, _)
            | Error::BrokenTransactionManager => {
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
