//! The store: the domain's ports on a database.

mod health;
mod rule_content;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel::QueryResult;
use diesel::connection::SimpleConnection;
use gathering_domain::event::{EventOutcome, RequestEvent};
use gathering_domain::ids::{ClusterId, OrganizationId, RequestId, RequestKey};
use gathering_domain::request::{RequestRecord, RequestState, RequestStatus, StoredReport};
use gathering_domain::store::{EventSink, Purge, Purged, RequestStore, StoreError};
use gathering_domain::time::{Clock, Retention};
use gathering_domain::wait::Waiters;
use gathering_support::trace::Tracer;

use crate::connection::any::AnyConnection;
use crate::connection::network::Server;
use crate::connection::pool::PoolState;
use crate::connection::session::in_one_transaction;
use crate::database::{Database, Reads};
use crate::error::storage::StorageError;
use crate::read::postgres::lists as postgres_lists;
use crate::read::rows::{KeptStatus, ReadTimes, ShortList};
use crate::read::sqlite;
use crate::read::standby::StandbyStats;
use crate::settings::Settings;
use crate::write::batch_writer::{BatchWriter, WriteTimeouts};
use crate::write::purge::purge;
use crate::write::table::Limits;
use crate::write::transactions::{OneAtATime, Transactions};
use crate::write::turn::Turn;

/// A store on SQLite or PostgreSQL. Clones share their connections. Needs a tokio runtime with time enabled.
#[derive(Clone)]
pub struct Storage {
    pub(crate) database: Database,
    clock: Arc<dyn Clock>,
    retention: Retention,
    timeouts: WriteTimeouts,
    tracer: Option<Tracer>,
}

impl std::fmt::Debug for Storage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Storage").field("pools", &self.pools()).finish_non_exhaustive()
    }
}

impl Storage {
    /// Opens the store. A SQLite file is made with its folders where it is missing; PostgreSQL is not connected to
    /// before the first operation.
    pub fn open(settings: &Settings, clock: Arc<dyn Clock>) -> Result<Self, StorageError> {
        let Settings { query_timeout, refuse_after, retention, .. } = *settings;
        let database = Database::open(settings, &clock)?;
        let timeouts = WriteTimeouts { query_timeout, refuse_after };
        Ok(Self { database, clock, retention, timeouts, tracer: None })
    }

    /// The same, with a part of the batches traced.
    #[must_use]
    pub fn traced(self, tracer: Option<Tracer>) -> Self {
        Self { tracer, ..self }
    }

    /// A writer that puts the events of many callers into few transactions. It works as long as the runtime runs in
    /// which it is started. Those who wait for what it records are woken.
    pub fn batch_writer(&self, waiters: &Arc<Waiters>) -> BatchWriter {
        let turn = Turn::new(match &self.database.reads {
            // Its one connection writes one batch after the other anyhow.
            Reads::Sqlite(_) => None,
            Reads::Postgres(_) => Some(self.timeouts.query_timeout),
        });
        let table = OneAtATime::new(self.transactions(), turn);
        BatchWriter::start(
            table,
            Arc::clone(&self.clock),
            self.timeouts,
            Arc::clone(waiters),
            self.tracer.clone(),
        )
    }

    /// How full the pools are.
    pub fn pools(&self) -> Vec<PoolState> {
        self.database.pools()
    }

    /// What became of questions to the standby, and whether it is asked; nothing where there is none.
    pub fn standby(&self) -> Option<StandbyStats> {
        match &self.database.reads {
            Reads::Sqlite(_) => None,
            Reads::Postgres(reads) => reads.standby(),
        }
    }

    fn transactions(&self) -> Transactions {
        Transactions {
            database: self.database.clone(),
            clock: Arc::clone(&self.clock),
            retention: self.retention,
            query_timeout: self.timeouts.query_timeout,
        }
    }
}

/// How many states are asked for at once. With more, lookups of others would wait for them.
const KEYS_AT_ONCE: usize = 200;

impl RequestStore for Storage {
    async fn status(&self, key: &RequestKey) -> Result<Option<RequestStatus>, StoreError> {
        let now = self.clock.now();
        let database = &self.database;
        if let Reads::Sqlite(reads) = &database.reads {
            database.leave_lost(reads);
            reads.file.look().map_err(StoreError::unavailable)?;
        }
        if database.processed.has(key, now) {
            return Ok(Some(RequestStatus { state: RequestState::Processed, failure: None }));
        }
        let (generation, cleared) = (database.generation(), database.processed.cleared());
        let kept = match &database.reads {
            Reads::Sqlite(reads) => {
                let kept =
                    database.ask(reads, |connection| sqlite::status(connection.sqlite()?, key, now))?;
                kept.map(|kept| (kept, Server::Primary))
            }
            Reads::Postgres(reads) => reads.status(key).await?,
        };
        let Some((KeptStatus { status, expires_at }, server)) = kept else { return Ok(None) };
        // A standby may not know yet what was erased: what it says counts once.
        if status.state == RequestState::Processed && server == Server::Primary {
            database.processed.keep_since(cleared, key, expires_at, now);
            if database.generation() != generation {
                database.processed.clear();
            }
        }
        Ok(Some(status))
    }

