//! Writing a batch: one statement for all requests and one for all clusters, from arrays.
//!
//! They are query fragments of their own with a static ID, since diesel prepares such statements once for each connection
//! and others every time.

use std::collections::HashSet;

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Nullable, SmallInt, Text};

use super::event_rows::{EventRow, WriteTimes, changed_clusters};
use super::upsert::ON_CONFLICT;
use crate::connection::cluster_uuid::{ClusterUuid, StoredCluster};
use crate::read::postgres::clusters::fresh_clusters;
use crate::read::postgres::keys::{ClusterKeys, Position};

/// Writes in a transaction that is open.
pub(super) fn write(
    connection: &mut PgConnection,
    rows: &[EventRow<'_>],
    times: WriteTimes,
) -> QueryResult<Vec<bool>> {
    let keys = Keys::of(rows);
    let written = WriteRequests::new(&keys, rows, times).load::<Written>(connection)?;
    let changed = if written.len() == rows.len() { vec![true; rows.len()] } else { changed(rows, &written) };
    write_clusters(connection, changed_clusters(rows, &changed), times)?;
    Ok(changed)
}

/// The key of a row that was written.
type Written = (i64, StoredCluster, String);

/// Which rows are among those that were written.
fn changed(rows: &[EventRow<'_>], written: &[Written]) -> Vec<bool> {
    let written: HashSet<_> = written
        .iter()
        .map(|(org_id, cluster_id, request_id)| (*org_id, *cluster_id, request_id.as_str()))
        .collect();
    rows.iter().map(|row| written.contains(&(row.org_id, row.cluster_id, row.request_id))).collect()
}

/// Makes sure that clusters are known. Most need no change, and a conflict would lock the row, which is a write too; so they are
/// asked for first.
fn write_clusters(
    connection: &mut PgConnection,
    clusters: Vec<(i64, StoredCluster)>,
    times: WriteTimes,
) -> QueryResult<()> {
    if clusters.is_empty() {
        return Ok(());
    }
    let asked = clusters.iter().copied().collect();
    let fresh: HashSet<Position> =
        fresh_clusters(connection, &asked, times.seen_since)?.into_iter().collect();
    let stale =
        (1..).zip(clusters).filter(|(position, _)| !fresh.contains(position)).map(|(_, cluster)| cluster);
    let clusters: ClusterKeys = stale.collect();
    if clusters.clusters.is_empty() {
        return Ok(());
    }
    WriteClusters { clusters, now: times.now }.execute(connection).map(|_| ())
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

struct WriteClusters {
    clusters: ClusterKeys,
    now: i64,
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
        // That is the time of the write. Citus takes no parameter there; the number is the same in every write.
        out.push_sql(&format!("excluded.expires_at - {}", self.times.retention));
        // Citus counts the rows that were sent, not those that were written.
        out.push_sql(" RETURNING org_id, cluster_id, request_id");
        Ok(())
    }
}

impl QueryFragment<Pg> for WriteClusters {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("INSERT INTO clusters (org_id, cluster_id, first_seen, last_seen) SELECT batch.*, ");
        out.push_bind_param::<BigInt, _>(&self.now)?;
        out.push_sql(", ");
        out.push_bind_param::<BigInt, _>(&self.now)?;
        out.push_sql(" FROM unnest(");
        out.push_bind_param::<Array<BigInt>, _>(&self.clusters.organizations)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<ClusterUuid>, _>(&self.clusters.clusters)?;
        out.push_sql(
            ") AS batch (org_id, cluster_id)
             ON CONFLICT (org_id, cluster_id) DO UPDATE SET last_seen = excluded.last_seen",
        );
        Ok(())
    }
}

impl QueryId for WriteRequests<'_> {
    type QueryId = WriteRequests<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl QueryId for WriteClusters {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl Query for WriteRequests<'_> {
    type SqlType = (BigInt, ClusterUuid, Text);
}

impl RunQueryDsl<PgConnection> for WriteRequests<'_> {}
impl RunQueryDsl<PgConnection> for WriteClusters {}
