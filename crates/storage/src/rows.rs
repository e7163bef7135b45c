//! Questions about requests, the same on both databases. Each says for itself that an expired row counts as absent.

use std::str::FromStr;

use diesel::prelude::*;
use gathering_domain::{
    ClusterId, OrganizationId, RequestId, RequestKey, RequestRecord, RequestState, RuleHit, StoredReport,
    Timestamp,
};

use crate::cluster_uuid::StoredCluster;
use crate::connection::AnyConnection;
use crate::schema::{clusters, requests};

/// The most IDs that one statement asks for; SQLite takes 32,766 parameters, and shorter statements parse faster.
const IDS_PER_QUERY: usize = 1000;

pub(crate) const fn state_code(state: RequestState) -> i16 {
    match state {
        RequestState::Received => 0,
        RequestState::Failed => 1,
        RequestState::Processed => 2,
    }
}

fn state_of(code: i16) -> QueryResult<RequestState> {
    match code {
        0 => Ok(RequestState::Received),
        1 => Ok(RequestState::Failed),
        2 => Ok(RequestState::Processed),
        _ => Err(unreadable("a state other than 0, 1 and 2")),
    }
}

fn unreadable(what: &'static str) -> diesel::result::Error {
    diesel::result::Error::DeserializationError(format!("a row of requests holds {what}").into())
}

type Row = (String, i16, i64, Option<i64>);

fn record((request, state, received_at, processed_at): Row) -> QueryResult<RequestRecord> {
    Ok(RequestRecord {
        request: RequestId::try_from(request).map_err(|_| unreadable("no request ID"))?,
        state: state_of(state)?,
        received_at: Timestamp::from_micros(received_at),
        processed_at: processed_at.map(Timestamp::from_micros),
    })
}

pub(crate) fn state(
    connection: &mut AnyConnection,
    key: &RequestKey,
    now: Timestamp,
) -> QueryResult<Option<RequestState>> {
    requests::table
        .filter(requests::org_id.eq(i64::from(key.organization.get())))
        .filter(requests::cluster_id.eq(StoredCluster::from(key.cluster)))
        .filter(requests::request_id.eq(key.request.as_str()))
        .filter(requests::expires_at.gt(now.as_micros()))
        .select(requests::state)
        .first::<i16>(connection)
        .optional()?
        .map(state_of)
        .transpose()
}

pub(crate) fn report(
    connection: &mut AnyConnection,
    key: &RequestKey,
    now: Timestamp,
) -> QueryResult<Option<StoredReport>> {
    let row: Option<(i16, String)> = requests::table
        .filter(requests::org_id.eq(i64::from(key.organization.get())))
        .filter(requests::cluster_id.eq(StoredCluster::from(key.cluster)))
        .filter(requests::request_id.eq(key.request.as_str()))
        .filter(requests::expires_at.gt(now.as_micros()))
        .select((requests::state, requests::rule_hits))
        .first(connection)
        .optional()?;
    row.map(|(state, hits)| Ok(StoredReport { state: state_of(state)?, hits: hits_of(&hits)? })).transpose()
}

/// Commas cannot occur in a hit, so they separate them.
pub(crate) fn hits_text(hits: &[RuleHit]) -> String {
    hits.iter().map(RuleHit::as_str).collect::<Vec<_>>().join(",")
}

fn hits_of(text: &str) -> QueryResult<Vec<RuleHit>> {
    let hits = text.split(',').filter(|hit| !hit.is_empty()).map(RuleHit::from_str);
    hits.collect::<Result<_, _>>().map_err(|_| unreadable("no rule hit"))
}

pub(crate) fn list(
    connection: &mut AnyConnection,
    organization: OrganizationId,
    cluster: ClusterId,
    now: Timestamp,
    forgotten_since: Timestamp,
) -> QueryResult<Option<Vec<RequestRecord>>> {
    let rows: Vec<Row> = requests::table
        .filter(requests::org_id.eq(i64::from(organization.get())))
        .filter(requests::cluster_id.eq(StoredCluster::from(cluster)))
        .filter(requests::expires_at.gt(now.as_micros()))
        .order((requests::received_at.desc(), requests::request_id))
        .select((requests::request_id, requests::state, requests::received_at, requests::processed_at))
        .load(connection)?;
    if rows.is_empty() {
        let last_seen: Option<i64> = clusters::table
            .filter(clusters::org_id.eq(i64::from(organization.get())))
            .filter(clusters::cluster_id.eq(StoredCluster::from(cluster)))
            .filter(clusters::last_seen.gt(forgotten_since.as_micros()))
            .select(clusters::last_seen)
            .first(connection)
            .optional()?;
        return Ok(last_seen.map(|_| Vec::new()));
    }
    rows.into_iter().map(record).collect::<QueryResult<_>>().map(Some)
}

pub(crate) fn select(
    connection: &mut AnyConnection,
    organization: OrganizationId,
    cluster: ClusterId,
    asked: &[RequestId],
    now: Timestamp,
) -> QueryResult<Vec<RequestRecord>> {
    let mut asked: Vec<&str> = asked.iter().map(RequestId::as_str).collect();
    asked.sort_unstable();
    asked.dedup();
    let mut found = Vec::new();
    for ids in asked.chunks(IDS_PER_QUERY) {
        let rows: Vec<Row> = requests::table
            .filter(requests::org_id.eq(i64::from(organization.get())))
            .filter(requests::cluster_id.eq(StoredCluster::from(cluster)))
            .filter(requests::request_id.eq_any(ids))
            .filter(requests::expires_at.gt(now.as_micros()))
            .select((requests::request_id, requests::state, requests::received_at, requests::processed_at))
            .load(connection)?;
        for row in rows {
            found.push(record(row)?);
        }
    }
    Ok(found)
}