    async fn states(&self, keys: &[RequestKey]) -> Result<Vec<Option<RequestState>>, StoreError> {
        let mut states = Vec::with_capacity(keys.len());
        for keys in keys.chunks(KEYS_AT_ONCE) {
            states.extend(match &self.database.reads {
                Reads::Sqlite(_) => {
                    // On another thread: on this one, the writer may wait for its turn.
                    let (keys, now) = (keys.to_vec(), self.clock.now());
                    self.database.prepare_for_work()?;
                    let ask = move |connection: &mut AnyConnection| {
                        let connection = connection.sqlite()?;
                        let state =
                            |key| Ok(sqlite::status(connection, key, now)?.map(|kept| kept.status.state));
                        keys.iter().map(state).collect::<QueryResult<Vec<_>>>()
                    };
                    self.database.lists.run(ask).await?
                }
                Reads::Postgres(reads) => reads.primary.states(keys).await?,
            });
        }
        Ok(states)
    }

    async fn list(
        &self,
        organization: OrganizationId,
        cluster: ClusterId,
        most: Option<NonZeroUsize>,
    ) -> Result<Option<Vec<RequestRecord>>, StoreError> {
        let now = self.clock.now();
        let times = ReadTimes { now, cluster_cutoff: self.retention.cluster_cutoff(now) };
        // Both questions have the time of one.
        let limit = self.timeouts.query_timeout;
        let end = Instant::now() + limit;
        let short = match &self.database.reads {
            Reads::Sqlite(reads) => self.database.ask(reads, |connection| {
                sqlite::short_list(connection.sqlite()?, organization, cluster, times)
            })?,
            Reads::Postgres(reads) => reads.primary.list(organization, cluster).await?,
        };
        match short {
            ShortList::Unknown => Ok(None),
            ShortList::Whole(mut records) => {
                records.truncate(most.map_or(usize::MAX, NonZeroUsize::get));
                Ok(Some(records))
            }
            ShortList::TooLong => {
                let long = move |connection: &mut AnyConnection| match connection {
                    AnyConnection::Postgres(connection) => in_one_transaction(connection, |connection| {
                        connection.batch_execute(&statement_limit(end, limit))?;
                        postgres_lists::long_list(connection, organization, cluster, times, most)
                    }),
                    AnyConnection::Sqlite(connection) => {
                        sqlite::long_list(connection, organization, cluster, times, most)
                    }
                };
                self.database.prepare_for_work()?;
                self.database.lists.run_until(end, long).await
            }
        }
    }

    async fn select(
        &self,
        organization: OrganizationId,
        cluster: ClusterId,
        requests: &[RequestId],
    ) -> Result<Vec<RequestRecord>, StoreError> {
        match &self.database.reads {
            Reads::Sqlite(reads) => {
                let now = self.clock.now();
                self.database.ask(reads, |connection| {
                    sqlite::select(connection.sqlite()?, organization, cluster, requests, now)
                })
            }
            Reads::Postgres(reads) => reads.primary.select(organization, cluster, requests).await,
        }
    }

    async fn report(&self, key: &RequestKey) -> Result<Option<StoredReport>, StoreError> {
        let report = match &self.database.reads {
            Reads::Sqlite(reads) => {
                let now = self.clock.now();
                self.database.ask(reads, |connection| sqlite::report(connection.sqlite()?, key, now))?
            }
            Reads::Postgres(reads) => reads.report(key).await?,
        };
        if report.as_ref().is_none_or(|report| report.state != RequestState::Processed) {
            // Its expiry was lowered, or its row is lost: status is not to say otherwise.
            self.database.processed.forget(key);
        }
        Ok(report)
    }
}

/// SQL that has the server end a statement a little before then, so that it is heard saying so.
fn statement_limit(end: Instant, limit: Duration) -> String {
    let left = end.saturating_duration_since(Instant::now()).saturating_sub(limit / 16);
    format!("SET LOCAL statement_timeout = {}", left.as_millis().max(1))
}

/// In small steps, between which writers get their turn.
impl Purge for Storage {
    async fn purge(&self) -> Result<Purged, StoreError> {
        self.database.prepare_for_work()?;
        purge(&self.database.writes, self.clock.now(), self.retention).await
    }
}

/// One transaction: all of the events, or on an error none.
impl EventSink for Storage {
    async fn store(&self, events: Vec<RequestEvent>) -> Result<Vec<EventOutcome>, StoreError> {
        let (whole, end) = (0..events.len(), Instant::now() + self.timeouts.query_timeout);
        Ok(self.transactions().write(events.into(), whole, Limits { end, lock: None }, ()).await?)
    }
}
