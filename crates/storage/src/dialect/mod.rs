//! SQL that differs between the databases: reading, writing a batch, and purging in small steps.

pub(crate) mod postgres;
pub(crate) mod sqlite;
