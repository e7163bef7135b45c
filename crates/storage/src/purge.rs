//! Deleting what has expired, in steps small enough that readers and writers hardly notice.

use std::time::{Duration, Instant};

use diesel::QueryResult;
use gathering_domain::{Purged, Retention, StoreError, Timestamp};

use crate::connection::AnyConnection;
use crate::dialect;
use crate::lane::Lane;

/// Rows deleted in one transaction: on SQLite a few milliseconds of the write lock.
const STEP: u32 = 500;

/// Rest between two steps, in which waiting writers get their turn: so many times what the step took, so that purging takes
/// up a third of one core at most, and at least so long. Where a step takes 30 ms that is a million rows in three minutes.
const REST: u32 = 2;
const LEAST_REST: Duration = Duration::from_millis(5);

type Step = fn(&mut AnyConnection, i64, i64) -> QueryResult<usize>;

/// Purges on `lane` until nothing is left that was expired at `now`.
pub(crate) async fn purge(lane: &Lane, now: Timestamp, retention: Retention) -> Result<Purged, StoreError> {
    Ok(Purged {
        requests: in_steps(lane, requests, now.as_micros()).await?,
        clusters: in_steps(lane, clusters, retention.cluster_cutoff(now).as_micros()).await?,
    })
}

async fn in_steps(lane: &Lane, step: Step, until: i64) -> Result<u64, StoreError> {
    let mut total = 0;
    loop {
        let started = Instant::now();
        let deleted = lane.run(move |connection| step(connection, until, STEP.into())).await?;
        total += deleted as u64;
        if deleted < STEP as usize {
            return Ok(total);
        }
        tokio::time::sleep((started.elapsed() * REST).max(LEAST_REST)).await;
    }
}

fn requests(connection: &mut AnyConnection, now: i64, limit: i64) -> QueryResult<usize> {
    match connection {
        AnyConnection::Postgres(connection) => dialect::postgres::purge_requests(connection, now, limit),
        AnyConnection::Sqlite(connection) => dialect::sqlite::purge_requests(connection, now, limit),
    }
}

fn clusters(connection: &mut AnyConnection, forgotten: i64, limit: i64) -> QueryResult<usize> {
    match connection {
        AnyConnection::Postgres(connection) => {
            dialect::postgres::purge_clusters(connection, forgotten, limit)
        }
        AnyConnection::Sqlite(connection) => dialect::sqlite::purge_clusters(connection, forgotten, limit),
    }
}
