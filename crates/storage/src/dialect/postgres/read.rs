//! Questions to PostgreSQL, many of one kind with one statement: what is asked comes as arrays, and each row of the answer
//! says which question it is for. Each statement says for itself that an expired row counts as absent.
//!
//! A plan is made once and kept, perhaps on a table that was nearly empty. So the statements leave the planner no choice:
//! `LATERAL` with `OFFSET 0` looks up key by key, and `+ 0` keeps the index on times out of it.
//!
//! They are query fragments of their own with a static ID, since diesel prepares such statements once for each connection
//! and others every time.

use std::marker::PhantomData;

use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Bool, Nullable, SmallInt, SqlType, Text};
use gathering_domain::{ClusterId, OrganizationId, RequestId, Timestamp};

use crate::cluster_uuid::{ClusterUuid, StoredCluster};
use crate::rows::{RecordRow, ReportRow, StateRow};

/// The position of a question in what was asked, from 1.
pub(crate) type Position = i64;

/// Requests that are asked for, one entry of each list for each.
#[derive(Debug, Default)]
pub(crate) struct AskedRequests<'a> {
    clusters: AskedClusters,
    requests: Vec<&'a str>,
}

/// Clusters that are asked for, one entry of each list for each.
#[derive(Debug, Default)]
pub(crate) struct AskedClusters {
    pub(super) organizations: Vec<i64>,
    pub(super) clusters: Vec<StoredCluster>,
}

impl<'a> AskedRequests<'a> {
    pub(crate) fn add(&mut self, organization: OrganizationId, cluster: ClusterId, request: &'a RequestId) {
        self.clusters.add(organization, cluster);
        self.requests.push(request.as_str());
    }
}

impl AskedClusters {
    pub(crate) fn add(&mut self, organization: OrganizationId, cluster: ClusterId) {
        self.organizations.push(i64::from(organization.get()));
        self.clusters.push(cluster.into());
    }
}

/// Which columns of `requests` a statement asks for.
trait Columns: 'static {
    const NAMES: &'static str;
    type Types: SqlType;
}

struct OfStates;
struct OfReports;
struct OfRecords;

impl Columns for OfStates {
    const NAMES: &'static str = "requests.state, requests.expires_at";
    type Types = (BigInt, (SmallInt, BigInt));
}

impl Columns for OfReports {
    const NAMES: &'static str = "requests.state, requests.rule_hits";
    type Types = (BigInt, (SmallInt, Text));
}

impl Columns for OfRecords {
    const NAMES: &'static str =
        "requests.request_id, requests.state, requests.received_at, requests.processed_at";
    type Types = (BigInt, (Text, SmallInt, BigInt, Nullable<BigInt>));
}

/// Rows of single requests.
struct Requests<'a, C> {
    asked: &'a AskedRequests<'a>,
    now: i64,
    columns: PhantomData<C>,
}

/// Which clusters are known.
struct KnownClusters<'a> {
    asked: &'a AskedClusters,
    cluster_cutoff: i64,
}

impl<C: Columns> QueryFragment<Pg> for Requests<'_, C> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT asked.position, found.* FROM unnest(");
        out.push_bind_param::<Array<BigInt>, _>(&self.asked.clusters.organizations)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<ClusterUuid>, _>(&self.asked.clusters.clusters)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Text>, _>(&self.asked.requests)?;
        out.push_sql(
            ") WITH ORDINALITY AS asked (org_id, cluster_id, request_id, position) CROSS JOIN LATERAL (SELECT ",
        );
        out.push_sql(C::NAMES);
        out.push_sql(
            " FROM requests
             WHERE requests.org_id = asked.org_id AND requests.cluster_id = asked.cluster_id
               AND requests.request_id = asked.request_id AND requests.expires_at + 0 > ",
        );
        out.push_bind_param::<BigInt, _>(&self.now)?;
        out.push_sql(" OFFSET 0) AS found");
        Ok(())
    }
}

impl QueryFragment<Pg> for KnownClusters<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT asked.position FROM unnest(");
        out.push_bind_param::<Array<BigInt>, _>(&self.asked.organizations)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<ClusterUuid>, _>(&self.asked.clusters)?;
        out.push_sql(
            ") WITH ORDINALITY AS asked (org_id, cluster_id, position) CROSS JOIN LATERAL (
                 SELECT FROM clusters
                 WHERE clusters.org_id = asked.org_id AND clusters.cluster_id = asked.cluster_id
                   AND clusters.last_seen + 0 > ",
        );
        out.push_bind_param::<BigInt, _>(&self.cluster_cutoff)?;
        out.push_sql(" OFFSET 0) AS found");
        Ok(())
    }
}

impl<C: Columns> QueryId for Requests<'_, C> {
    type QueryId = Requests<'static, C>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl QueryId for KnownClusters<'_> {
    type QueryId = KnownClusters<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<C: Columns> Query for Requests<'_, C> {
    type SqlType = C::Types;
}

impl Query for KnownClusters<'_> {
    type SqlType = BigInt;
}

impl<C> RunQueryDsl<PgConnection> for Requests<'_, C> {}
impl RunQueryDsl<PgConnection> for KnownClusters<'_> {}

/// Fits a connection to these statements: each is planned once, and always looks its keys up one by one in an index. Where
/// there are no statistics yet, the planner may think reading the whole table cheaper.
pub(crate) fn prepare_for_reading(connection: &mut PgConnection) -> QueryResult<()> {
    connection.batch_execute(
        "SET plan_cache_mode = force_generic_plan; SET jit = off;
         SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off;",
    )
}

/// Whether the server takes writes, as far as this session is concerned.
pub(crate) fn can_write(connection: &mut PgConnection) -> QueryResult<bool> {
    diesel::select(sql::<Bool>("current_setting('transaction_read_only') = 'off'")).get_result(connection)
}

pub(crate) fn states(
    connection: &mut PgConnection,
    asked: &AskedRequests<'_>,
    now: Timestamp,
) -> QueryResult<Vec<(Position, StateRow)>> {
    let now = now.as_micros();
    Requests { asked, now, columns: PhantomData::<OfStates> }.load(connection)
}

pub(crate) fn reports(
    connection: &mut PgConnection,
    asked: &AskedRequests<'_>,
    now: Timestamp,
) -> QueryResult<Vec<(Position, ReportRow)>> {
    let now = now.as_micros();
    Requests { asked, now, columns: PhantomData::<OfReports> }.load(connection)
}

pub(crate) fn records(
    connection: &mut PgConnection,
    asked: &AskedRequests<'_>,
    now: Timestamp,
) -> QueryResult<Vec<(Position, RecordRow)>> {
    let now = now.as_micros();
    Requests { asked, now, columns: PhantomData::<OfRecords> }.load(connection)
}

/// The positions of those that have been seen since `cluster_cutoff`.
pub(crate) fn known_clusters(
    connection: &mut PgConnection,
    asked: &AskedClusters,
    cluster_cutoff: Timestamp,
) -> QueryResult<Vec<Position>> {
    KnownClusters { asked, cluster_cutoff: cluster_cutoff.as_micros() }.load(connection)
}
