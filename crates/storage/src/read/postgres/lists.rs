//! Lists of the requests of clusters: short ones of many clusters with one statement, a long one by itself.

use std::num::NonZeroUsize;

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Binary, Nullable, Text};
use gathering_domain::ids::{ClusterId, OrganizationId};
use gathering_domain::request::RequestRecord;
use gathering_domain::time::Timestamp;

use super::clusters::known_clusters;
use super::keys::{ClusterKeys, Position};
use crate::connection::cluster_uuid::{ClusterUuid, StoredCluster};
use crate::read::rows::{self, ReadTimes, RecordColumns, SHORT_LIST};

/// The requests of clusters that have few rows, a row for each cluster that has any, with all its records: rows on their own
/// cost a sixth of the rate (ADR 10), and so do arrays. All aggregates see the records in one order, as long as none has an order
/// of its own. Rows that have expired are left out after they are counted, since they take time too.
struct ShortLists<'a> {
    asked: &'a ClusterKeys,
    now: i64,
}

/// The newest requests of one cluster, however many there are, as columns.
struct LongList {
    org_id: i64,
    cluster_id: StoredCluster,
    now: i64,
    most: Option<i64>,
}

/// The columns of records. The table's check says that those with a time of processing are the processed ones; of the others
/// the state comes in its place, counted from the smallest number, which no time is near.
const RECORD_COLUMNS: [&str; 4] = [
    "string_agg(found.request_id, ',')",
    "string_agg(int8send(found.received_at), NULL)",
    "string_agg(int8send(COALESCE(found.processed_at, '-9223372036854775808'::BIGINT + found.state)), NULL)",
    "string_agg(int8send(found.expires_at), NULL)",
];

type ColumnTypes = (Nullable<Text>, Nullable<Binary>, Nullable<Binary>, Nullable<Binary>);

/// What is read of [`RECORD_COLUMNS`]; nothing where there is no record.
type Columns = (Option<String>, Option<Vec<u8>>, Option<Vec<u8>>, Option<Vec<u8>>);

impl QueryFragment<Pg> for ShortLists<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT asked.position, list.* FROM unnest(");
        out.push_bind_param::<Array<BigInt>, _>(&self.asked.organizations)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<ClusterUuid>, _>(&self.asked.clusters)?;
        out.push_sql(
            ") WITH ORDINALITY AS asked (org_id, cluster_id, position) CROSS JOIN LATERAL (SELECT count(*) AS rows",
        );
        for column in RECORD_COLUMNS {
            out.push_sql(", ");
            out.push_sql(column);
            out.push_sql(" FILTER (WHERE found.expires_at > ");
            out.push_bind_param::<BigInt, _>(&self.now)?;
            out.push_sql(")");
        }
        // That the columns of a group are compared again saves sorting by them.
        out.push_sql(
            " FROM (SELECT * FROM requests
                    WHERE requests.org_id = asked.org_id AND requests.cluster_id = asked.cluster_id
                      AND requests.cluster_id = ANY($2) LIMIT ",
        );
        out.push_bind_param::<BigInt, _>(&ROWS)?;
        out.push_sql(
            ") AS found WHERE found.org_id = asked.org_id AND found.cluster_id = asked.cluster_id
             GROUP BY found.org_id, found.cluster_id) AS list",
        );
        Ok(())
    }
}

/// One more row than a short list has.
const ROWS: i64 = SHORT_LIST + 1;

impl QueryFragment<Pg> for LongList {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT ");
        out.push_sql(&RECORD_COLUMNS.join(", "));
        out.push_sql(" FROM (SELECT * FROM requests WHERE requests.org_id = ");
        out.push_bind_param::<BigInt, _>(&self.org_id)?;
        out.push_sql(" AND requests.cluster_id = ");
        out.push_bind_param::<ClusterUuid, _>(&self.cluster_id)?;
        out.push_sql(" AND requests.expires_at + 0 > ");
        out.push_bind_param::<BigInt, _>(&self.now)?;
        if let Some(most) = &self.most {
            out.push_sql(" ORDER BY requests.received_at DESC, requests.request_id LIMIT ");
            out.push_bind_param::<BigInt, _>(most)?;
        }
        out.push_sql(") AS found");
        Ok(())
    }
}

impl QueryId for ShortLists<'_> {
    type QueryId = ShortLists<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

/// There are two of them, and who asks has time.
impl QueryId for LongList {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for ShortLists<'_> {
    type SqlType = (BigInt, (BigInt, ColumnTypes));
}

impl Query for LongList {
    type SqlType = ColumnTypes;
}

impl RunQueryDsl<PgConnection> for ShortLists<'_> {}
impl RunQueryDsl<PgConnection> for LongList {}

/// What was found of a cluster that has rows.
#[derive(Debug)]
pub(crate) enum ShortRows {
    /// All of them have expired.
    Expired,
    Records(RecordColumns),
    /// There are more than a short list has.
    TooMany,
}

/// The records of each cluster that has rows.
pub(crate) fn short_lists(
    connection: &mut PgConnection,
    asked: &ClusterKeys,
    now: Timestamp,
) -> QueryResult<Vec<(Position, ShortRows)>> {
    let rows: Vec<(Position, (i64, Columns))> =
        ShortLists { asked, now: now.as_micros() }.load(connection)?;
    let rows = rows.into_iter().map(|(position, (rows, columns))| {
        let found = if rows < ROWS {
            record_columns(columns).map_or(ShortRows::Expired, ShortRows::Records)
        } else {
            ShortRows::TooMany
        };
        (position, found)
    });
    Ok(rows.collect())
}

/// The newest requests of a cluster, however many there are; `None` if it is not known.
pub(crate) fn long_list(
    connection: &mut PgConnection,
    organization: OrganizationId,
    cluster: ClusterId,
    times: ReadTimes,
    most: Option<NonZeroUsize>,
) -> QueryResult<Option<Vec<RequestRecord>>> {
    let most = most.and_then(|most| i64::try_from(most.get()).ok());
    let (org_id, cluster_id) = (i64::from(organization.get()), cluster.into());
    let row = LongList { org_id, cluster_id, now: times.now.as_micros(), most }.get_result(connection)?;
    if let Some(columns) = record_columns(row) {
        return rows::records(&columns).map(|records| Some(rows::newest_first(records)));
    }
    let mut asked = ClusterKeys::default();
    asked.add(organization, cluster);
    let is_known = !known_clusters(connection, &asked, times.cluster_cutoff)?.is_empty();
    Ok(is_known.then(Vec::new))
}

fn record_columns((request_ids, received_at, outcomes, expires_at): Columns) -> Option<RecordColumns> {
    Some(RecordColumns {
        request_ids: request_ids?,
        received_at: received_at?,
        outcomes: outcomes?,
        expires_at: expires_at?,
    })
}
