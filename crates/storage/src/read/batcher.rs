//! Reading PostgreSQL: lookups wait in a queue, and few workers, each a thread with a connection of its own, answer all that
//! wait with one statement.
//!
//! A round trip costs more than looking up one row, and a thread for each lookup more than both. While a statement runs
//! the next lookups gather by themselves, so a lone caller waits for nobody else's.
//!
//! The queue is our own since channels cost more than a tenth: see ADR 10, which also says what each part buys.

mod batch;
mod lookup;
mod patience;
mod queue;
mod reply;
mod shared;
mod status;
mod worker;

use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use gathering_domain::ids::{ClusterId, OrganizationId, RequestId, RequestKey};
use gathering_domain::request::{RequestRecord, RequestState, StoredReport};
use gathering_domain::store::{StoreError, StoreQueue};
use gathering_domain::time::Clock;
use tokio::time::timeout_at;

use self::lookup::{ClusterKey, List, Lookup, PendingLookup, Position, Selection};
use self::queue::Queue;
use self::reply::{Reply, ReplySender};
use self::shared::Shared;
use self::worker::WorkerHandle;
use crate::connection::epoch::Epoch;
use crate::connection::network::Server;
use crate::connection::opener::Opener;
use crate::connection::pool::PoolState;
use crate::read::postgres::position::ServerPosition;
use crate::read::postgres::session::{FOR_READING, FOR_READING_WITHOUT_CITUS};
use crate::read::rows::{self, KeptStatus, ShortList};
use crate::settings::Settings;

/// Lookups that may wait. Over it callers are turned away at once: at the slowest rate that was measured (some 7,000 a
/// second) the last of these waits for a second and a half.
const CAPACITY: usize = 10_000;

/// Workers, each with a connection. The first answers all there is as long as that goes fast, the second what had to wait for it.
const WORKERS: u32 = 2;

/// Workers that hang in the driver and were replaced, at most. With more of them hanging, the network or the server does,
/// and new ones would too.
const REPLACED: usize = 4;

/// Answers lookups from PostgreSQL. The workers start with the first lookup, and end when this is dropped.
pub(crate) struct LookupBatcher {
    shared: Arc<Shared>,
    workers: OnceLock<Mutex<Vec<WorkerHandle>>>,
    size: usize,
}

impl LookupBatcher {
    /// One that asks a server of this kind at this URL. Of the settings, the time limits count, the retention and the pooler.
    pub(crate) fn new(
        url: &str,
        server: Server,
        epoch: &Arc<Epoch>,
        settings: &Settings,
        clock: &Arc<dyn Clock>,
    ) -> Self {
        let Settings { pool_size, pool_timeout, query_timeout, retention, pooler, .. } = *settings;
        let pool = match server {
            Server::Primary => "postgres_lookup",
            Server::Standby => "postgres_standby",
        };
        let opener = Opener::postgres(url, server, pooler, pool_timeout, query_timeout)
            .set_to(FOR_READING, FOR_READING_WITHOUT_CITUS);
        let (epoch, clock) = (Arc::clone(epoch), Arc::clone(clock));
        let (queue, connected) = (Queue::new(CAPACITY), AtomicUsize::new(0));
        let shared = Shared {
            pool,
            server,
            queue,
            connected,
            opener,
            epoch,
            pool_timeout,
            query_timeout,
            clock,
            retention,
        };
        let size = WORKERS.min(pool_size).max(1) as usize;
        Self { shared: Arc::new(shared), workers: OnceLock::new(), size }
    }

    /// When whoever asks now gives up.
    fn end(&self) -> Instant {
        Instant::now() + self.shared.query_timeout
    }

    /// Asks the server what it is.
    pub(crate) async fn position(&self) -> Result<ServerPosition, StoreError> {
        let key = Position;
        self.ask(self.end(), |reply| Lookup::Position(PendingLookup { key, reply })).await
    }

    /// Asks for a request that nobody has: the ID of its cluster is none.
    pub(crate) async fn ping(&self) -> Result<(), StoreError> {
        let (Ok(organization), Ok(request)) = (OrganizationId::try_from(1), "ping".parse()) else {
            return Err(StoreError::defect("the request to ask for has no ID"));
        };
        let key = RequestKey { organization, cluster: ClusterId::from_bytes([0; 16]), request };
        self.status(&key, self.end()).await.map(|_| ())
    }

    /// Waits until `end`, and not longer than the query timeout.
    pub(crate) async fn status(
        &self,
        key: &RequestKey,
        end: Instant,
    ) -> Result<Option<KeptStatus>, StoreError> {
        let key = key.clone();
        self.ask(end, |reply| Lookup::Status(PendingLookup { key, reply })).await
    }

    /// The states of some hundred requests at most: others wait for the batch that they are in.
    pub(crate) async fn states(&self, keys: &[RequestKey]) -> Result<Vec<Option<RequestState>>, StoreError> {
        let key = keys.to_vec();
        self.ask(self.end(), |reply| Lookup::States(PendingLookup { key, reply })).await
    }

