//! Erasing everything of an organization, or of one cluster of it, in steps between which writers get their turn.
//!
//! What a step deletes and the news of it for other processes are one transaction, so that no process goes on remembering
//! what an erasure that was broken off has deleted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Text};
use gathering_domain::ids::{ClusterId, OrganizationId};
use gathering_domain::store::StoreError;

use super::on_either;
use crate::connection::any::AnyConnection;
use crate::connection::cluster_uuid::{ClusterUuid, StoredCluster};
use crate::storage::Storage;

/// What is to be erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Erasure {
    /// Whose records.
    pub organization: OrganizationId,
    /// Of which cluster; of all without it.
    pub cluster: Option<ClusterId>,
}

/// How much was erased.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Erased {
    pub requests: u64,
    pub clusters: u64,
}

/// How much an erasure has erased that may go on. Clones count together.
#[derive(Debug, Clone, Default)]
pub struct ErasedSoFar(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    requests: AtomicU64,
    clusters: AtomicU64,
}

impl ErasedSoFar {
    /// What is known to be erased by now.
    pub fn get(&self) -> Erased {
        let Counts { requests, clusters } = &*self.0;
        Erased { requests: requests.load(Ordering::Relaxed), clusters: clusters.load(Ordering::Relaxed) }
    }
}

/// Rows that one transaction looks at: a few milliseconds of the write lock of SQLite.
const STEP: i64 = 500;

/// Rest between two steps: so many times what the step took, and at least so long.
const REST: u32 = 2;
const LEAST_REST: Duration = Duration::from_millis(5);

/// How long a step waits for a lock on PostgreSQL.
const LOCK: Duration = Duration::from_millis(250);

/// A step is tried so often, with so much time in between: a writer may hold one of its rows.
const ATTEMPTS: u32 = 20;
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(250);

/// How far a walk through a table has come: the last key of the step before.
#[derive(Debug, Clone)]
struct Position {
    cluster: StoredCluster,
    /// Empty before the first request of the cluster.
    request: String,
}

/// A table that is walked through in the order of its keys.
#[derive(Debug, Clone, Copy)]
struct Walk {
    /// The next keys.
    page: &'static str,
    /// Deletes what is after one key and not after another.
    delete: &'static str,
}

const REQUESTS: Walk = Walk {
    page: "SELECT cluster_id, request_id FROM requests
           WHERE org_id = $1 AND (cluster_id, request_id) > ($2, $3) AND cluster_id <= $4
           ORDER BY cluster_id, request_id LIMIT $5",
    delete: "DELETE FROM requests
             WHERE org_id = $1 AND (cluster_id, request_id) > ($2, $3) AND (cluster_id, request_id) <= ($4, $5)",
};

/// What stands for the request in a position is empty before the first step, where the first cluster counts as well.
const CLUSTERS: Walk = Walk {
    page: "SELECT cluster_id, 'past' AS request_id FROM clusters
           WHERE org_id = $1 AND cluster_id >= $2 AND (cluster_id > $2 OR $3 = '') AND cluster_id <= $4
           ORDER BY cluster_id LIMIT $5",
    delete: "DELETE FROM clusters
             WHERE org_id = $1 AND cluster_id >= $2 AND (cluster_id > $2 OR $3 = '') AND cluster_id <= $4 AND $5 <> ''",
};

/// A key of a page.
#[derive(QueryableByName)]
struct Key {
    #[diesel(sql_type = ClusterUuid)]
    cluster_id: StoredCluster,
    #[diesel(sql_type = Text)]
    request_id: String,
}

/// What one step found, and where the next one begins.
struct Step {
    rows: u64,
    last: Option<Position>,
}

impl Erasure {
    /// The position before all that is to be erased, and the last cluster of it.
    fn bounds(self) -> (Position, StoredCluster) {
        let all = ([0; 16], [0xff; 16]);
        let (first, last) = self.cluster.map_or(all, |cluster| (*cluster.as_bytes(), *cluster.as_bytes()));
        (Position { cluster: StoredCluster(first), request: String::new() }, StoredCluster(last))
    }
}

impl Storage {
    /// Erases everything that is recorded of an organization or a cluster, whether it has expired or not. What is recorded of
    /// it after this began may stay. Other processes have forgotten what they remember of it about a second later.
    ///
    /// # Errors
    /// What was erased until then is; the same can be asked for again.
    pub async fn erase(&self, erasure: Erasure) -> Result<Erased, StoreError> {
        self.erase_telling(erasure, ErasedSoFar::default()).await
    }

    /// The same; `so_far` says meanwhile how much was erased, and after an error.
    pub async fn erase_telling(&self, erasure: Erasure, so_far: ErasedSoFar) -> Result<Erased, StoreError> {
        let erased = self.walk_both(erasure, true, &so_far).await;
        if erased.is_ok() {
            self.empty_log().await;
        }
        erased
    }

    /// Counts what [`erase`](Self::erase) would erase.
    pub async fn count_erasable(&self, erasure: Erasure) -> Result<Erased, StoreError> {
        self.walk_both(erasure, false, &ErasedSoFar::default()).await
    }

