//! Transactions that write events, on a thread and within their time.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use gathering_domain::event::{EventOutcome, RequestEvent};
use gathering_domain::store::StoreError;
use gathering_domain::time::{Clock, Retention};
use tokio::sync::OwnedSemaphorePermit;

use super::store_events;
use super::table::{Limits, Table};
use super::turn::Turn;
use crate::connection::any::AnyConnection;
use crate::connection::executor::Bounds;
use crate::database::Database;
use crate::error::failure::Failure;

/// Writes events to a database.
pub(crate) struct Transactions {
    pub(crate) database: Database,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) retention: Retention,
    pub(crate) query_timeout: Duration,
}

impl Transactions {
    /// Records a part of a batch. `held` is held until the transaction is over, also when nobody waits for it any more.
    pub(crate) async fn write(
        &self,
        batch: Arc<[RequestEvent]>,
        part: Range<usize>,
        limits: Limits,
        held: impl Send + 'static,
    ) -> Result<Vec<EventOutcome>, Failure> {
        self.database.prepare_for_work().map_err(Failure::not_begun)?;
        let (now, retention) = (self.clock.now(), self.retention);
        let work = move |connection: &mut AnyConnection| {
            let _held = &held;
            let part = batch.get(part.clone()).unwrap_or_default();
            store_events::store(connection, part, now, retention, limits)
        };
        self.database.writes.run_within(self.bounds(limits, Duration::ZERO), work).await
    }

    /// Finds out whether the database takes an event of this size. `held` is held as with a write.
    async fn probe(&self, size: usize, limits: Limits, held: impl Send + 'static) -> Result<(), Failure> {
        let (now, retention) = (self.clock.now(), self.retention);
        let work = move |connection: &mut AnyConnection| {
            let _held = &held;
            store_events::probe(connection, size, now, retention, limits)
        };
        // What an isolated event fails at is its own as far as anybody knows. If the harmless one fails, too, and did not wait
        // for a lock, it may be the connection.
        let bounds = self.bounds(limits, limits.lock.unwrap_or_default());
        self.database.writes.run_within(bounds, work).await
    }

    /// `doubt` is how soon an error has to come to be blamed on the connection.
    fn bounds(&self, limits: Limits, doubt: Duration) -> Bounds {
        match limits.lock {
            // The server ends such a statement itself at the end, and has to be heard saying so.
            Some(_) => Bounds { end: limits.end, grace: self.query_timeout / 16, doubt },
            None => Bounds { end: limits.end, grace: Duration::ZERO, doubt: self.query_timeout / 8 },
        }
    }
}

/// Transactions one at a time, as the batch writer needs them.
pub(crate) struct OneAtATime {
    transactions: Transactions,
    turn: Turn,
}

impl OneAtATime {
    pub(crate) const fn new(transactions: Transactions, turn: Turn) -> Self {
        Self { transactions, turn }
    }

    async fn take_turn(&self, limits: Limits) -> Result<Option<OwnedSemaphorePermit>, Failure> {
        let timed_out = || StoreError::Timeout { limit: self.transactions.query_timeout };
        self.turn.take(limits.end).await.ok_or_else(|| Failure::not_begun(timed_out()))
    }
}

impl Table for OneAtATime {
    async fn write(
        &self,
        batch: Arc<[RequestEvent]>,
        part: Range<usize>,
        limits: Limits,
    ) -> Result<Vec<EventOutcome>, Failure> {
        let turn = self.take_turn(limits).await?;
        self.transactions.write(batch, part, limits, turn).await
    }

    async fn probe(&self, size: usize, limits: Limits) -> Result<(), Failure> {
        self.transactions.database.prepare_for_work().map_err(Failure::not_begun)?;
        let turn = self.take_turn(limits).await?;
        self.transactions.probe(size, limits, turn).await
    }
}
