//! SQLite.

mod purge;
mod read;
mod write;

pub(crate) use purge::{purge_clusters, purge_requests};
pub(crate) use read::{list, report, select, state};
pub(crate) use write::write;
