//! The store: the domain's ports on a database.

mod rule_content;
mod sqlite_reads;

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gathering_domain::{
    Clock, ClusterId, ContentStore, EventOutcome, EventSink, OrganizationId, Purge, Purged, RequestEvent, RequestId,
    RequestKey, RequestRecord, RequestState, RequestStore, Retention, StoreError, StoredReport,
};

use crate::batch_writer::Patience;
use crate::connection::{AnyConnection, Opener};
use crate::dialect::{postgres, sqlite};
use crate::epoch::Epoch;
use crate::events::Limits;
use crate::lane::Lane;
use crate::lookups::Lookups;
use crate::processed::Processed;
use crate::readers::Readers;
use crate::rows::{KeptState, ReadTimes, ShortList};
use crate::sqlite_file::SqliteFile;
use crate::turn::Turn;
use crate::writes::Writes;
use crate::{BatchWriter, DatabaseUrl, PoolState, StorageError, purge};

/// What a store needs to know. See `config/default.toml` for defaults.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Which database.
    pub url: DatabaseUrl,
    /// Connections to PostgreSQL for writing and upkeep, beside up to two that answer lookups. SQLite has `readers` and one
    /// writer.
    pub pool_size: u32,
    /// Reading connections to SQLite: as many as there are threads that ask.
    pub readers: u32,
    /// How long a caller waits for a connection.
    pub pool_timeout: Duration,
    /// How long a caller waits in all, the wait for a connection included.
    pub query_timeout: Duration,
    /// How long records are kept.
    pub retention: Retention,
    /// What the keys of processed requests that are remembered may take up, in bytes; 0 remembers none.
    pub processed_cache: usize,
    /// How long an event may fail alone, while others are recorded, before it is refused.
    pub refuse_after: Duration,
}

/// A store on SQLite or PostgreSQL. Clones share their connections. Needs a tokio runtime with time enabled.
#[derive(Clone)]
pub struct Storage {
    reads: Reads,
    pub(crate) writes: Lane,
    lists: Lane,
    processed: Arc<Processed>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) retention: Retention,
    pub(crate) patience: Patience,
}

#[derive(Clone)]
enum Reads {
    /// On the caller's thread.
    Sqlite(Arc<Readers>, Arc<SqliteFile>),
    /// On threads that answer many callers at once.
    Postgres(Arc<Lookups>),
}

impl std::fmt::Debug for Storage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Storage").field("pools", &self.pools()).finish_non_exhaustive()
    }
}

/// Connections to PostgreSQL that answer lookups. The first answers all there is as long as that goes fast, the second what
/// had to wait for it.
const LOOKUPS: u32 = 2;

/// Long lists that are read at once, each on a thread and a connection of its own.
const LONG_LISTS: u32 = 2;

impl Storage {
    /// Opens the store. A SQLite file is made with its folders where it is missing; PostgreSQL is not connected to
    /// before the first operation.
    pub fn open(settings: &Settings, clock: Arc<dyn Clock>) -> Result<Self, StorageError> {
        let Settings { pool_timeout, query_timeout, retention, .. } = *settings;
        let epoch = Arc::new(Epoch::default());
        let lane = |name, opener, size| {
            Lane::new(name, opener, Arc::clone(&epoch), size, pool_timeout, query_timeout)
        };
        let (reads, writes, lists) = match &settings.url {
            DatabaseUrl::Sqlite(path) => {
                make_folder(path)?;
                // Before any reader: the first connection makes the file and switches it to WAL.
                let file = SqliteFile::create(path, query_timeout)
                    .map_err(|error| StorageError::connecting(&settings.url, &error))?;
                let opener = Opener::sqlite(Arc::clone(&file), query_timeout);
                let reads = Readers::new(Arc::clone(&file), settings.readers, query_timeout);
                let lists = lane("sqlite_list", opener.clone(), LONG_LISTS);
                (Reads::Sqlite(Arc::new(reads), file), lane("sqlite_write", opener, 1), lists)
            }
            DatabaseUrl::Postgres(url) => {
                let opener = Opener::postgres(url, pool_timeout, query_timeout);
                let threads = LOOKUPS.min(settings.pool_size).max(1) as usize;
                let reads = Lookups::new(&opener, &epoch, threads, settings, &clock);
                let lists = lane("postgres_list", opener.clone(), LONG_LISTS.min(settings.pool_size));
                (
                    Reads::Postgres(Arc::new(reads)),
                    lane("postgres", opener.for_writing(), settings.pool_size),
                    lists,
                )
            }
        };
        let processed = Arc::new(Processed::new(settings.processed_cache));
        let patience = Patience { query_timeout, refuse_after: settings.refuse_after };
        Ok(Self { reads, writes, lists, processed, clock, retention, patience })
    }

