//! What rows of `requests` mean, the same on both databases.

use std::cmp::Reverse;

use diesel::QueryResult;
use gathering_domain::event::FailureReason;
use gathering_domain::ids::RequestId;
use gathering_domain::request::{RequestRecord, RequestState, RequestStatus, StoredReport};
use gathering_domain::time::Timestamp;

use crate::columns::{hits_of, state_code, state_of, unreadable};

/// The times that answers depend on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReadTimes {
    pub(crate) now: Timestamp,
    /// Clusters without a record since then are not known any more.
    pub(crate) cluster_cutoff: Timestamp,
}

/// How far a request has come, and until when it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeptStatus {
    pub(crate) status: RequestStatus,
    pub(crate) expires_at: Timestamp,
}

/// `state`, `failure`, `expires_at`.
pub(crate) type StatusRow = (i16, Option<String>, i64);

pub(crate) fn kept_status((state, failure, expires_at): StatusRow) -> QueryResult<KeptStatus> {
    let status = RequestStatus { state: state_of(state)?, failure: failure.map(FailureReason::from) };
    Ok(KeptStatus { status, expires_at: Timestamp::from_micros(expires_at) })
}

/// `state`, `rule_hits`, `failure`, `expires_at`.
pub(crate) type ReportRow = (i16, String, Option<String>, i64);

pub(crate) fn report((state, hits, failure, expires_at): ReportRow) -> QueryResult<StoredReport> {
    Ok(StoredReport {
        state: state_of(state)?,
        hits: hits_of(&hits)?,
        failure: failure.map(FailureReason::from),
        expires_at: Timestamp::from_micros(expires_at),
    })
}

/// `request_id`, `state`, `received_at`, `processed_at`, `expires_at`.
pub(crate) type RecordRow = (String, i16, i64, Option<i64>, i64);

pub(crate) fn record(
    (request, state, received_at, processed_at, expires_at): RecordRow,
) -> QueryResult<RequestRecord> {
    Ok(RequestRecord {
        request: RequestId::try_from(request).map_err(|_| unreadable("no request ID"))?,
        state: state_of(state)?,
        received_at: Timestamp::from_micros(received_at),
        processed_at: processed_at.map(Timestamp::from_micros),
        expires_at: Timestamp::from_micros(expires_at),
    })
}

/// Many records, each column by itself and all in the same order. Numbers are big-endian bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RecordColumns {
    /// With commas between them, which no request ID has.
    pub(crate) request_ids: String,
    pub(crate) received_at: Vec<u8>,
    /// When it was processed, or, of one that is not, the state, counted from the smallest number there is.
    pub(crate) outcomes: Vec<u8>,
    pub(crate) expires_at: Vec<u8>,
}

const PROCESSED: i16 = state_code(RequestState::Processed);

pub(crate) fn records(columns: &RecordColumns) -> QueryResult<Vec<RequestRecord>> {
    let (received_at, ragged_received_at) = columns.received_at.as_chunks();
    let (outcomes, ragged_outcomes) = columns.outcomes.as_chunks();
    let (expires_at, ragged_expires_at) = columns.expires_at.as_chunks();
    let uneven = || unreadable("columns of different lengths");
    let is_ragged =
        !(ragged_received_at.is_empty() && ragged_outcomes.is_empty() && ragged_expires_at.is_empty());
    if is_ragged || received_at.len() != outcomes.len() || received_at.len() != expires_at.len() {
        return Err(uneven());
    }
    let mut requests = columns.request_ids.split(',');
    let mut records = Vec::with_capacity(received_at.len());
    for ((received_at, outcome), expires_at) in received_at.iter().zip(outcomes).zip(expires_at) {
        let request = requests.next().ok_or_else(uneven)?.to_owned();
        let outcome = i64::from_be_bytes(*outcome);
        let unprocessed = outcome.checked_sub(i64::MIN).and_then(|state| i16::try_from(state).ok());
        if unprocessed == Some(PROCESSED) {
            return Err(unreadable("a processed request without a time of processing"));
        }
        let (state, processed_at) = unprocessed.map_or((PROCESSED, Some(outcome)), |state| (state, None));
        let (received_at, expires_at) = (i64::from_be_bytes(*received_at), i64::from_be_bytes(*expires_at));
        records.push(record((request, state, received_at, processed_at, expires_at))?);
    }
    if requests.next().is_some() { Err(uneven()) } else { Ok(records) }
}

