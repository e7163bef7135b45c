//! What is written to the table of requests, and deleted from it.

pub(crate) mod batch_writer;
mod event_rows;
mod isolation;
mod postgres;
pub(crate) mod purge;
mod sqlite;
pub(crate) mod store_events;
mod suspects;
pub(crate) mod table;
pub(crate) mod transactions;
pub(crate) mod turn;
mod upsert;
