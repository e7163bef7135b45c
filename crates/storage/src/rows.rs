//! What the columns of `requests` mean, the same on both databases.

use std::cmp::Reverse;
use std::str::FromStr;

use diesel::QueryResult;
use diesel::result::Error;
use gathering_domain::{RequestId, RequestRecord, RequestState, RuleHit, StoredReport, Timestamp};

const PROCESSED: i16 = 2;

pub(crate) const fn state_code(state: RequestState) -> i16 {
    match state {
        RequestState::Received => 0,
        RequestState::Failed => 1,
        RequestState::Processed => PROCESSED,
    }
}

fn state_of(code: i16) -> QueryResult<RequestState> {
    match code {
        0 => Ok(RequestState::Received),
        1 => Ok(RequestState::Failed),
        PROCESSED => Ok(RequestState::Processed),
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

/// Many of them, each column by itself and all in the same order: the IDs with commas between them, the others in big-endian
/// bytes. Those that are not processed have no `processed_at`.
pub(crate) type RecordColumns = (String, Vec<u8>, Vec<u8>, Option<Vec<u8>>);

pub(crate) fn records(columns: &RecordColumns) -> QueryResult<Vec<RequestRecord>> {
    let (requests, states, received_at, processed_at) = columns;
    let mut states = states.as_chunks().0.iter().map(|bytes| i16::from_be_bytes(*bytes));
    let times = |bytes| <[u8]>::as_chunks(bytes).0.iter().map(|bytes| i64::from_be_bytes(*bytes));
    let (mut received_at, mut processed_at) =
        (times(received_at), times(processed_at.as_deref().unwrap_or_default()));
    let mut row = |request: &str| -> Option<RecordRow> {
        let state = states.next()?;
        let processed_at = if state == PROCESSED { Some(processed_at.next()?) } else { None };
        Some((request.to_owned(), state, received_at.next()?, processed_at))
    };
    requests
        .split(',')
        .map(|request| row(request).ok_or_else(|| unreadable("half a record")).and_then(record))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes<const SIZE: usize>(numbers: impl IntoIterator<Item = [u8; SIZE]>) -> Vec<u8> {
        numbers.into_iter().flatten().collect()
    }

    #[test]
    fn columns_are_read_side_by_side() {
        let states = bytes([0_i16, 2, 1].map(i16::to_be_bytes));
        let received_at = bytes([7_i64, 8, 9].map(i64::to_be_bytes));
        let processed_at = Some(bytes([10_i64].map(i64::to_be_bytes)));
        let record = |request: &str, state, received_at, processed_at: Option<i64>| RequestRecord {
            request: request.parse().unwrap(),
            state,
            received_at: Timestamp::from_micros(received_at),
            processed_at: processed_at.map(Timestamp::from_micros),
        };
        let columns = ("one,two,three".to_owned(), states, received_at, processed_at);
        let expected = [
            record("one", RequestState::Received, 7, None),
            record("two", RequestState::Processed, 8, Some(10)),
            record("three", RequestState::Failed, 9, None),
        ];
        assert_eq!(records(&columns).unwrap(), expected);
    }

    #[test]
    fn columns_of_different_length_are_refused() {
        let (state, time) = (2_i16.to_be_bytes().to_vec(), 7_i64.to_be_bytes().to_vec());
        let one = ("one".to_owned(), state, time.clone(), Some(time));
        assert!(records(&one).is_ok());
        for columns in [
            ("one,two".to_owned(), one.1.clone(), one.2.clone(), one.3.clone()),
            (one.0.clone(), vec![], one.2.clone(), one.3.clone()),
            (one.0.clone(), one.1.clone(), vec![0; 7], one.3.clone()),
            (one.0.clone(), one.1.clone(), one.2.clone(), None),
        ] {
            assert!(records(&columns).is_err(), "{columns:?}");
        }
    }
}
