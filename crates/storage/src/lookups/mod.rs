//! Reading PostgreSQL: questions wait in a queue, and few threads, each with a connection of its own, answer all that wait
//! with one statement.
//!
//! A round trip costs more than looking up one row, and a thread for each question more than both. While a statement runs
//! the next questions gather by themselves, so a lone caller waits for no other's question.

mod answer;
mod batch;
mod pulse;
mod question;
mod queue;
mod thread;

use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use gathering_domain::{
    Clock, ClusterId, OrganizationId, RequestId, RequestKey, RequestRecord, StoreError, StoreQueue,
    StoredReport,
};
use tokio::task::yield_now;
use tokio::time::timeout_at;

use self::answer::{Answer, Delivery};
use self::question::{Asked, List, Question, Selection, Whole};
use self::queue::Queue;
use self::thread::{Surroundings, Thread};
use crate::connection::Opener;
use crate::epoch::Epoch;
use crate::rows::{self, KeptState, ShortList};
use crate::{PoolState, Settings};

/// Questions that may wait. Over it callers are turned away at once: at the slowest rate that was measured (some 7,000 a
/// second) the last of these waits for a second and a half.
const WAITING: usize = 10_000;

/// Threads that hang in the driver and were replaced, at most. With more of them hanging, the network or the server does,
/// and new ones would too.
const REPLACED: usize = 4;

const POOL: &str = "postgres_lookup";

/// Answers questions from PostgreSQL. The threads start with the first question, and end when this is dropped.
pub(crate) struct Lookups {
    surroundings: Arc<Surroundings>,
    threads: OnceLock<Mutex<Vec<Thread>>>,
    size: usize,
}

impl Lookups {
    pub(crate) fn new(
        opener: &Opener,
        epoch: &Arc<Epoch>,
        size: usize,
        settings: &Settings,
        clock: &Arc<dyn Clock>,
    ) -> Self {
        let Settings { pool_timeout, query_timeout, retention, .. } = *settings;
        let (opener, epoch, clock) = (opener.clone(), Arc::clone(epoch), Arc::clone(clock));
        let queue = Queue::new(WAITING);
        let connected = AtomicUsize::new(0);
        let surroundings =
            Surroundings { queue, connected, opener, epoch, pool_timeout, query_timeout, clock, retention };
        Self { surroundings: Arc::new(surroundings), threads: OnceLock::new(), size }
    }

    /// Asks for a request that nobody has: the ID of its cluster is none.
    pub(crate) async fn ping(&self) -> Result<(), StoreError> {
        let (Ok(organization), Ok(request)) = (OrganizationId::try_from(1), "ping".parse()) else {
            return Err(StoreError::defect("the request to ask for has no ID"));
        };
        let key = RequestKey { organization, cluster: ClusterId::from_bytes([0; 16]), request };
        self.state(&key).await.map(|_| ())
    }

    pub(crate) async fn state(&self, key: &RequestKey) -> Result<Option<KeptState>, StoreError> {
        let about = key.clone();
        self.ask(|answer| Question::State(Asked { about, answer })).await
    }

    pub(crate) async fn report(&self, key: &RequestKey) -> Result<Option<StoredReport>, StoreError> {
        let about = key.clone();
        self.ask(|answer| Question::Report(Asked { about, answer })).await
    }

    pub(crate) async fn list(
        &self,
        organization: OrganizationId,
        cluster: ClusterId,
    ) -> Result<ShortList, StoreError> {
        let about = Whole(organization, cluster);
        let list = self.ask(|answer| Question::List(Asked { about, answer })).await?;
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
        let about = Selection(organization, cluster, requests);
        self.ask(|answer| Question::Select(Asked { about, answer })).await
    }

    async fn ask<T>(&self, question: impl FnOnce(Answer<T>) -> Question) -> Result<T, StoreError> {
        self.threads();
        let Surroundings { queue, pool_timeout, query_timeout, .. } = &*self.surroundings;
        let (pool_timeout, query_timeout) = (*pool_timeout, *query_timeout);
        let asked = Instant::now();
        let (answer, mut answered) = Answer::new();
        let full = || StoreError::QueueFull { queue: StoreQueue::Lookups, limit: WAITING };
        let (ticket, bell) = queue.push(question(answer)).ok_or_else(full)?;
        if bell.is_some() {
            // Others on this thread that are ready to ask do so before a thread wakes for all of them.
            yield_now().await;
            drop(bell);
        }
        let ended = |_| StoreError::unavailable("the thread that was to answer has ended");
        let for_a_thread = pool_timeout.min(query_timeout);
        match timeout_at((asked + for_a_thread).into(), &mut answered).await {
            Ok(delivery) => return delivery.map(Delivery::open).map_err(ended)?,
            Err(_) if !queue.was_taken(ticket) => {
                self.replace_stuck();
                return Err(StoreError::PoolExhausted { waited: for_a_thread });
            }
            Err(_) => {}
        }
        // The server ends a statement by itself; this is for one that nothing is heard of any more, or that waited first.
        if let Ok(delivery) = timeout_at((asked + query_timeout).into(), answered).await {
            return delivery.map(Delivery::open).map_err(ended)?;
        }
        self.replace_stuck();
        Err(StoreError::Timeout { limit: query_timeout })
    }

    fn threads(&self) -> &Mutex<Vec<Thread>> {
        self.threads.get_or_init(|| {
            let mut threads = Vec::new();
            self.start(&mut threads, self.size);
            Mutex::new(threads)
        })
    }

    fn start(&self, threads: &mut Vec<Thread>, count: usize) {
        for _ in 0..count {
            let has_first = threads.iter().any(|thread| thread.is_first() && !thread.is_replaced());
            match Thread::start(Arc::clone(&self.surroundings), !has_first) {
                Ok(thread) => threads.push(thread),
                Err(error) => log::error!("a thread for lookups cannot be started: {error}"),
            }
        }
    }

    /// Starts a new thread for each that hangs in the driver. Nobody waits for those.
    fn replace_stuck(&self) {
        let mut threads = self.threads().lock().unwrap_or_else(PoisonError::into_inner);
        threads.retain(|thread| !thread.has_ended());
        let replaced = threads.iter().filter(|thread| thread.is_replaced()).count();
        // Whoever gave up asked a little before the thread began.
        let limit = self.surroundings.query_timeout * 7 / 8;
        let stuck = threads
            .iter()
            .filter(|thread| !thread.is_replaced() && thread.busy_for().is_some_and(|time| time > limit))
            .take(REPLACED.saturating_sub(replaced));
        stuck.for_each(Thread::give_up);
        let working = threads.iter().filter(|thread| !thread.is_replaced()).count();
        self.start(&mut threads, self.size.saturating_sub(working));
    }

    pub(crate) fn connections(&self) -> PoolState {
        let mut state = PoolState { name: POOL, connections: 0, idle: 0 };
        if let Some(threads) = self.threads.get() {
            let threads = threads.lock().unwrap_or_else(PoisonError::into_inner);
            for thread in threads.iter().filter(|thread| thread.is_connected()) {
                state.connections += 1;
                state.idle += u32::from(thread.busy_for().is_none());
            }
        }
        state
    }
}

impl Drop for Lookups {
    fn drop(&mut self) {
        self.surroundings.queue.close();
    }
}
