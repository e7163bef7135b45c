//! What can go wrong on opening and migrating a database. Errors of single operations are the domain's `StoreError`.

use std::path::PathBuf;

use crate::DatabaseUrl;

/// Why a database could not be opened or migrated.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The URL names no database that is supported.
    #[error(
        "a database URL is sqlite://relative/path, sqlite:///absolute/path or postgres://user@host/database; \
         SQLite in memory is not supported"
    )]
    Url,
    /// The folder of a SQLite file could not be made.
    #[error("the folder {} cannot be made ({source}); make it, or choose another storage.url", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The database did not take a connection.
    #[error(
        "the database {url} cannot be opened ({source}); check {} and that storage.url is right", url.what_to_check()
    )]
    Connect {
        /// Which database, without its password.
        url: DatabaseUrl,
        /// What the driver said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A schema migration, or the look at which ones were applied, failed.
    #[error(
        "the schema of the database {url} cannot be read or changed ({source}); check the rights of its user"
    )]
    Migration {
        /// Which database, without its password.
        url: DatabaseUrl,
        /// What the driver said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}
