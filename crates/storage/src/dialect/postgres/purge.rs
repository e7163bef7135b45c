//! Deleting what has expired, a step at a time.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::BigInt;

/// Deletes at most `limit` expired requests that no writer holds at the moment.
pub(crate) fn purge_requests(connection: &mut PgConnection, now: i64, limit: i64) -> QueryResult<usize> {
    sql_query(
        "DELETE FROM requests WHERE ctid = ANY (ARRAY(
             SELECT ctid FROM requests WHERE expires_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED))",
    )
    .bind::<BigInt, _>(now)
    .bind::<BigInt, _>(limit)
    .execute(connection)
}

/// Deletes at most `limit` clusters without a change since `forgotten` that no writer holds at the moment.
pub(crate) fn purge_clusters(
    connection: &mut PgConnection,
    forgotten: i64,
    limit: i64,
) -> QueryResult<usize> {
    sql_query(
        "DELETE FROM clusters WHERE ctid = ANY (ARRAY(
             SELECT ctid FROM clusters WHERE last_seen <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED))",
    )
    .bind::<BigInt, _>(forgotten)
    .bind::<BigInt, _>(limit)
    .execute(connection)
}
