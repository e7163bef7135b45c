//! What the columns of `requests` mean, the same on both databases.

use std::cmp::Reverse;
use std::str::FromStr;

use diesel::QueryResult;
use diesel::result::Error;
use gathering_domain::{RequestId, RequestRecord, RequestState, RuleHit, StoredReport, Timestamp};

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

fn unreadable(what: &'static str) -> Error {
    Error::DeserializationError(format!("a row of requests holds {what}").into())
}

/// A state and until when it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeptState {
    pub(crate) state: RequestState,
    pub(crate) expires_at: Timestamp,
}

/// `state`, `expires_at`.
pub(crate) type StateRow = (i16, i64);

pub(crate) fn kept_state((state, expires_at): StateRow) -> QueryResult<KeptState> {
    Ok(KeptState { state: state_of(state)?, expires_at: Timestamp::from_micros(expires_at) })
}

/// `state`, `rule_hits`.
pub(crate) type ReportRow = (i16, String);

pub(crate) fn report((state, hits): ReportRow) -> QueryResult<StoredReport> {
    Ok(StoredReport { state: state_of(state)?, hits: hits_of(&hits)? })
}

/// `request_id`, `state`, `received_at`, `processed_at`.
pub(crate) type RecordRow = (String, i16, i64, Option<i64>);

pub(crate) fn record((request, state, received_at, processed_at): RecordRow) -> QueryResult<RequestRecord> {
    Ok(RequestRecord {
        request: RequestId::try_from(request).map_err(|_| unreadable("no request ID"))?,
        state: state_of(state)?,
        received_at: Timestamp::from_micros(received_at),
        processed_at: processed_at.map(Timestamp::from_micros),
    })
}

/// Many of them: each column by itself.
pub(crate) type RecordColumns = (Vec<String>, Vec<i16>, Vec<i64>, Vec<Option<i64>>);

pub(crate) fn records(
    (requests, states, received_at, processed_at): RecordColumns,
) -> QueryResult<Vec<RequestRecord>> {
    let times = received_at.into_iter().zip(processed_at);
    let rows = requests.into_iter().zip(states).zip(times);
    rows.map(|((request, state), (received_at, processed_at))| {
        record((request, state, received_at, processed_at))
    })
    .collect()
}

/// Orders a list as [`RequestStore::list`](gathering_domain::RequestStore::list) wants it.
pub(crate) fn newest_first(mut records: Vec<RequestRecord>) -> Vec<RequestRecord> {
    records.sort_unstable_by(|a, b| {
        (Reverse(a.received_at), a.request.as_str()).cmp(&(Reverse(b.received_at), b.request.as_str()))
    });
    records
}

/// Commas cannot occur in a hit, so they separate them.
pub(crate) fn hits_text(hits: &[RuleHit]) -> String {
    let length = hits.iter().map(|hit| hit.as_str().len() + 1).sum();
    let mut text = String::with_capacity(length);
    for hit in hits {
        if !text.is_empty() {
            text.push(',');
        }
        text.push_str(hit.as_str());
    }
    text
}

fn hits_of(text: &str) -> QueryResult<Vec<RuleHit>> {
    let hits = text.split(',').filter(|hit| !hit.is_empty()).map(RuleHit::from_str);
    hits.collect::<Result<_, _>>().map_err(|_| unreadable("no rule hit"))
}
