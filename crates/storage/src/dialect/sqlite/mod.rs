//! SQLite.

mod purge;
mod read;
mod write;

pub(crate) use purge::{purge_clusters, purge_requests};
pub(crate) use read::{long_list, report, select, short_list, state};
pub(crate) use write::write;
