//! Questions to SQLite, one row or one cluster each. Each says for itself that an expired row counts as absent.
//!
//! They are asked on the driver's own connection: through the one that is either database's, diesel prepares every
//! statement anew, which takes longer than answering it.

use std::num::NonZeroUsize;

use diesel::connection::DefaultLoadingMode;
use diesel::prelude::*;
use gathering_domain::ids::{ClusterId, OrganizationId, RequestId, RequestKey};
use gathering_domain::request::{RequestRecord, StoredReport};
use gathering_domain::time::Timestamp;

use crate::connection::cluster_uuid::StoredCluster;
use crate::read::rows::{
    self, KeptStatus, ReadTimes, RecordRow, ReportRow, SHORT_LIST, ShortList, StatusRow,
};
use crate::schema::{clusters, requests};

/// The most IDs that one statement asks for; SQLite takes 32,766 parameters, and shorter statements parse faster.
const IDS_PER_QUERY: usize = 1000;

/// The columns of a [`RecordRow`].
const RECORD: (
    requests::request_id,
    requests::state,
    requests::received_at,
    requests::processed_at,
    requests::expires_at,
) = (
    requests::request_id,
    requests::state,
    requests::received_at,
    requests::processed_at,
    requests::expires_at,
);

pub(crate) fn status(
    connection: &mut SqliteConnection,
    key: &RequestKey,
    now: Timestamp,
) -> QueryResult<Option<KeptStatus>> {
    let row: Option<StatusRow> = requests::table
        .filter(requests::org_id.eq(i64::from(key.organization.get())))
        .filter(requests::cluster_id.eq(StoredCluster::from(key.cluster)))
        .filter(requests::request_id.eq(key.request.as_str()))
        .filter(requests::expires_at.gt(now.as_micros()))
        .select((requests::state, requests::failure, requests::expires_at))
        .get_result(connection)
        .optional()?;
    row.map(rows::kept_status).transpose()
}

pub(crate) fn report(
    connection: &mut SqliteConnection,
    key: &RequestKey,
    now: Timestamp,
) -> QueryResult<Option<StoredReport>> {
    let row: Option<ReportRow> = requests::table
        .filter(requests::org_id.eq(i64::from(key.organization.get())))
        .filter(requests::cluster_id.eq(StoredCluster::from(key.cluster)))
        .filter(requests::request_id.eq(key.request.as_str()))
        .filter(requests::expires_at.gt(now.as_micros()))
        .select((requests::state, requests::rule_hits, requests::failure, requests::expires_at))
        .get_result(connection)
        .optional()?;
    row.map(rows::report).transpose()
}

/// The requests of a cluster, as long as it has few rows.
pub(crate) fn short_list(
    connection: &mut SqliteConnection,
    organization: OrganizationId,
    cluster: ClusterId,
    times: ReadTimes,
) -> QueryResult<ShortList> {
    let mut records = Vec::new();
    // Expired rows are left out here and not in the statement, since they take time too.
    let found = requests::table
        .filter(requests::org_id.eq(i64::from(organization.get())))
        .filter(requests::cluster_id.eq(StoredCluster::from(cluster)))
        .select(RECORD)
        .load_iter::<RecordRow, DefaultLoadingMode>(connection)?;
    for (number, row) in (0..).zip(found) {
        if number == SHORT_LIST {
            return Ok(ShortList::TooLong);
        }
        let record = rows::record(row?)?;
        if record.is_live(times.now) {
            records.push(record);
        }
    }
    if records.is_empty() && !is_known(connection, organization, cluster, times.cluster_cutoff)? {
        return Ok(ShortList::Unknown);
    }
    Ok(ShortList::Whole(rows::newest_first(records)))
}

/// The newest requests of a cluster, however many there are; `None` if it is not known.
pub(crate) fn long_list(
    connection: &mut SqliteConnection,
    organization: OrganizationId,
    cluster: ClusterId,
    times: ReadTimes,
    most: Option<NonZeroUsize>,
) -> QueryResult<Option<Vec<RequestRecord>>> {
    let all = requests::table
        .filter(requests::org_id.eq(i64::from(organization.get())))
        .filter(requests::cluster_id.eq(StoredCluster::from(cluster)))
        .filter(requests::expires_at.gt(times.now.as_micros()))
        .select(RECORD);
    let found: Vec<RecordRow> = match most.and_then(|most| i64::try_from(most.get()).ok()) {
        Some(most) => {
            all.order((requests::received_at.desc(), requests::request_id)).limit(most).load(connection)?
        }
        // SQLite would put the rows into a file to sort them.
        None => all.load(connection)?,
    };
    if found.is_empty() && !is_known(connection, organization, cluster, times.cluster_cutoff)? {
        return Ok(None);
    }
    let records = found.into_iter().map(rows::record).collect::<QueryResult<_>>()?;
    Ok(Some(rows::newest_first(records)))
}

