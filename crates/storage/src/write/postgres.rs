//! Writing a batch: one statement for all requests and one for all clusters, from arrays.
//!
//! They are query fragments of their own with a static ID, since diesel prepares such statements once for each connection
//! and others every time.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Nullable, SmallInt, Text};

use super::event_rows::{EventRow, WriteTimes, changed_clusters};
use super::upsert::ON_CONFLICT;
use crate::connection::cluster_uuid::{ClusterUuid, StoredCluster};

/// Writes in a transaction that is open.
pub(super) fn write(
    connection: &mut PgConnection,
    rows: &[EventRow<'_>],
    times: WriteTimes,
) -> QueryResult<Vec<bool>> {
    let keys = Keys::of(rows);
    let count = WriteRequests::new(&keys, rows, times).execute(connection)?;
    let changed = if count == rows.len() { vec![true; count] } else { changed(connection, &keys)? };
    let (organizations, clusters) = changed_clusters(rows, &changed).into_iter().unzip();
    WriteClusters { organizations, clusters, times }.execute(connection)?;
    Ok(changed)
}

fn changed(connection: &mut PgConnection, keys: &Keys<'_>) -> QueryResult<Vec<bool>> {
    // Counted from 1.
    let positions: Vec<i64> = Changed { keys }.load(connection)?;
    let mut changed = vec![false; keys.requests.len()];
    for position in positions {
        let index = usize::try_from(position).ok().and_then(|position| position.checked_sub(1));
        if let Some(changed) = index.and_then(|index| changed.get_mut(index)) {
            *changed = true;
        }
    }
    Ok(changed)
}

struct Keys<'a> {
    organizations: Vec<i64>,
    clusters: Vec<StoredCluster>,
    requests: Vec<&'a str>,
}

impl<'a> Keys<'a> {
    fn of(rows: &'a [EventRow<'a>]) -> Self {
        Self {
            organizations: rows.iter().map(|row| row.org_id).collect(),
            clusters: rows.iter().map(|row| row.cluster_id).collect(),
            requests: rows.iter().map(|row| row.request_id).collect(),
        }
    }

    fn walk_ast<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_bind_param::<Array<BigInt>, _>(&self.organizations)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<ClusterUuid>, _>(&self.clusters)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Text>, _>(&self.requests)
    }
}

struct WriteRequests<'a> {
    keys: &'a Keys<'a>,
    states: Vec<i16>,
    received: Vec<i64>,
    processed: Vec<Option<i64>>,
    hits: Vec<&'a str>,
    failures: Vec<Option<&'a str>>,
    times: WriteTimes,
}

impl<'a> WriteRequests<'a> {
    fn new(keys: &'a Keys<'a>, rows: &'a [EventRow<'a>], times: WriteTimes) -> Self {
        Self {
            keys,
            states: rows.iter().map(|row| row.state).collect(),
            received: rows.iter().map(|row| row.received_at).collect(),
            processed: rows.iter().map(|row| row.processed_at).collect(),
            hits: rows.iter().map(|row| row.rule_hits.as_str()).collect(),
            failures: rows.iter().map(|row| row.failure).collect(),
            times,
        }
    }
}

/// Which of these were written by the transaction that asks: PostgreSQL keeps with each row who wrote it. Sending back the
/// key of every row that was written would cost more, since nearly always all are.
struct Changed<'a> {
    keys: &'a Keys<'a>,
}

struct WriteClusters {
    organizations: Vec<i64>,
    clusters: Vec<StoredCluster>,
    times: WriteTimes,
}

impl QueryFragment<Pg> for WriteRequests<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(
            "INSERT INTO requests (org_id, cluster_id, request_id, state, received_at, processed_at, rule_hits, failure,
                                   expires_at)
             SELECT batch.*, ",
        );
        out.push_bind_param::<BigInt, _>(&self.times.expires_at)?;
        out.push_sql(" FROM unnest(");
        self.keys.walk_ast(&mut out)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<SmallInt>, _>(&self.states)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<BigInt>, _>(&self.received)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Nullable<BigInt>>, _>(&self.processed)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Text>, _>(&self.hits)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Nullable<Text>>, _>(&self.failures)?;
        out.push_sql(") AS batch");
        out.push_sql(ON_CONFLICT);
        out.push_bind_param::<BigInt, _>(&self.times.now)
    }
}

impl QueryFragment<Pg> for Changed<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT batch.position FROM unnest(");
        self.keys.walk_ast(&mut out)?;
        out.push_sql(
            ") WITH ORDINALITY AS batch (org_id, cluster_id, request_id, position)
             JOIN requests USING (org_id, cluster_id, request_id)
             WHERE requests.xmin = pg_current_xact_id()::xid",
        );
        Ok(())
    }
}

impl QueryFragment<Pg> for WriteClusters {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("INSERT INTO clusters (org_id, cluster_id, first_seen, last_seen) SELECT batch.*, ");
        out.push_bind_param::<BigInt, _>(&self.times.now)?;
        out.push_sql(", ");
        out.push_bind_param::<BigInt, _>(&self.times.now)?;
        out.push_sql(" FROM unnest(");
        out.push_bind_param::<Array<BigInt>, _>(&self.organizations)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<ClusterUuid>, _>(&self.clusters)?;
        // Most need no change. A conflict would lock the row first, which is a write too.
        out.push_sql(
            ") AS batch (org_id, cluster_id)
             WHERE NOT EXISTS (SELECT FROM clusters WHERE clusters.org_id = batch.org_id
                               AND clusters.cluster_id = batch.cluster_id AND clusters.last_seen > ",
        );
        out.push_bind_param::<BigInt, _>(&self.times.seen_since)?;
        out.push_sql(") ON CONFLICT (org_id, cluster_id) DO UPDATE SET last_seen = excluded.last_seen");
        Ok(())
    }
}

impl QueryId for WriteRequests<'_> {
    type QueryId = WriteRequests<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl QueryId for Changed<'_> {
    type QueryId = Changed<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl QueryId for WriteClusters {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl Query for Changed<'_> {
    type SqlType = BigInt;
}

impl RunQueryDsl<PgConnection> for WriteRequests<'_> {}
impl RunQueryDsl<PgConnection> for Changed<'_> {}
impl RunQueryDsl<PgConnection> for WriteClusters {}
