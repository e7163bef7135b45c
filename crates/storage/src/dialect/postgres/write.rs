//! Writing a batch: one statement, from arrays.

use std::collections::HashSet;

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Nullable, SmallInt, Text};

use crate::cluster_uuid::{ClusterUuid, StoredCluster};
use crate::events::{EventRow, WriteTimes, changed_clusters};

/// The table of states, as in `RequestState::after`: codes rise in the order in which states give way.
const WRITE_REQUESTS: &str = "
    INSERT INTO requests (org_id, cluster_id, request_id, state, received_at, processed_at, expires_at,
                          rule_hits, failure)
    SELECT org_id, cluster_id, request_id, state, received_at, processed_at, $9, rule_hits, failure
    FROM unnest($1, $2, $3, $4, $5, $6, $7, $8)
        AS batch (org_id, cluster_id, request_id, state, received_at, processed_at, rule_hits, failure)
    ON CONFLICT (org_id, cluster_id, request_id) DO UPDATE SET
        state = excluded.state, received_at = excluded.received_at, processed_at = excluded.processed_at,
        expires_at = excluded.expires_at, rule_hits = excluded.rule_hits, failure = excluded.failure
    WHERE requests.expires_at <= $10 OR (excluded.state > 0 AND excluded.state >= requests.state)
    RETURNING org_id, cluster_id, request_id";

const WRITE_CLUSTERS: &str = "
    INSERT INTO clusters (org_id, cluster_id, first_seen, last_seen)
    SELECT org_id, cluster_id, $3, $3 FROM unnest($1, $2) AS batch (org_id, cluster_id)
    ON CONFLICT (org_id, cluster_id) DO UPDATE SET last_seen = excluded.last_seen WHERE clusters.last_seen <= $4";

#[derive(Debug, QueryableByName)]
#[expect(clippy::struct_field_names, reason = "the names of the columns")]
struct ChangedRow {
    #[diesel(sql_type = BigInt)]
    org_id: i64,
    #[diesel(sql_type = ClusterUuid)]
    cluster_id: StoredCluster,
    #[diesel(sql_type = Text)]
    request_id: String,
}

/// Writes in a transaction that is open.
pub(crate) fn write(
    connection: &mut PgConnection,
    rows: &[EventRow<'_>],
    times: WriteTimes,
) -> QueryResult<Vec<bool>> {
    let changed = write_requests(connection, rows, times)?;
    let (orgs, clusters): (Vec<_>, Vec<_>) = changed_clusters(rows, &changed).into_iter().unzip();
    sql_query(WRITE_CLUSTERS)
        .bind::<Array<BigInt>, _>(orgs)
        .bind::<Array<ClusterUuid>, _>(clusters)
        .bind::<BigInt, _>(times.now)
        .bind::<BigInt, _>(times.seen_since)
        .execute(connection)?;
    Ok(changed)
}

fn write_requests(
    connection: &mut PgConnection,
    rows: &[EventRow<'_>],
    times: WriteTimes,
) -> QueryResult<Vec<bool>> {
    fn column<'a, T>(rows: &'a [EventRow<'a>], value: impl Fn(&'a EventRow<'a>) -> T) -> Vec<T> {
        rows.iter().map(value).collect()
    }
    let changed: Vec<ChangedRow> = sql_query(WRITE_REQUESTS)
        .bind::<Array<BigInt>, _>(column(rows, |row| row.org_id))
        .bind::<Array<ClusterUuid>, _>(column(rows, |row| row.cluster_id))
        .bind::<Array<Text>, _>(column(rows, |row| row.request_id))
        .bind::<Array<SmallInt>, _>(column(rows, |row| row.state))
        .bind::<Array<BigInt>, _>(column(rows, |row| row.received_at))
        .bind::<Array<Nullable<BigInt>>, _>(column(rows, |row| row.processed_at))
        .bind::<Array<Text>, _>(column(rows, |row| row.rule_hits.as_str()))
        .bind::<Array<Nullable<Text>>, _>(column(rows, |row| row.failure))
        .bind::<BigInt, _>(times.expires_at)
        .bind::<BigInt, _>(times.now)
        .load(connection)?;
    if changed.len() == rows.len() {
        return Ok(vec![true; rows.len()]);
    }
    let changed: HashSet<_> =
        changed.iter().map(|row| (row.org_id, row.cluster_id, row.request_id.as_str())).collect();
    Ok(rows.iter().map(|row| changed.contains(&(row.org_id, row.cluster_id, row.request_id))).collect())
}
