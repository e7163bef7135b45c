//! Deleting what has expired, a step at a time.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::BigInt;

/// Deletes at most `limit` expired requests.
pub(crate) fn purge_requests(connection: &mut SqliteConnection, now: i64, limit: i64) -> QueryResult<usize> {
    sql_query(
        "DELETE FROM requests WHERE rowid IN (SELECT rowid FROM requests WHERE expires_at <= ? LIMIT ?)",
    )
    .bind::<BigInt, _>(now)
    .bind::<BigInt, _>(limit)
    .execute(connection)
}

/// Deletes at most `limit` clusters without a change since `forgotten`.
pub(crate) fn purge_clusters(
    connection: &mut SqliteConnection,
    forgotten: i64,
    limit: i64,
) -> QueryResult<usize> {
    sql_query("DELETE FROM clusters WHERE rowid IN (SELECT rowid FROM clusters WHERE last_seen <= ? LIMIT ?)")
        .bind::<BigInt, _>(forgotten)
        .bind::<BigInt, _>(limit)
        .execute(connection)
}
