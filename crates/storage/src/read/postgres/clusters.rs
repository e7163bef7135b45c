//! Which clusters are known.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt};
use gathering_domain::time::Timestamp;

use super::keys::{ClusterKeys, Position};
use crate::connection::cluster_uuid::ClusterUuid;

/// Clusters that have been seen since a time.
struct SeenClusters<'a, const FOR_READING: bool> {
    asked: &'a ClusterKeys,
    since: i64,
}

impl<const FOR_READING: bool> QueryFragment<Pg> for SeenClusters<'_, FOR_READING> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT asked.position FROM unnest(");
        out.push_bind_param::<Array<BigInt>, _>(&self.asked.organizations)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<ClusterUuid>, _>(&self.asked.clusters)?;
        out.push_sql(
            ") WITH ORDINALITY AS asked (org_id, cluster_id, position) CROSS JOIN LATERAL (
                 SELECT clusters.cluster_id FROM clusters
                 WHERE clusters.org_id = asked.org_id AND clusters.cluster_id = asked.cluster_id",
        );
        if FOR_READING {
            out.push_sql(" AND clusters.cluster_id = ANY($2)");
        }
        out.push_sql(" AND clusters.last_seen + 0 > ");
        out.push_bind_param::<BigInt, _>(&self.since)?;
        out.push_sql(" GROUP BY clusters.org_id, clusters.cluster_id) AS found");
        Ok(())
    }
}

impl<const FOR_READING: bool> QueryId for SeenClusters<'_, FOR_READING> {
    type QueryId = SeenClusters<'static, FOR_READING>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<const FOR_READING: bool> Query for SeenClusters<'_, FOR_READING> {
    type SqlType = BigInt;
}

impl<const FOR_READING: bool> RunQueryDsl<PgConnection> for SeenClusters<'_, FOR_READING> {}

/// The positions of those that have been seen since `cluster_cutoff`.
pub(crate) fn known_clusters(
    connection: &mut PgConnection,
    asked: &ClusterKeys,
    cluster_cutoff: Timestamp,
) -> QueryResult<Vec<Position>> {
    SeenClusters::<true> { asked, since: cluster_cutoff.as_micros() }.load(connection)
}

/// The positions of those that have been seen since then, in microseconds, for a transaction that writes to the shards of all of
/// them: the condition that keeps other shards out would be compared with every cluster of a large batch.
pub(crate) fn fresh_clusters(
    connection: &mut PgConnection,
    asked: &ClusterKeys,
    since: i64,
) -> QueryResult<Vec<Position>> {
    SeenClusters::<false> { asked, since }.load(connection)
}
