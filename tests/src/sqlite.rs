//! What tests do to SQLite files behind the service's back.

use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};

/// A SQLite file that nobody else can write to until this is dropped.
pub struct LockedSqlite(SqliteConnection);

impl std::fmt::Debug for LockedSqlite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LockedSqlite").finish_non_exhaustive()
    }
}

impl LockedSqlite {
    /// Takes the lock.
    ///
    /// # Panics
    /// If it cannot be had.
    pub fn new(file: &Path) -> Self {
        let mut connection =
            SqliteConnection::establish(&file.display().to_string()).expect("the file opens");
        connection
            .batch_execute("PRAGMA busy_timeout = 10000; BEGIN IMMEDIATE")
            .expect("the lock can be had");
        Self(connection)
    }
}

impl Drop for LockedSqlite {
    fn drop(&mut self) {
        // Closing the connection would do it too.
        let _ = self.0.batch_execute("ROLLBACK");
    }
}

/// Runs SQL on a SQLite file behind a service's back.
///
/// # Panics
/// If it fails.
pub fn execute_on_sqlite(file: &Path, sql: &str) {
    let mut connection = SqliteConnection::establish(&file.display().to_string()).expect("the file opens");
    connection
        .batch_execute(&format!("PRAGMA busy_timeout = 10000; {sql}"))
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
}
