//! What can go wrong on opening and migrating a database. Errors of single operations are the domain's `StoreError`.

use std::path::PathBuf;

use crate::connection::url::DatabaseUrl;

/// Why a database could not be opened or migrated.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The folder of a SQLite file could not be made.
    #[error("the folder {} cannot be made ({source}); make it, or choose another storage.url", path.display())]
    Folder { path: PathBuf, source: std::io::Error },
    /// The database did not take a connection.
    #[error(
        "the database {url} cannot be opened ({source}); check {} and that storage.url is right", url.what_to_check()
    )]
    Connect { url: DatabaseUrl, source: Box<dyn std::error::Error + Send + Sync> },
    /// The server only follows another one.
    #[error(
        "the database {url} is a standby, which takes no writes; storage.url has to lead to the primary: name it, or all servers \
         with commas between them, as in postgres://a,b/database"
    )]
    Standby { url: DatabaseUrl },
    /// The file of a SQLite database cannot be read as one.
    #[error(
        "the database {url} is damaged, or no SQLite database ({source}); restore it, or choose another storage.url"
    )]
    Damaged { url: DatabaseUrl, source: Box<dyn std::error::Error + Send + Sync> },
    /// A schema migration, or the look at which ones were applied, failed.
    #[error(
        "the schema of the database {url} cannot be read or changed ({source}); check the rights of its user"
    )]
    Migration { url: DatabaseUrl, source: Box<dyn std::error::Error + Send + Sync> },
    /// Somebody else holds what a migration needs.
    #[error(
        "another process is changing the schema of the database {url}, or holds a lock on its tables ({source}); try again once \
         it is done"
    )]
    Busy { url: DatabaseUrl, source: Box<dyn std::error::Error + Send + Sync> },
    /// The schema is that of a newer program, or of another one.
    #[error(
        "the database {url} has the migrations {}, which this program does not know; run the newer program that applied \
         them, which can revert them too, or choose another storage.url", unknown.join(", ")
    )]
    UnknownMigrations {
        url: DatabaseUrl,
        /// The numbers of those migrations.
        unknown: Vec<String>,
    },
    /// Tables are not there although the migrations that make them were applied.
    #[error(
        "the database {url} lacks the tables {}, which its migrations had made; restore it from a backup, or choose \
         another storage.url", missing.join(", ")
    )]
    TablesMissing { url: DatabaseUrl, missing: Vec<String> },
    /// Tables that migrations are to make are there already.
    #[error(
        "the database {url} has the tables {}, which no migration of this program made; choose another storage.url",
        foreign.join(", ")
    )]
    ForeignTables { url: DatabaseUrl, foreign: Vec<String> },
}
