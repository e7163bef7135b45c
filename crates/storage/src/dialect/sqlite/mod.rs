//! SQLite: one prepared statement a row, in one transaction that takes the write lock at its start.

use diesel::prelude::*;
use diesel::query_dsl::methods::FilterDsl;
use diesel::sql_query;
use diesel::sql_types::BigInt;
use diesel::upsert::excluded;

use crate::events::{EventRow, WriteTimes, changed_clusters};
use crate::requests::state_code;
use crate::schema::{clusters, requests};
use gathering_domain::RequestState;

/// Writes in a transaction that holds the write lock.
pub(crate) fn write(
    connection: &mut SqliteConnection,
    rows: &[EventRow<'_>],
    times: WriteTimes,
) -> QueryResult<Vec<bool>> {
    let changed: Vec<bool> =
        rows.iter().map(|row| write_request(connection, row, times)).collect::<QueryResult<_>>()?;
    for (org_id, cluster_id) in changed_clusters(rows, &changed) {
        diesel::insert_into(clusters::table)
            .values((
                clusters::org_id.eq(org_id),
                clusters::cluster_id.eq(cluster_id),
                clusters::first_seen.eq(times.now),
                clusters::last_seen.eq(times.now),
            ))
            .on_conflict((clusters::org_id, clusters::cluster_id))
            .do_update()
            .set(clusters::last_seen.eq(excluded(clusters::last_seen)))
            .filter(clusters::last_seen.le(times.seen_since))
            .execute(connection)?;
    }
    Ok(changed)
}

fn write_request(
    connection: &mut SqliteConnection,
    row: &EventRow<'_>,
    times: WriteTimes,
) -> QueryResult<bool> {
    let received = state_code(RequestState::Received);
    let count =
        diesel::insert_into(requests::table)
            .values((
                requests::org_id.eq(row.org_id),
                requests::cluster_id.eq(row.cluster_id),
                requests::request_id.eq(row.request_id),
                requests::state.eq(row.state),
                requests::received_at.eq(row.received_at),
                requests::processed_at.eq(row.processed_at),
                requests::expires_at.eq(times.expires_at),
                requests::rule_hits.eq(&row.rule_hits),
                requests::failure.eq(row.failure),
            ))
            .on_conflict((requests::org_id, requests::cluster_id, requests::request_id))
            .do_update()
            .set((
                requests::state.eq(excluded(requests::state)),
                requests::received_at.eq(excluded(requests::received_at)),
                requests::processed_at.eq(excluded(requests::processed_at)),
                requests::expires_at.eq(excluded(requests::expires_at)),
                requests::rule_hits.eq(excluded(requests::rule_hits)),
                requests::failure.eq(excluded(requests::failure)),
            ))
            // The table of states, as in `RequestState::after`: codes rise in the order in which states give way.
            .filter(requests::expires_at.le(times.now).or(
                excluded(requests::state).gt(received).and(excluded(requests::state).ge(requests::state)),
            ))
            .execute(connection)?;
    Ok(count > 0)
}

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
