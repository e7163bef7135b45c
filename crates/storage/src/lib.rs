//! The ports of the domain on SQLite and PostgreSQL, with diesel and r2d2.
//!
//! What the databases share is written once against `AnyConnection`; what differs, or has to be fast, is in `dialect`.
//! No call blocks longer than the pool and query timeouts of [`Settings`], whatever the database or the network does; but
//! SQLite is read on the thread that asks, which nothing can interrupt when a disk stalls.
//! This crate knows nothing of HTTP, tokens, or the wire format of messages.

mod authorities;
mod batch_writer;
mod cluster_uuid;
mod connection;
mod content;
mod database_url;
mod dialect;
mod epoch;
mod error;
mod events;
mod failure;
mod isolation;
mod lane;
mod lookups;
mod migrator;
mod notice;
mod pending;
mod pool;
mod processed;
mod purge;
mod readers;
mod rows;
mod schema;
mod sqlite_file;
mod steps;
mod storage;
mod suspects;
mod turn;
mod writes;

pub use batch_writer::{BatchWriter, WriterState};
pub use database_url::DatabaseUrl;
pub use error::StorageError;
pub use migrator::Migrator;
pub use pool::PoolState;
pub use sqlite_file::SqliteFileError;
pub use storage::{Settings, Storage};
