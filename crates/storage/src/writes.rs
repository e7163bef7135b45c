//! A store as the batch writer writes to it.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use gathering_domain::{EventOutcome, RequestEvent, StoreError};
use tokio::sync::OwnedSemaphorePermit;

use crate::connection::AnyConnection;
use crate::events::{self, Limits};
use crate::failure::Failure;
use crate::isolation::Table;
use crate::lane::Bounds;
use crate::storage::Storage;
use crate::turn::Turn;

impl Storage {
    /// `held` is held until the transaction is over, also when nobody waits for it any more.
    pub(crate) async fn write(
        &self,
        batch: Arc<[RequestEvent]>,
        part: Range<usize>,
        limits: Limits,
        held: impl Send + 'static,
    ) -> Result<Vec<EventOutcome>, Failure> {
        self.prepare_for_work().map_err(Failure::not_begun)?;
        let (now, retention) = (self.clock.now(), self.retention);
        let work = move |connection: &mut AnyConnection| {
            let _held = &held;
            let part = batch.get(part.clone()).unwrap_or_default();
            events::store(connection, part, now, retention, limits)
        };
        self.writes.run_within(self.bounds(limits, Duration::ZERO), work).await
    }

    /// `doubt` is how soon an error has to come to be blamed on the connection.
    fn bounds(&self, limits: Limits, doubt: Duration) -> Bounds {
        let query_timeout = self.patience.query_timeout;
        match limits.lock {
            // The server ends such a statement itself at the end, and has to be heard saying so.
            Some(_) => Bounds { end: limits.end, grace: query_timeout / 16, doubt },
            None => Bounds { end: limits.end, grace: Duration::ZERO, doubt: query_timeout / 8 },
        }
    }
}

/// A store as the batch writer writes to it: one transaction at a time.
pub(crate) struct Writes {
    storage: Storage,
    turn: Turn,
}

impl Table for Writes {
    async fn write(
        &self,
        batch: Arc<[RequestEvent]>,
        part: Range<usize>,
        limits: Limits,
    ) -> Result<Vec<EventOutcome>, Failure> {
        let turn = self.take_turn(limits).await?;
        self.storage.write(batch, part, limits, turn).await
    }

    async fn probe(&self, size: usize, limits: Limits) -> Result<(), Failure> {
        self.storage.prepare_for_work().map_err(Failure::not_begun)?;
        let turn = self.take_turn(limits).await?;
        let (now, retention) = (self.storage.clock.now(), self.storage.retention);
        let work = move |connection: &mut AnyConnection| {
            let _held = &turn;
            events::probe(connection, size, now, retention, limits)
        };
        // What an isolated event fails at is its own as far as anybody knows. If the harmless one fails, too, and did not wait
        // for a lock, it may be the connection.
        let bounds = self.storage.bounds(limits, limits.lock.unwrap_or_default());
        self.storage.writes.run_within(bounds, work).await
    }
}

impl Writes {
    pub(crate) const fn new(storage: Storage, turn: Turn) -> Self {
        Self { storage, turn }
    }

    async fn take_turn(&self, limits: Limits) -> Result<Option<OwnedSemaphorePermit>, Failure> {
        let timed_out = || StoreError::Timeout { limit: self.storage.patience.query_timeout };
        self.turn.take(limits.end).await.ok_or_else(|| Failure::not_begun(timed_out()))
    }
}
