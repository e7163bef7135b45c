//! Connections that keep a file, and how they are closed.

use std::path::Path;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::sql_types::Integer;
use diesel::{ConnectionError, ConnectionResult, QueryableByName, RunQueryDsl, SqliteConnection, sql_query};

use super::open;

/// Two connections that nobody asks: as long as they are open, the file's number goes to no other file, and its companions
/// stay.
///
/// When the last connection to a database is closed, SQLite writes what is in the WAL file into the file that was opened. It
/// cannot where the last one may only read. Fields are dropped in their order: in general, the one that may write is the last.
pub(super) struct Anchor {
    reader: SqliteConnection,
    writer: SqliteConnection,
}

impl Anchor {
    /// An anchor for a file in WAL mode, of a connection to it that may write.
    pub(super) fn new(path: &Path, mut writer: SqliteConnection, busy: Duration) -> ConnectionResult<Self> {
        // It is used at the end only, under a lock that others wait for.
        writer
            .batch_execute("PRAGMA busy_timeout = 0")
            .map_err(ConnectionError::CouldntSetupConfiguration)?;
        Ok(Self { reader: open::reading(path, busy)?, writer })
    }

    /// Writes what was committed into the file, and tells whether that was all there is. It waits for nobody.
    pub(super) fn empty_wal(&mut self) -> bool {
        #[derive(QueryableByName)]
        struct Checkpoint {
            #[diesel(sql_type = Integer)]
            busy: i32,
        }
        let done = sql_query("PRAGMA wal_checkpoint(TRUNCATE)").get_result::<Checkpoint>(&mut self.writer);
        done.is_ok_and(|done| done.busy == 0)
    }

    /// Closes the file without writing to it.
    pub(super) fn leave(self) {
        let Self { reader, writer } = self;
        drop(writer);
        drop(reader);
    }
}
