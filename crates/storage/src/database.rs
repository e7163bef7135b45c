//! How a store reaches its database: readers, workers and executors.

use std::sync::Arc;

use diesel::QueryResult;
use gathering_domain::store::StoreError;
use gathering_domain::time::Clock;

use crate::connection::any::AnyConnection;
use crate::connection::epoch::Epoch;
use crate::connection::executor::Executor;
use crate::connection::opener::Opener;
use crate::connection::pool::PoolState;
use crate::connection::sqlite_file::{SqliteFile, open};
use crate::connection::url::DatabaseUrl;
use crate::error::storage::StorageError;
use crate::read::batcher::LookupBatcher;
use crate::read::processed::ProcessedKeys;
use crate::read::readers::Readers;
use crate::settings::Settings;

/// The ways to the database of a store. Clones share their connections.
#[derive(Clone)]
pub(crate) struct Database {
    pub(crate) reads: Reads,
    /// For writing and upkeep.
    pub(crate) writes: Executor,
    /// For long lists.
    pub(crate) lists: Executor,
    pub(crate) processed: Arc<ProcessedKeys>,
}

/// How requests are looked up.
#[derive(Clone)]
pub(crate) enum Reads {
    /// On the caller's thread.
    Sqlite(SqliteReads),
    /// On threads that answer many callers at once.
    Postgres(Arc<LookupBatcher>),
}

/// The connections that read a SQLite file, and the file.
#[derive(Clone)]
pub(crate) struct SqliteReads {
    readers: Arc<Readers>,
    pub(crate) file: Arc<SqliteFile>,
}

/// Connections to PostgreSQL that answer lookups. The first answers all there is as long as that goes fast, the second what
/// had to wait for it.
const LOOKUPS: u32 = 2;

/// Long lists that are read at once, each on a thread and a connection of its own.
const LONG_LISTS: u32 = 2;

impl Database {
    /// Opens a database. A SQLite file is made with its folders where it is missing; PostgreSQL is not connected to before
    /// the first operation.
    pub(crate) fn open(settings: &Settings, clock: &Arc<dyn Clock>) -> Result<Self, StorageError> {
        let Settings { pool_timeout, query_timeout, .. } = *settings;
        let epoch = Arc::new(Epoch::default());
        let executor = |name, opener, size| {
            Executor::new(name, opener, Arc::clone(&epoch), size, pool_timeout, query_timeout)
        };
        let (reads, writes, lists) = match &settings.url {
            DatabaseUrl::Sqlite(path) => {
                open::make_folder(path)?;
                // Before any reader: the first connection makes the file and switches it to WAL.
                let file = SqliteFile::create(path, query_timeout)
                    .map_err(|error| StorageError::connecting(&settings.url, &error))?;
                let opener = Opener::sqlite(Arc::clone(&file), query_timeout);
                let readers = Arc::new(Readers::new(Arc::clone(&file), settings.readers, query_timeout));
                let lists = executor("sqlite_list", opener.clone(), LONG_LISTS);
                (Reads::Sqlite(SqliteReads { readers, file }), executor("sqlite_write", opener, 1), lists)
            }
            DatabaseUrl::Postgres(url) => {
                let opener = Opener::postgres(url, pool_timeout, query_timeout);
                let workers = LOOKUPS.min(settings.pool_size).max(1) as usize;
                let batcher = LookupBatcher::new(&opener, &epoch, workers, settings, clock);
                let lists = executor("postgres_list", opener.clone(), LONG_LISTS.min(settings.pool_size));
                let writes = executor("postgres", opener.for_writing(), settings.pool_size);
                (Reads::Postgres(Arc::new(batcher)), writes, lists)
            }
        };
        let processed = Arc::new(ProcessedKeys::new(settings.processed_cache));
        Ok(Self { reads, writes, lists, processed })
    }

    /// How full the pools are.
    pub(crate) fn pools(&self) -> Vec<PoolState> {
        let lookups = match &self.reads {
            Reads::Sqlite(SqliteReads { readers, .. }) => readers.state(),
            Reads::Postgres(batcher) => batcher.connections(),
        };
        vec![lookups, self.lists.state(), self.writes.state()]
    }

    /// Asks SQLite on this very thread.
    pub(crate) fn ask<T>(
        &self,
        reads: &SqliteReads,
        question: impl FnOnce(&mut AnyConnection) -> QueryResult<T>,
    ) -> Result<T, StoreError> {
        self.leave_lost(reads);
        reads.readers.ask(question)
    }

    /// Makes sure before work on another thread that there is a file to work on, so that nobody waits where there is none.
    pub(crate) fn prepare_for_work(&self) -> Result<(), StoreError> {
        let Reads::Sqlite(reads) = &self.reads else { return Ok(()) };
        self.leave_lost(reads);
        reads.file.look_now().map_err(StoreError::unavailable)
    }

    /// Closes what is open of a SQLite file that was lost, and forgets what was read from it.
    pub(crate) fn leave_lost(&self, SqliteReads { readers, file }: &SqliteReads) {
        if file.is_draining() {
            readers.close_lost();
            self.lists.close_lost();
            self.writes.close_lost();
            self.processed.clear();
            file.tidy();
        }
    }

    /// How often the database was lost and may have become another one.
    pub(crate) fn generation(&self) -> u64 {
        match &self.reads {
            Reads::Sqlite(SqliteReads { file, .. }) => file.generation(),
            Reads::Postgres(_) => 0,
        }
    }
}
