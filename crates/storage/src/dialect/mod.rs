//! SQL that must differ between the databases: writing a batch, and purging in small steps.

pub(crate) mod postgres;
pub(crate) mod sqlite;
