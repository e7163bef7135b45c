//! Single requests, looked up by their keys.

use std::marker::PhantomData;

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Nullable, SmallInt, SqlType, Text};
use gathering_domain::time::Timestamp;

use super::keys::{Position, RequestKeys};
use crate::connection::cluster_uuid::ClusterUuid;
use crate::read::rows::{RecordRow, ReportRow, StatusRow};

/// Which columns of `requests` a statement asks for.
trait Columns: 'static {
    const NAMES: &'static str;
    type Types: SqlType;
}

struct OfStatuses;
struct OfStates;
struct OfReports;
struct OfRecords;

impl Columns for OfStatuses {
    const NAMES: &'static str = "requests.state, requests.failure, requests.expires_at";
    type Types = (BigInt, (SmallInt, Nullable<Text>, BigInt));
}

impl Columns for OfStates {
    const NAMES: &'static str = "requests.state";
    type Types = (BigInt, SmallInt);
}

impl Columns for OfReports {
    const NAMES: &'static str = "requests.state, requests.rule_hits, requests.failure, requests.expires_at";
    type Types = (BigInt, (SmallInt, Text, Nullable<Text>, BigInt));
}

impl Columns for OfRecords {
    const NAMES: &'static str = "requests.request_id, requests.state, requests.received_at, requests.processed_at, requests.expires_at";
    type Types = (BigInt, (Text, SmallInt, BigInt, Nullable<BigInt>, BigInt));
}

/// Rows of single requests.
struct Requests<'a, C> {
    asked: &'a RequestKeys<'a>,
    now: i64,
    columns: PhantomData<C>,
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
               AND requests.request_id = asked.request_id
               AND requests.cluster_id = ANY($2) AND requests.expires_at + 0 > ",
        );
        out.push_bind_param::<BigInt, _>(&self.now)?;
        out.push_sql(" GROUP BY requests.org_id, requests.cluster_id, requests.request_id) AS found");
        Ok(())
    }
}

impl<C: Columns> QueryId for Requests<'_, C> {
    type QueryId = Requests<'static, C>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<C: Columns> Query for Requests<'_, C> {
    type SqlType = C::Types;
}

impl<C> RunQueryDsl<PgConnection> for Requests<'_, C> {}

pub(crate) fn statuses(
    connection: &mut PgConnection,
    asked: &RequestKeys<'_>,
    now: Timestamp,
) -> QueryResult<Vec<(Position, StatusRow)>> {
    let now = now.as_micros();
    Requests { asked, now, columns: PhantomData::<OfStatuses> }.load(connection)
}

/// The codes of states.
pub(crate) fn states(
    connection: &mut PgConnection,
    asked: &RequestKeys<'_>,
    now: Timestamp,
) -> QueryResult<Vec<(Position, i16)>> {
    let now = now.as_micros();
    Requests { asked, now, columns: PhantomData::<OfStates> }.load(connection)
}

pub(crate) fn reports(
    connection: &mut PgConnection,
    asked: &RequestKeys<'_>,
    now: Timestamp,
) -> QueryResult<Vec<(Position, ReportRow)>> {
    let now = now.as_micros();
    Requests { asked, now, columns: PhantomData::<OfReports> }.load(connection)
}

pub(crate) fn records(
    connection: &mut PgConnection,
    asked: &RequestKeys<'_>,
    now: Timestamp,
) -> QueryResult<Vec<(Position, RecordRow)>> {
    let now = now.as_micros();
    Requests { asked, now, columns: PhantomData::<OfRecords> }.load(connection)
}
