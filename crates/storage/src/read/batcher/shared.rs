//! What all workers and those who ask share.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use gathering_domain::time::{Clock, Retention};

use super::lookup::Lookup;
use super::queue::Queue;
use crate::connection::epoch::Epoch;
use crate::connection::network::Server;
use crate::connection::opener::Opener;

/// Where lookups come from, how many workers have a connection, and how to get one.
pub(super) struct Shared {
    /// What the connections of all workers together are called.
    pub(super) pool: &'static str,
    /// What the server has to be.
    pub(super) server: Server,
    pub(super) queue: Queue<Lookup>,
    pub(super) connected: AtomicUsize,
    pub(super) opener: Opener,
    pub(super) epoch: Arc<Epoch>,
    pub(super) pool_timeout: Duration,
    pub(super) query_timeout: Duration,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) retention: Retention,
}
