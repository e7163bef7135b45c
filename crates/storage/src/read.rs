//! What is asked of the table of requests.

pub(crate) mod batcher;
pub(crate) mod postgres;
pub(crate) mod postgres_reads;
pub(crate) mod processed;
pub(crate) mod readers;
pub(crate) mod rows;
pub(crate) mod sqlite;
pub(crate) mod standby;