/// The longest list that is read where lookups are, in rows of the table: what is longer is read elsewhere, so that it
/// holds up nobody.
pub(crate) const SHORT_LIST: i64 = 500;

/// What is known of the requests of a cluster, as long as they are few.
#[derive(Debug)]
pub(crate) enum ShortList {
    /// The cluster is not known.
    Unknown,
    /// All requests there are, the newest first.
    Whole(Vec<RequestRecord>),
    /// There are more than [`SHORT_LIST`], expired ones included.
    TooLong,
}

/// Orders a list as [`RequestStore::list`](gathering_domain::store::RequestStore::list) wants it.
pub(crate) fn newest_first(mut records: Vec<RequestRecord>) -> Vec<RequestRecord> {
    records.sort_unstable_by(|a, b| {
        (Reverse(a.received_at), a.request.as_str()).cmp(&(Reverse(b.received_at), b.request.as_str()))
    });
    records
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECEIVED: i64 = i64::MIN;
    const FAILED: i64 = i64::MIN + 1;

    fn columns(request_ids: &str, received_at: &[i64], outcomes: &[i64]) -> RecordColumns {
        let expires_at: Vec<_> = received_at.iter().map(|received_at| received_at + 100).collect();
        let bytes = |numbers: &[i64]| numbers.iter().flat_map(|number| number.to_be_bytes()).collect();
        RecordColumns {
            request_ids: request_ids.to_owned(),
            received_at: bytes(received_at),
            outcomes: bytes(outcomes),
            expires_at: bytes(&expires_at),
        }
    }

    #[test]
    fn columns_are_read_side_by_side() {
        let record = |request: &str, state, received_at, processed_at: Option<i64>| RequestRecord {
            request: request.parse().unwrap(),
            state,
            received_at: Timestamp::from_micros(received_at),
            processed_at: processed_at.map(Timestamp::from_micros),
            expires_at: Timestamp::from_micros(received_at + 100),
        };
        let expected = [
            record("one", RequestState::Processed, 7, Some(11)),
            record("two", RequestState::Received, 8, None),
            record("three", RequestState::Processed, 9, Some(-10)),
            record("four", RequestState::Failed, -1, None),
        ];
        let columns = columns("one,two,three,four", &[7, 8, 9, -1], &[11, RECEIVED, -10, FAILED]);
        assert_eq!(records(&columns).unwrap(), expected);
    }

    #[test]
    fn columns_that_do_not_fit_are_refused() {
        let one = columns("one", &[7], &[8]);
        assert!(records(&one).is_ok());
        for columns in [
            columns("one,two", &[7], &[8]),
            columns("one", &[], &[8]),
            columns("one", &[7, 7], &[8]),
            columns("one", &[7], &[]),
            columns("one", &[7], &[8, 8]),
            columns("one", &[7], &[i64::MIN + 2]),
            columns("one", &[7], &[i64::MIN + 3]),
            columns("", &[7], &[8]),
            RecordColumns { received_at: vec![0; 9], ..one.clone() },
            RecordColumns { outcomes: vec![0; 7], ..one.clone() },
            RecordColumns { expires_at: vec![0; 7], ..one.clone() },
            RecordColumns { expires_at: vec![0; 16], ..one.clone() },
            RecordColumns { expires_at: Vec::new(), ..one.clone() },
        ] {
            assert!(records(&columns).is_err(), "{columns:?}");
        }
    }
}
