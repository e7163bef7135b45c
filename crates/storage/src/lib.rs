//! The ports of the domain on SQLite and PostgreSQL, with diesel and r2d2.
//!
//! `connection` opens databases and runs work on them, `read` and `write` hold what is asked of the table of requests, and
//! `content` what is asked of rule content; `care` is for those who run the service. Statements lie beside what they serve; what differs between the databases is in
//! files called `postgres` and `sqlite`.
//!
//! No call blocks longer than the pool and query timeouts of [`Settings`], whatever the database or the network does; but
//! SQLite is read on the thread that asks, which nothing can interrupt when a disk stalls.
//! This crate knows nothing of HTTP, tokens, or the wire format of messages.

#![expect(
    missing_docs,
    reason = "the server alone uses this crate; what a name says already needs no sentence"
)]

mod care;
mod columns;
mod connection;
mod content;
mod database;
mod error;
mod read;
mod schema;
mod settings;
mod storage;
mod throttle;
mod write;

pub use care::backup::{BackupError, copy_sqlite};
pub use care::erase::{Erased, ErasedSoFar, Erasure};
pub use care::recorded::{RecordedOrganization, RecordedRequest};
pub use connection::migrations::{MigrationStep, Migrator};
pub use connection::pool::PoolState;
pub use connection::session::Pooler;
pub use connection::url::{DatabaseUrl, InvalidDatabaseUrl};
pub use error::plain::plain_reason;
pub use error::sqlite_file::SqliteFileError;
pub use error::storage::StorageError;
pub use read::standby::StandbyStats;
pub use settings::Settings;
pub use storage::Storage;
pub use write::batch_writer::BatchWriter;
pub use write::batch_writer::stats::WriterStats;