fn is_known(
    connection: &mut SqliteConnection,
    organization: OrganizationId,
    cluster: ClusterId,
    cluster_cutoff: Timestamp,
) -> QueryResult<bool> {
    let last_seen: Option<i64> = clusters::table
        .filter(clusters::org_id.eq(i64::from(organization.get())))
        .filter(clusters::cluster_id.eq(StoredCluster::from(cluster)))
        .filter(clusters::last_seen.gt(cluster_cutoff.as_micros()))
        .select(clusters::last_seen)
        .get_result(connection)
        .optional()?;
    Ok(last_seen.is_some())
}

pub(crate) fn select(
    connection: &mut SqliteConnection,
    organization: OrganizationId,
    cluster: ClusterId,
    asked: &[RequestId],
    now: Timestamp,
) -> QueryResult<Vec<RequestRecord>> {
    let mut asked: Vec<&str> = asked.iter().map(RequestId::as_str).collect();
    asked.sort_unstable();
    asked.dedup();
    let mut records = Vec::new();
    for ids in asked.chunks(IDS_PER_QUERY) {
        let found: Vec<RecordRow> = requests::table
            .filter(requests::org_id.eq(i64::from(organization.get())))
            .filter(requests::cluster_id.eq(StoredCluster::from(cluster)))
            .filter(requests::request_id.eq_any(ids))
            .filter(requests::expires_at.gt(now.as_micros()))
            .select(RECORD)
            .load(connection)?;
        for row in found {
            records.push(rows::record(row)?);
        }
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use diesel::connection::{Connection, InstrumentationEvent, SimpleConnection};
    use diesel::sql_query;
    use diesel::sql_types::{BigInt, Text};

    use super::*;

    #[derive(QueryableByName)]
    struct Step {
        #[diesel(sql_type = Text)]
        detail: String,
    }

    /// How SQLite would find what these statements ask for.
    fn plans(connection: &mut SqliteConnection, ask: impl FnOnce(&mut SqliteConnection)) -> Vec<String> {
        let statements = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&statements);
        connection.set_instrumentation(move |event: InstrumentationEvent<'_>| {
            if let InstrumentationEvent::StartQuery { query, .. } = event {
                seen.lock().unwrap().push(query.to_string());
            }
        });
        ask(connection);
        connection.set_instrumentation(|_: InstrumentationEvent<'_>| {});
        let statements = std::mem::take(&mut *statements.lock().unwrap());
        let plan = |statement: String| {
            let text = statement.split(" -- binds").next().unwrap().to_owned();
            let steps: Vec<Step> = sql_query(format!("EXPLAIN QUERY PLAN {text}")).load(connection).unwrap();
            steps.into_iter().map(|step| step.detail).collect::<Vec<_>>().join("; ")
        };
        statements.into_iter().map(plan).collect()
    }

    #[test]
    fn each_question_is_a_search_in_the_primary_key() {
        let mut connection = SqliteConnection::establish(":memory:").unwrap();
        let schema = include_str!("../../../../migrations/sqlite/0001_requests/up.sql");
        connection.batch_execute(schema).unwrap();
        let (organization, now) = (42.try_into().unwrap(), Timestamp::from_micros(0));
        let cluster = ClusterId::from_bytes([7; 16]);
        let request: RequestId = "a".parse().unwrap();
        let key = RequestKey { organization, cluster, request: request.clone() };
        let of_request = "SEARCH requests USING INDEX sqlite_autoindex_requests_1 \
                          (org_id=? AND cluster_id=? AND request_id=?)";
        let of_cluster =
            "SEARCH requests USING INDEX sqlite_autoindex_requests_1 (org_id=? AND cluster_id=?)";
        let of_known = "SEARCH clusters USING INDEX sqlite_autoindex_clusters_1 (org_id=? AND cluster_id=?)";
        let found = plans(&mut connection, |connection| {
            status(connection, &key, now).unwrap();
            report(connection, &key, now).unwrap();
            select(connection, organization, cluster, &[request], now).unwrap();
            let times = ReadTimes { now, cluster_cutoff: now };
            short_list(connection, organization, cluster, times).unwrap();
            long_list(connection, organization, cluster, times, None).unwrap();
        });
        assert_eq!(found, [of_request, of_request, of_request, of_cluster, of_known, of_cluster, of_known]);
        let found = plans(&mut connection, |connection| {
            let statement = crate::write::purge::deletion::REQUESTS.sqlite;
            sql_query(statement).bind::<BigInt, _>(0).bind::<BigInt, _>(1).execute(connection).unwrap();
        });
        assert!(found[0].contains("INDEX requests_expires_at (expires_at<?)"), "{found:?}");
    }
}
