//! Opening connections to SQLite files.

use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::sql_types::Text;
use diesel::{
    Connection, ConnectionError, ConnectionResult, QueryResult, QueryableByName, RunQueryDsl,
    SqliteConnection, sql_query,
};

use super::files::{Inode, beside};
use crate::error::storage::StorageError;

/// What a connection may do to the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Make the file where it is missing.
    Create,
    /// Write to one that is there.
    Write,
    /// Change nothing, not even by taking over what a crash left in the WAL file.
    Read,
}

/// How long several processes may take to make a new file.
const NEW_FILE: Duration = Duration::from_secs(1);

/// Makes the folder that `file` is to lie in.
pub(crate) fn make_folder(file: &Path) -> Result<(), StorageError> {
    match file.parent() {
        Some(folder) => std::fs::create_dir_all(folder)
            .map_err(|source| StorageError::Folder { path: folder.to_owned(), source }),
        None => Ok(()),
    }
}

/// Opens the file for writing, made where it is missing, and switches it to WAL.
pub(crate) fn create(path: &Path, busy: Duration) -> ConnectionResult<SqliteConnection> {
    let mut connection = connect(path, Mode::Create)?;
    // Where several open a new file at once, SQLite tells all but one of them that it is locked, without waiting.
    let started = Instant::now();
    loop {
        match set_up(&mut connection, busy).and_then(|()| switch_to_wal(&mut connection)) {
            Ok(()) => return Ok(connection),
            Err(_) if started.elapsed() < busy.min(NEW_FILE) => std::thread::sleep(Duration::from_millis(5)),
            Err(error) => return Err(ConnectionError::CouldntSetupConfiguration(error)),
        }
    }
}

/// Opens a file that is there, in the journal mode that it has.
pub(crate) fn existing(path: &Path, busy: Duration) -> ConnectionResult<SqliteConnection> {
    let mut connection = connect(path, Mode::Write)?;
    set_up(&mut connection, busy).map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(connection)
}

/// Opens a file that is there for questions that change nothing.
pub(crate) fn unchanged(path: &Path, busy: Duration) -> ConnectionResult<SqliteConnection> {
    // A connection that may write removes the companions that it made, one that may not leaves them. But it would also
    // take over what is in a WAL file that was there before.
    let has_wal = Inode::at(&beside(path, "-wal")).is_ok_and(|wal| wal.is_some());
    let mut connection = connect(path, if has_wal { Mode::Read } else { Mode::Write })?;
    let settings = format!("PRAGMA busy_timeout = {}; PRAGMA query_only = ON;", busy.as_millis());
    connection.batch_execute(&settings).map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(connection)
}

/// Opens a file that is there, in WAL mode, for reading, and takes the lock that says so. It is held until the connection is
/// closed.
pub(super) fn reading(path: &Path, busy: Duration) -> ConnectionResult<SqliteConnection> {
    let mut connection = connect(path, Mode::Read)?;
    let settings = format!("PRAGMA busy_timeout = {}; PRAGMA schema_version;", busy.as_millis());
    connection.batch_execute(&settings).map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(connection)
}

/// The name of a file that is there, for a statement that writes a whole database into it.
pub(crate) fn target(path: &Path) -> String {
    uri(path, Mode::Write)
}

/// Whether SQLite finds nothing wrong in what is stored.
pub(super) fn is_sound(connection: &mut SqliteConnection) -> QueryResult<bool> {
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = Text)]
        quick_check: String,
    }
    let found: Found = sql_query("PRAGMA quick_check(1)").get_result(connection)?;
    Ok(found.quick_check == "ok")
}

/// A switch takes a lock that nobody else may hold, unless the file is in that mode already.
pub(super) fn switch_to_wal(connection: &mut SqliteConnection) -> QueryResult<()> {
    // The question makes sure that the companions are there.
    connection.batch_execute("PRAGMA journal_mode = WAL; PRAGMA schema_version;")
}

/// None of these takes a lock. The size limit keeps a WAL file that grew under load from staying large for ever.
fn set_up(connection: &mut SqliteConnection, busy: Duration) -> QueryResult<()> {
    connection.batch_execute(&format!(
        "PRAGMA busy_timeout = {};
         PRAGMA synchronous = FULL;
         PRAGMA foreign_keys = ON;
         PRAGMA journal_size_limit = 67108864;",
        busy.as_millis()
    ))
}

fn connect(path: &Path, mode: Mode) -> ConnectionResult<SqliteConnection> {
    SqliteConnection::establish(&uri(path, mode))
}

/// Diesel takes some texts for other things than a file name, `:memory:` among them, and SQLite reads the mode from a
/// URI alone.
fn uri(path: &Path, mode: Mode) -> String {
    let mut uri = String::from(if path.is_absolute() { "file://" } else { "file:./" });
    for byte in path.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || b"/._-~".contains(byte) {
            uri.push(char::from(*byte));
        } else {
            // Writing to a String does not fail.
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri.push_str(match mode {
        Mode::Create => "?mode=rwc",
        Mode::Write => "?mode=rw",
        Mode::Read => "?mode=ro",
    });
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_path_whatever_is_in_it() {
        for (path, expected) in [
            ("data/x.db", "file:./data/x.db?mode=rw"),
            ("/data/x.db", "file:///data/x.db?mode=rw"),
            ("//data/x.db", "file:////data/x.db?mode=rw"),
            (":memory:", "file:./%3Amemory%3A?mode=rw"),
            ("/a b?mode=ro#c%20.db", "file:///a%20b%3Fmode%3Dro%23c%2520.db?mode=rw"),
            ("/\u{fc}.db", "file:///%C3%BC.db?mode=rw"),
        ] {
            assert_eq!(uri(Path::new(path), Mode::Write), expected);
        }
    }
}
