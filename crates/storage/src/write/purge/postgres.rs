//! A step of purging on PostgreSQL, in statements that run on one server as on many.
//!
//! A `DELETE` that leaves out rows which somebody holds, or that takes only so many, would have to name the rows by where they
//! lie; that is no name where tables are spread over servers. So a step deletes all rows up to the time of the oldest
//! but so many.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error};
use diesel::sql_query;
use diesel::sql_types::{BigInt, Bool};

use super::deletion::{Deletion, STEP, Step};
use crate::connection::cluster_uuid::{ClusterUuid, StoredCluster};

/// How long to wait for a row that somebody holds. A writer takes rows in the order of their keys, and this in the order of
/// their times, so each may wait for the other: far sooner than the server looks for such a circle, this one gives way.
const LOCK: Duration = Duration::from_millis(20);

/// Rows of one time that are deleted at once: those of a batch have the same. Where somebody gave more rows than that one time, they
/// go cluster by cluster.
const MOST: u32 = 5_000;

/// What all purgers of a database lock beside the number of the table; any number that others hardly use.
const ADVISORY_LOCK: i64 = 0x6761_7468 << 32;

#[derive(QueryableByName)]
struct Time {
    #[diesel(sql_type = BigInt)]
    time: i64,
}

#[derive(QueryableByName)]
struct Locked {
    #[diesel(sql_type = Bool)]
    is_locked: bool,
}

#[derive(QueryableByName)]
struct Cluster {
    #[diesel(sql_type = BigInt)]
    org_id: i64,
    #[diesel(sql_type = ClusterUuid)]
    cluster_id: StoredCluster,
}

/// Some rows of a table that are out of date: those of times from `from` up to `until`, both included, in microseconds.
#[derive(Clone, Copy)]
struct Rows<'a> {
    of: &'a Deletion,
    from: i64,
    until: i64,
}

/// Deletes some hundred rows. Where another process purges, it does nothing. There is nothing any more before the time `from`:
/// that the server is told so spares it the remains of what was deleted.
pub(super) fn step(
    connection: &mut PgConnection,
    deletion: &Deletion,
    from: i64,
    until: i64,
) -> QueryResult<Step> {
    let began = Instant::now();
    let rows = Rows { of: deletion, from, until };
    let step = connection.transaction(|connection| {
        sql_query(format!("SET LOCAL lock_timeout = {}", LOCK.as_millis())).execute(connection)?;
        if is_only_purger(connection, deletion)? { rows.delete_some(connection) } else { Ok(Step::Last(0)) }
    });
    match step {
        // The driver does not tell a lock that was not to be had from other errors.
        Err(error @ Error::DatabaseError(DatabaseErrorKind::Unknown, _)) if began.elapsed() >= LOCK => {
            Ok(Step::Held(error))
        }
        step => step,
    }
}

fn is_only_purger(connection: &mut PgConnection, Deletion { table, .. }: &Deletion) -> QueryResult<bool> {
    let locked: Locked = sql_query(format!(
        "SELECT pg_try_advisory_xact_lock($1 + '{table}'::regclass::oid::bigint) AS is_locked"
    ))
    .bind::<BigInt, _>(ADVISORY_LOCK)
    .get_result(connection)?;
    Ok(locked.is_locked)
}

impl Rows<'_> {
    fn delete_some(self, connection: &mut PgConnection) -> QueryResult<Step> {
        let Some(time) = self.nth_time(connection, STEP)? else {
            return self.delete(connection).map(Step::Last);
        };
        if self.nth_time(connection, 1)?.is_some_and(|oldest| oldest < time) {
            // Fewer than a step has. Of the time itself there may be any number.
            let count = Self { until: time - 1, ..self }.delete(connection)?;
            return Ok(Step::Deleted { count, from: time });
        }
        let rows = Self { until: time, ..self };
        if rows.nth_time(connection, MOST)?.is_none() {
            let count = rows.delete(connection)?;
            return Ok(Step::Deleted { count, from: time.saturating_add(1) });
        }
        rows.delete_by_cluster(connection).map(|count| Step::Deleted { count, from: self.from })
    }

    /// The time of the row with this number, the oldest being the first; `None` if there are fewer.
    fn nth_time(self, connection: &mut PgConnection, number: u32) -> QueryResult<Option<i64>> {
        let Self { of: Deletion { table, column, .. }, from, until } = self;
        let before = number.saturating_sub(1);
        let time: Option<Time> = sql_query(format!(
            "SELECT {column} AS time FROM {table} WHERE {column} >= $1 AND {column} <= $2
             ORDER BY {column} LIMIT 1 OFFSET {before}"
        ))
        .bind::<BigInt, _>(from)
        .bind::<BigInt, _>(until)
        .get_result(connection)
        .optional()?;
        Ok(time.map(|Time { time }| time))
    }

    fn delete(self, connection: &mut PgConnection) -> QueryResult<usize> {
        let Self { of: Deletion { table, column, .. }, from, until } = self;
        sql_query(format!("DELETE FROM {table} WHERE {column} >= $1 AND {column} <= $2"))
            .bind::<BigInt, _>(from)
            .bind::<BigInt, _>(until)
            .execute(connection)
    }

    /// Deletes those of some clusters.
    fn delete_by_cluster(self, connection: &mut PgConnection) -> QueryResult<usize> {
        let Self { of: Deletion { table, column, .. }, from, until } = self;
        let clusters: Vec<Cluster> = sql_query(format!(
            "SELECT org_id, cluster_id FROM {table} WHERE {column} >= $1 AND {column} <= $2
             ORDER BY {column} LIMIT {MOST}"
        ))
        .bind::<BigInt, _>(from)
        .bind::<BigInt, _>(until)
        .load(connection)?;
        let clusters: BTreeSet<_> =
            clusters.iter().map(|cluster| (cluster.org_id, cluster.cluster_id)).collect();
        let mut deleted = 0;
        for (org_id, cluster_id) in clusters.into_iter().take(STEP as usize) {
            if deleted >= MOST as usize {
                break;
            }
            deleted += sql_query(format!(
                "DELETE FROM {table} WHERE org_id = $1 AND cluster_id = $2 AND {column} <= $3"
            ))
            .bind::<BigInt, _>(org_id)
            .bind::<ClusterUuid, _>(cluster_id)
            .bind::<BigInt, _>(until)
            .execute(connection)?;
        }
        Ok(deleted)
    }
}
