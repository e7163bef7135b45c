//! Deleting what has expired, in steps small enough that readers and writers hardly notice.

pub(crate) mod deletion;
mod postgres;

use std::time::{Duration, Instant};

use diesel::sql_types::BigInt;
use diesel::{QueryResult, RunQueryDsl, sql_query};
use gathering_domain::store::{Purged, StoreError};
use gathering_domain::time::{Retention, Timestamp};

use self::deletion::{CLUSTERS, Deletion, REQUESTS, STEP, Step};
use crate::connection::any::AnyConnection;
use crate::connection::executor::Executor;

/// Rest between two steps, in which waiting writers get their turn: so many times what the step took, so that purging takes
/// up a third of one core at most, and at least so long. Where a step takes 30 ms that is a million rows in three minutes.
const REST: u32 = 2;
const LEAST_REST: Duration = Duration::from_millis(5);

/// How often a step may come upon rows that somebody holds, one time after the other.
const HELD: u32 = 5;

/// Deletes some of what is out of date at the time `until`. There is nothing any more before `from`.
fn step(connection: &mut AnyConnection, deletion: &Deletion, from: i64, until: i64) -> QueryResult<Step> {
    match connection {
        AnyConnection::Postgres(connection) => postgres::step(connection, deletion, from, until),
        AnyConnection::Sqlite(connection) => {
            let query =
                sql_query(deletion.sqlite).bind::<BigInt, _>(until).bind::<BigInt, _>(i64::from(STEP));
            let count = query.execute(connection)?;
            let is_last = count < STEP as usize;
            Ok(if is_last { Step::Last(count) } else { Step::Deleted { count, from } })
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
    let (mut total, mut from, mut held) = (0, i64::MIN, 0);
    loop {
        let started = Instant::now();
        match executor.run(move |connection| step(connection, deletion, from, until)).await? {
            Step::Last(count) => return Ok(total + count as u64),
            Step::Deleted { count, from: next } => {
                (total, from, held) = (total + count as u64, next, 0);
            }
            Step::Held(error) if held == HELD => return Err(StoreError::unavailable(error)),
            Step::Held(_) => held += 1,
        }
        tokio::time::sleep((started.elapsed() * REST).max(LEAST_REST)).await;
    }
}
