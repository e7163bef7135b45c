//! A copy of a SQLite database that is in use.

use std::path::{Path, PathBuf};
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::result::Error;
use diesel::sql_types::Text;
use diesel::{ConnectionError, RunQueryDsl, sql_query};

use crate::connection::sqlite_file::open;

/// Why a copy was not made.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The database cannot be opened.
    #[error("the database {} cannot be opened ({source}); check storage.url and the rights to the file", path.display())]
    Open { path: PathBuf, source: ConnectionError },
    /// It cannot be read, or the copy not be written.
    #[error("the database {} cannot be copied: {source}", path.display())]
    Copy { path: PathBuf, source: Error },
}

/// How long the copy waits for a lock. Readers wait only while a database is being recovered after a crash.
const BUSY: Duration = Duration::from_secs(10);

/// Copies the database in the file `from` into the empty file `into`: what was committed when the copy began, and nothing of
/// what is committed meanwhile. Writers go on; until the copy is made, what they commit stays in the `-wal` file, which grows.
/// Memory does not grow with the database. The copy is in one file, and is yet to be made durable.
///
/// # Errors
/// What `into` holds then is of no use.
pub fn copy_sqlite(from: &Path, into: &Path) -> Result<(), BackupError> {
    let path = from.to_owned();
    let mut connection = match open::unchanged(from, BUSY) {
        Ok(connection) => connection,
        Err(source) => return Err(BackupError::Open { path, source }),
    };
    // SQLite's other way, page by page, begins again with each commit of another process, and so might never end. This one
    // writes to the copy alone, and is not let do so by a connection that is to write nothing at all.
    let copied =
        connection.batch_execute("PRAGMA query_only = OFF; PRAGMA cache_size = -16384;").and_then(|()| {
            sql_query("VACUUM INTO ?").bind::<Text, _>(open::target(into)).execute(&mut connection)
        });
    copied.map(|_| ()).map_err(|source| BackupError::Copy { path, source })
}
