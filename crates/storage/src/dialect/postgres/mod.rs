//! PostgreSQL.

mod purge;
mod read;
mod write;

pub(crate) use purge::{purge_clusters, purge_requests};
pub(crate) use read::{
    AskedClusters, AskedRequests, Position, can_write, known_clusters, lists, prepare_for_reading, records,
    reports, states,
};
pub(crate) use write::write;
