//! What the batch writer needs of a database.

use std::future::Future;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gathering_domain::event::{EventOutcome, RequestEvent};
use gathering_domain::store::StoreError;

use crate::error::failure::Failure;

/// What the batch writer needs of a database.
pub(crate) trait Table: Send + Sync + 'static {
    /// Records a part of a batch in one transaction: all of it, or on an error nothing.
    fn write(
        &self,
        batch: Arc<[RequestEvent]>,
        part: Range<usize>,
        limits: Limits,
    ) -> impl Future<Output = Result<Vec<EventOutcome>, Failure>> + Send;

    /// Whether the database would take an event of this size, in bytes, that nothing is odd about. Records nothing.
    fn probe(&self, size: usize, limits: Limits) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// Within which limits a transaction is to be written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// From then on nobody waits for it: it is not committed any more.
    pub(crate) end: Instant,
    /// How long to wait for a lock that another transaction holds; as long as the connection is set to without it. SQLite has
    /// one lock for all, and waits for it as it is set to. With it, statements end with the time as well: the server is to be
    /// free for the next attempt by then.
    pub(crate) lock: Option<Duration>,
}

/// What became of an event.
pub(crate) type EventResult = Result<EventOutcome, StoreError>;
