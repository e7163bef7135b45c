//! PostgreSQL.

mod content;
mod lists;
mod purge;
mod read;
mod write;

pub(crate) use content::{insert_content, load_content};
pub(crate) use lists::{ShortRows, long_list, short_lists};
pub(crate) use purge::{purge_clusters, purge_requests};
pub(crate) use read::{
    AskedClusters, AskedRequests, Position, can_write, known_clusters, prepare_for_reading, records, reports,
    states,
};
pub(crate) use write::write;