    /// Asks the database for something small, in each way that it is asked: proof that it answers and that its schema is
    /// there.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.prepare_for_work()?;
        let lookup = async {
            match &self.reads {
                Reads::Sqlite(..) => Ok(()),
                Reads::Postgres(lookups) => lookups.ping().await,
            }
        };
        let (revision, lookup) = tokio::join!(self.content_revision(), lookup);
        revision.and(lookup)
    }

    /// A writer that puts the events of many callers into few transactions. It works as long as the runtime runs in
    /// which it is started.
    pub fn batch_writer(&self) -> BatchWriter {
        let turn = Turn::new(match &self.reads {
            // Its one connection writes one batch after the other anyhow.
            Reads::Sqlite(..) => None,
            Reads::Postgres(_) => Some(self.patience.query_timeout),
        });
        let table = Writes::new(self.clone(), turn);
        BatchWriter::start(table, Arc::clone(&self.clock), self.patience)
    }

    /// How full the pools are.
    pub fn pools(&self) -> Vec<PoolState> {
        match &self.reads {
            Reads::Sqlite(reads, _) => vec![reads.state(), self.lists.state(), self.writes.state()],
            Reads::Postgres(lookups) => vec![lookups.connections(), self.lists.state(), self.writes.state()],
        }
    }
}

/// Makes the folder that `file` is to lie in.
pub(crate) fn make_folder(file: &Path) -> Result<(), StorageError> {
    match file.parent() {
        Some(folder) => std::fs::create_dir_all(folder)
            .map_err(|source| StorageError::Folder { path: folder.to_owned(), source }),
        None => Ok(()),
    }
}

/// In small steps, between which writers get their turn.
impl Purge for Storage {
    async fn purge(&self) -> Result<Purged, StoreError> {
        self.prepare_for_work()?;
        purge::purge(&self.writes, self.clock.now(), self.retention).await
    }
}

impl RequestStore for Storage {
    async fn state(&self, key: &RequestKey) -> Result<Option<RequestState>, StoreError> {
        let now = self.clock.now();
        if let Reads::Sqlite(readers, file) = &self.reads {
            self.leave_lost(readers, file);
            file.look().map_err(StoreError::unavailable)?;
        }
        if self.processed.has(key, now) {
            return Ok(Some(RequestState::Processed));
        }
        let generation = self.generation();
        let kept = match &self.reads {
            Reads::Sqlite(readers, file) => {
                self.ask(readers, file, |connection| sqlite::state(connection.sqlite()?, key, now))?
            }
            Reads::Postgres(lookups) => lookups.state(key).await?,
        };
        if let Some(KeptState { state: RequestState::Processed, expires_at }) = kept {
            self.processed.keep(key, expires_at, now);
            if self.generation() != generation {
                self.processed.clear();
            }
        }
        Ok(kept.map(|kept| kept.state))
    }

    async fn list(
        &self,
        organization: OrganizationId,
        cluster: ClusterId,
        most: Option<NonZeroUsize>,
    ) -> Result<Option<Vec<RequestRecord>>, StoreError> {
        let now = self.clock.now();
        let times = ReadTimes { now, cluster_cutoff: self.retention.cluster_cutoff(now) };
        let short = match &self.reads {
            Reads::Sqlite(readers, file) => self.ask(readers, file, |connection| {
                sqlite::short_list(connection.sqlite()?, organization, cluster, times)
            })?,
            Reads::Postgres(lookups) => lookups.list(organization, cluster).await?,
        };
        match short {
            ShortList::Unknown => Ok(None),
            ShortList::Whole(mut records) => {
                records.truncate(most.map_or(usize::MAX, NonZeroUsize::get));
                Ok(Some(records))
            }
            ShortList::TooLong => {
                let long = move |connection: &mut AnyConnection| match connection {
                    AnyConnection::Postgres(connection) => {
                        postgres::long_list(connection, organization, cluster, times, most)
                    }
                    AnyConnection::Sqlite(connection) => {
                        sqlite::long_list(connection, organization, cluster, times, most)
                    }
                };
                self.prepare_for_work()?;
                self.lists.run(long).await
            }
        }
    }

    async fn select(
        &self,
        organization: OrganizationId,
        cluster: ClusterId,
        requests: &[RequestId],
    ) -> Result<Vec<RequestRecord>, StoreError> {
        match &self.reads {
            Reads::Sqlite(readers, file) => {
                let now = self.clock.now();
                self.ask(readers, file, |connection| {
                    sqlite::select(connection.sqlite()?, organization, cluster, requests, now)
                })
            }
            Reads::Postgres(lookups) => lookups.select(organization, cluster, requests).await,
        }
    }

    async fn report(&self, key: &RequestKey) -> Result<Option<StoredReport>, StoreError> {
        let report = match &self.reads {
            Reads::Sqlite(readers, file) => {
                let now = self.clock.now();
                self.ask(readers, file, |connection| sqlite::report(connection.sqlite()?, key, now))?
            }
            Reads::Postgres(lookups) => lookups.report(key).await?,
        };
        if report.as_ref().is_none_or(|report| report.state != RequestState::Processed) {
            // Its expiry was lowered, or its row is lost: status is not to say otherwise.
            self.processed.forget(key);
        }
        Ok(report)
    }
}

/// One transaction: all of the events, or on an error none.
impl EventSink for Storage {
    async fn store(&self, events: Vec<RequestEvent>) -> Result<Vec<EventOutcome>, StoreError> {
        let (whole, end) = (0..events.len(), Instant::now() + self.patience.query_timeout);
        Ok(self.write(events.into(), whole, Limits { end, lock: None }, ()).await?)
    }
}
