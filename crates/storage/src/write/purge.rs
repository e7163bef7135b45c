//! Deleting what has expired, in steps small enough that readers and writers hardly notice.

use std::time::{Duration, Instant};

use diesel::sql_types::BigInt;
use diesel::{QueryResult, RunQueryDsl, sql_query};
use gathering_domain::store::{Purged, StoreError};
use gathering_domain::time::{Retention, Timestamp};

use crate::connection::any::AnyConnection;
use crate::connection::executor::Executor;

/// Rows deleted in one transaction: on SQLite a few milliseconds of the write lock.
const STEP: u32 = 500;

/// Rest between two steps, in which waiting writers get their turn: so many times what the step took, so that purging takes
/// up a third of one core at most, and at least so long. Where a step takes 30 ms that is a million rows in three minutes.
const REST: u32 = 2;
const LEAST_REST: Duration = Duration::from_millis(5);

/// Deletes at most so many rows, the second parameter, of those that are out of date at a time, the first.
#[derive(Debug)]
pub(crate) struct Deletion {
    /// Leaves out rows that a writer holds at the moment.
    postgres: &'static str,
    pub(crate) sqlite: &'static str,
}

/// Expired requests.
pub(crate) static REQUESTS: Deletion = Deletion {
    postgres: "DELETE FROM requests WHERE ctid = ANY (ARRAY(
                   SELECT ctid FROM requests WHERE expires_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED))",
    sqlite: "DELETE FROM requests WHERE rowid IN (
                 SELECT rowid FROM requests WHERE expires_at <= ? LIMIT ?)",
};

/// Clusters without a record for long.
static CLUSTERS: Deletion = Deletion {
    postgres: "DELETE FROM clusters WHERE ctid = ANY (ARRAY(
                   SELECT ctid FROM clusters WHERE last_seen <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED))",
    sqlite: "DELETE FROM clusters WHERE rowid IN (
                 SELECT rowid FROM clusters WHERE last_seen <= ? LIMIT ?)",
};

impl Deletion {
    fn step(&self, connection: &mut AnyConnection, until: i64) -> QueryResult<usize> {
        let limit = i64::from(STEP);
        match connection {
            AnyConnection::Postgres(connection) => {
                sql_query(self.postgres).bind::<BigInt, _>(until).bind::<BigInt, _>(limit).execute(connection)
            }
            AnyConnection::Sqlite(connection) => {
                sql_query(self.sqlite).bind::<BigInt, _>(until).bind::<BigInt, _>(limit).execute(connection)
            }
        }
    }
}

/// Purges until nothing is left that was expired at `now`.
pub(crate) async fn purge(
    executor: &Executor,
    now: Timestamp,
    retention: Retention,
) -> Result<Purged, StoreError> {
    Ok(Purged {
        requests: in_steps(executor, &REQUESTS, now.as_micros()).await?,
        clusters: in_steps(executor, &CLUSTERS, retention.cluster_cutoff(now).as_micros()).await?,
    })
}

async fn in_steps(executor: &Executor, deletion: &'static Deletion, until: i64) -> Result<u64, StoreError> {
    let mut total = 0;
    loop {
        let started = Instant::now();
        let deleted = executor.run(move |connection| deletion.step(connection, until)).await?;
        total += deleted as u64;
        if deleted < STEP as usize {
            return Ok(total);
        }
        tokio::time::sleep((started.elapsed() * REST).max(LEAST_REST)).await;
    }
}
