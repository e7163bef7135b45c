//! Writing a batch: one prepared statement a row, in one transaction that takes the write lock at its start.
//!
//! The statements are query fragments of their own with a static ID: diesel prepares its own `DO UPDATE` anew for every
//! row, which takes longer than writing it.

use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Nullable, SmallInt, Text};
use diesel::sqlite::Sqlite;

use super::event_rows::{EventRow, WriteTimes, changed_clusters};
use super::upsert::ON_CONFLICT;
use crate::connection::cluster_uuid::{ClusterUuid, StoredCluster};

/// Writes in a transaction that holds the write lock.
pub(super) fn write(
    connection: &mut SqliteConnection,
    rows: &[EventRow<'_>],
    times: WriteTimes,
) -> QueryResult<Vec<bool>> {
    let write = |row| WriteRequest { row, times }.execute(connection).map(|count| count > 0);
    let changed: Vec<bool> = rows.iter().map(write).collect::<QueryResult<_>>()?;
    for (org_id, cluster_id) in changed_clusters(rows, &changed) {
        WriteCluster { org_id, cluster_id, times }.execute(connection)?;
    }
    Ok(changed)
}

struct WriteRequest<'a> {
    row: &'a EventRow<'a>,
    times: WriteTimes,
}

#[derive(QueryId)]
struct WriteCluster {
    org_id: i64,
    cluster_id: StoredCluster,
    times: WriteTimes,
}

impl QueryId for WriteRequest<'_> {
    type QueryId = WriteRequest<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl QueryFragment<Sqlite> for WriteRequest<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql(
            "INSERT INTO requests (org_id, cluster_id, request_id, state, received_at, processed_at, expires_at,
                                   rule_hits, failure)
             VALUES (",
        );
        out.push_bind_param::<BigInt, _>(&self.row.org_id)?;
        out.push_sql(", ");
        out.push_bind_param::<ClusterUuid, _>(&self.row.cluster_id)?;
        out.push_sql(", ");
        out.push_bind_param::<Text, _>(self.row.request_id)?;
        out.push_sql(", ");
        out.push_bind_param::<SmallInt, _>(&self.row.state)?;
        out.push_sql(", ");
        out.push_bind_param::<BigInt, _>(&self.row.received_at)?;
        out.push_sql(", ");
        out.push_bind_param::<Nullable<BigInt>, _>(&self.row.processed_at)?;
        out.push_sql(", ");
        out.push_bind_param::<BigInt, _>(&self.times.expires_at)?;
        out.push_sql(", ");
        out.push_bind_param::<Text, _>(&self.row.rule_hits)?;
        out.push_sql(", ");
        out.push_bind_param::<Nullable<Text>, _>(&self.row.failure)?;
        out.push_sql(")");
        out.push_sql(ON_CONFLICT);
        out.push_bind_param::<BigInt, _>(&self.times.now)
    }
}

impl QueryFragment<Sqlite> for WriteCluster {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("INSERT INTO clusters (org_id, cluster_id, first_seen, last_seen) VALUES (");
        out.push_bind_param::<BigInt, _>(&self.org_id)?;
        out.push_sql(", ");
        out.push_bind_param::<ClusterUuid, _>(&self.cluster_id)?;
        out.push_sql(", ");
        out.push_bind_param::<BigInt, _>(&self.times.now)?;
        out.push_sql(", ");
        out.push_bind_param::<BigInt, _>(&self.times.now)?;
        out.push_sql(
            ") ON CONFLICT (org_id, cluster_id) DO UPDATE SET last_seen = excluded.last_seen
             WHERE clusters.last_seen <= ",
        );
        out.push_bind_param::<BigInt, _>(&self.times.seen_since)
    }
}

impl RunQueryDsl<SqliteConnection> for WriteRequest<'_> {}
impl RunQueryDsl<SqliteConnection> for WriteCluster {}
