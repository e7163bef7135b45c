//! Transactions that write events, on a thread and within their time.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use gathering_domain::event::{EventOutcome, RequestEvent};
use gathering_domain::store::StoreError;
use gathering_domain::time::{Clock, Retention};

use super::store_events;
use super::table::{Limits, Table};
use super::turn::{Turn, TurnGuard};
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
        // An isolated event fails by its own fault, as far as anybody knows: no error of it is blamed on the connection.
        let doubt = if limits.lock.is_some() { Duration::ZERO } else { self.query_timeout / 8 };
        self.database.writes.run_within(self.bounds(limits, doubt), work).await
    }

    /// Finds out whether the database takes an event of this size. `held` is held as with a write.
    async fn probe(&self, size: usize, limits: Limits, held: impl Send + 'static) -> Result<(), Failure> {
        let (now, retention) = (self.clock.now(), self.retention);
        let work = move |connection: &mut AnyConnection| {
            let _held = &held;
            store_events::probe(connection, size, now, retention, limits)
        };
        // A harmless event that fails without waiting for a lock may have a connection that is useless.
        let bounds = self.bounds(limits, limits.lock.unwrap_or(self.query_timeout / 8));
        self.database.writes.run_within(bounds, work).await
    }

    /// `doubt` is how soon an error has to come to be blamed on the connection.
    fn bounds(&self, limits: Limits, doubt: Duration) -> Bounds {
        // Where locks have a limit the server ends a statement itself at the end, and has to be heard saying so.
        let grace = if limits.lock.is_some() { self.query_timeout / 16 } else { Duration::ZERO };
        Bounds { end: limits.end, grace, doubt }
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

    async fn take_turn(&self, limits: Limits) -> Result<TurnGuard, Failure> {
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