    /// Waits until `end`, and not longer than the query timeout.
    pub(crate) async fn report(
        &self,
        key: &RequestKey,
        end: Instant,
    ) -> Result<Option<StoredReport>, StoreError> {
        let key = key.clone();
        self.ask(end, |reply| Lookup::Report(PendingLookup { key, reply })).await
    }

    pub(crate) async fn list(
        &self,
        organization: OrganizationId,
        cluster: ClusterId,
    ) -> Result<ShortList, StoreError> {
        let key = ClusterKey(organization, cluster);
        let list = self.ask(self.end(), |reply| Lookup::List(PendingLookup { key, reply })).await?;
        // Read here: what one thread allocates another frees slowly, and a list has a piece of memory for each request.
        match list {
            None => Ok(ShortList::Unknown),
            Some(List::Empty) => Ok(ShortList::Whole(Vec::new())),
            Some(List::Records(columns)) => rows::records(&columns)
                .map(|records| ShortList::Whole(rows::newest_first(records)))
                .map_err(StoreError::defect),
            Some(List::TooLong) => Ok(ShortList::TooLong),
        }
    }

    pub(crate) async fn select(
        &self,
        organization: OrganizationId,
        cluster: ClusterId,
        requests: &[RequestId],
    ) -> Result<Vec<RequestRecord>, StoreError> {
        let mut requests = requests.to_vec();
        requests.sort_unstable();
        requests.dedup();
        let key = Selection(organization, cluster, requests);
        self.ask(self.end(), |reply| Lookup::Select(PendingLookup { key, reply })).await
    }

    async fn ask<T>(
        &self,
        end: Instant,
        lookup: impl FnOnce(ReplySender<T>) -> Lookup,
    ) -> Result<T, StoreError> {
        self.workers();
        let Shared { queue, pool_timeout, query_timeout, .. } = &*self.shared;
        let asked = Instant::now();
        let end = end.min(asked + *query_timeout);
        let (sender, mut reply) = ReplySender::new();
        let full = || StoreError::QueueFull { queue: StoreQueue::Lookups, limit: CAPACITY };
        let ticket = queue.push(lookup(sender)).ok_or_else(full)?;
        let ended = |_| StoreError::unavailable("the thread that was to answer has ended");
        let for_a_worker = (*pool_timeout).min(end.saturating_duration_since(asked));
        match timeout_at((asked + for_a_worker).into(), &mut reply).await {
            Ok(reply) => return reply.map(Reply::open).map_err(ended)?,
            Err(_) if !queue.was_taken(ticket) => {
                self.replace_stuck();
                return Err(StoreError::PoolExhausted { waited: for_a_worker });
            }
            Err(_) => {}
        }
        // The server ends a statement by itself; this is for one that nothing is heard of any more, or that waited first.
        if let Ok(reply) = timeout_at(end.into(), reply).await {
            return reply.map(Reply::open).map_err(ended)?;
        }
        self.replace_stuck();
        Err(StoreError::Timeout { limit: *query_timeout })
    }

    fn workers(&self) -> &Mutex<Vec<WorkerHandle>> {
        self.workers.get_or_init(|| {
            let mut workers = Vec::new();
            self.start(&mut workers, self.size);
            Mutex::new(workers)
        })
    }

    fn start(&self, workers: &mut Vec<WorkerHandle>, count: usize) {
        for _ in 0..count {
            let has_first = workers.iter().any(|worker| worker.is_first() && !worker.is_replaced());
            match WorkerHandle::start(Arc::clone(&self.shared), !has_first) {
                Ok(worker) => workers.push(worker),
                Err(error) => log::error!("a thread for lookups cannot be started: {error}"),
            }
        }
    }

    /// Starts a new worker for each that hangs in the driver. Nobody waits for those.
    fn replace_stuck(&self) {
        let mut workers = self.workers().lock().unwrap_or_else(PoisonError::into_inner);
        workers.retain(|worker| !worker.has_ended());
        let replaced = workers.iter().filter(|worker| worker.is_replaced()).count();
        // Whoever gave up asked a little before the worker began.
        let limit = self.shared.query_timeout * 7 / 8;
        let stuck = workers
            .iter()
            .filter(|worker| !worker.is_replaced() && worker.busy_for().is_some_and(|time| time > limit))
            .take(REPLACED.saturating_sub(replaced));
        for worker in stuck {
            worker.give_up();
            self.shared.epoch.end_after_silence();
        }
        let working = workers.iter().filter(|worker| !worker.is_replaced()).count();
        self.start(&mut workers, self.size.saturating_sub(working));
    }

    pub(crate) fn connections(&self) -> PoolState {
        let mut state = PoolState {
            name: self.shared.pool,
            connections: 0,
            most: u32::try_from(self.size).unwrap_or(u32::MAX),
            idle: 0,
        };
        if let Some(workers) = self.workers.get() {
            let workers = workers.lock().unwrap_or_else(PoisonError::into_inner);
            for worker in workers.iter().filter(|worker| worker.is_connected()) {
                state.connections += 1;
                state.idle += u32::from(worker.busy_for().is_none());
            }
        }
        state
    }
}

impl Drop for LookupBatcher {
    fn drop(&mut self) {
        self.shared.queue.close();
    }
}