    async fn walk_both(
        &self,
        erasure: Erasure,
        deletes: bool,
        so_far: &ErasedSoFar,
    ) -> Result<Erased, StoreError> {
        self.database.prepare_for_work()?;
        // In this order: a cluster without requests answers as one that nobody knows.
        self.walk(REQUESTS, erasure, deletes, &so_far.0.requests).await?;
        self.walk(CLUSTERS, erasure, deletes, &so_far.0.clusters).await?;
        Ok(so_far.get())
    }

    async fn walk(
        &self,
        walk: Walk,
        erasure: Erasure,
        deletes: bool,
        rows: &AtomicU64,
    ) -> Result<(), StoreError> {
        let (from, end) = erasure.bounds();
        let mut rest = Rest { walk, organization: erasure.organization, from, end };
        loop {
            let (step, took) = self.persistent_step(&rest, deletes).await?;
            rows.fetch_add(step.rows, Ordering::Relaxed);
            match step.last {
                Some(last) => rest.from = last,
                None => return Ok(()),
            }
            tokio::time::sleep((took * REST).max(LEAST_REST)).await;
        }
    }

    /// Also returns how long the step itself took, without what was tried in vain before it.
    async fn persistent_step(&self, rest: &Rest, deletes: bool) -> Result<(Step, Duration), StoreError> {
        let mut attempt = 1;
        loop {
            let started = Instant::now();
            let rest = rest.clone();
            let work = move |connection: &mut AnyConnection| {
                if deletes { rest.delete_some(connection) } else { rest.count_some(connection) }
            };
            match self.database.writes.run_locking(LOCK, work).await {
                Err(error) if attempt < ATTEMPTS && error.may_pass() => {
                    log::debug!("a step of an erasure is tried again: {error}");
                }
                result => return result.map(|step| (step, started.elapsed())),
            }
            attempt += 1;
            tokio::time::sleep(BETWEEN_ATTEMPTS).await;
        }
    }

    /// Takes what was erased out of the `-wal` file of SQLite, where nobody reads it at the moment.
    async fn empty_log(&self) {
        let emptied = self.database.writes.run(|connection| match connection {
            AnyConnection::Postgres(_) => Ok(()),
            AnyConnection::Sqlite(connection) => connection.batch_execute("PRAGMA wal_checkpoint(TRUNCATE)"),
        });
        if let Err(error) = emptied.await {
            log::debug!("the -wal file is emptied later: {error}");
        }
    }
}

/// The rows of an erasure that are still to be walked through, in one table.
#[derive(Clone)]
struct Rest {
    walk: Walk,
    organization: OrganizationId,
    from: Position,
    /// The last cluster.
    end: StoredCluster,
}

impl Rest {
    /// The next rows.
    fn page(&self, connection: &mut AnyConnection) -> QueryResult<Vec<Key>> {
        on_either!(connection, connection => sql_query(self.walk.page)
            .bind::<BigInt, _>(i64::from(self.organization.get()))
            .bind::<ClusterUuid, _>(self.from.cluster)
            .bind::<Text, _>(&self.from.request)
            .bind::<ClusterUuid, _>(self.end)
            .bind::<BigInt, _>(STEP)
            .load(connection))
    }

    fn count_some(&self, connection: &mut AnyConnection) -> QueryResult<Step> {
        let keys = self.page(connection)?;
        Ok(Step { rows: keys.len() as u64, last: keys.last().map(Position::from) })
    }

    /// Deletes the next rows, and says so to other processes.
    fn delete_some(&self, connection: &mut AnyConnection) -> QueryResult<Step> {
        let keys = self.page(connection)?;
        let Some(last) = keys.last().map(Position::from) else { return Ok(Step { rows: 0, last: None }) };
        macro_rules! delete {
            ($connection:expr) => {{
                let deleted = sql_query(self.walk.delete)
                    .bind::<BigInt, _>(i64::from(self.organization.get()))
                    .bind::<ClusterUuid, _>(self.from.cluster)
                    .bind::<Text, _>(&self.from.request)
                    .bind::<ClusterUuid, _>(last.cluster)
                    .bind::<Text, _>(&last.request)
                    .execute($connection)?;
                sql_query("UPDATE erasures SET generation = generation + 1").execute($connection)?;
                QueryResult::Ok(deleted)
            }};
        }
        let deleted = match connection {
            AnyConnection::Postgres(connection) => connection.transaction(|connection| {
                // If this and a batch of events wait for each other, this one is to give way, before the server chooses.
                connection.batch_execute(&format!("SET LOCAL lock_timeout = {}", LOCK.as_millis()))?;
                delete!(connection)
            })?,
            AnyConnection::Sqlite(connection) => {
                // What is deleted is overwritten in the file.
                connection.batch_execute("PRAGMA secure_delete = ON")?;
                connection.immediate_transaction(|connection| delete!(connection))?
            }
        };
        Ok(Step { rows: deleted as u64, last: Some(last) })
    }
}

impl From<&Key> for Position {
    fn from(Key { cluster_id, request_id }: &Key) -> Self {
        Self { cluster: *cluster_id, request: request_id.clone() }
    }
}
