//! Recording a batch of events in one transaction.

use diesel::result::Error::RollbackTransaction;
use diesel::{Connection, QueryResult};
use gathering_domain::{EventKind, EventOutcome, RequestEvent, RequestState, Retention, Timestamp, fold};

use crate::cluster_uuid::StoredCluster;
use crate::connection::AnyConnection;
use crate::dialect;
use crate::rows::{hits_text, state_code};

/// One event as a row. Where a row of that key exists, the statement that writes it applies the table of states.
#[derive(Debug)]
pub(crate) struct EventRow<'a> {
    pub(crate) org_id: i64,
    pub(crate) cluster_id: StoredCluster,
    pub(crate) request_id: &'a str,
    pub(crate) state: i16,
    pub(crate) received_at: i64,
    pub(crate) processed_at: Option<i64>,
    pub(crate) rule_hits: String,
    pub(crate) failure: Option<&'a str>,
}

impl<'a> EventRow<'a> {
    fn new(event: &'a RequestEvent, now: Timestamp) -> Self {
        let state = event.kind.state();
        Self {
            org_id: i64::from(event.key.organization.get()),
            cluster_id: event.key.cluster.into(),
            request_id: event.key.request.as_str(),
            state: state_code(state),
            received_at: event.received_at.as_micros(),
            processed_at: (state == RequestState::Processed).then(|| now.as_micros()),
            rule_hits: match &event.kind {
                EventKind::Processed(hits) => hits_text(hits),
                EventKind::Announced | EventKind::Failed(_) => String::new(),
            },
            failure: match &event.kind {
                EventKind::Failed(reason) => Some(reason.as_str()),
                EventKind::Announced | EventKind::Processed(_) => None,
            },
        }
    }
}

/// The times that a write depends on, in microseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WriteTimes {
    pub(crate) now: i64,
    pub(crate) expires_at: i64,
    /// A cluster that was seen since then need not be written again: what is known of it is exact to a thousandth of
    /// the time that it is kept for. Otherwise every batch would write a row for nearly every request.
    pub(crate) seen_since: i64,
}

impl WriteTimes {
    fn new(now: Timestamp, retention: Retention) -> Self {
        Self {
            now: now.as_micros(),
            expires_at: retention.request_expiry(now).as_micros(),
            seen_since: now.saturating_sub(retention.clusters / 1000).as_micros(),
        }
    }
}

/// Records events in a transaction of their own.
pub(crate) fn store(
    connection: &mut AnyConnection,
    events: &[RequestEvent],
    now: Timestamp,
    retention: Retention,
) -> QueryResult<Vec<EventOutcome>> {
    let folded = fold(events);
    let rows: Vec<_> = folded.writes().iter().map(|event| EventRow::new(event, now)).collect();
    let changed = transaction(connection, &rows, WriteTimes::new(now, retention), Ok)?;
    Ok(folded.outcomes(&changed))
}

/// Records an event that nothing is odd about, and takes it back: does the database take any?
pub(crate) fn probe(connection: &mut AnyConnection, now: Timestamp, retention: Retention) -> QueryResult<()> {
    let row = EventRow {
        org_id: 0,
        cluster_id: StoredCluster([0; 16]),
        request_id: "probe",
        state: state_code(RequestState::Processed),
        received_at: now.as_micros(),
        processed_at: Some(now.as_micros()),
        rule_hits: String::new(),
        failure: None,
    };
    let times = WriteTimes::new(now, retention);
    match transaction(connection, &[row], times, |_| Err(RollbackTransaction)) {
        Err(RollbackTransaction) => Ok(()),
        other => other.map(|_| ()),
    }
}

fn transaction(
    connection: &mut AnyConnection,
    rows: &[EventRow<'_>],
    times: WriteTimes,
    end: impl FnOnce(Vec<bool>) -> QueryResult<Vec<bool>>,
) -> QueryResult<Vec<bool>> {
    match connection {
        AnyConnection::Postgres(connection) => connection
            .transaction(|connection| dialect::postgres::write(connection, rows, times).and_then(end)),
        // A transaction that begins as a reader and turns writer fails at once when another has written meanwhile.
        AnyConnection::Sqlite(connection) => connection.immediate_transaction(|connection| {
            dialect::sqlite::write(connection, rows, times).and_then(end)
        }),
    }
}

/// The clusters whose requests changed, each once, sorted.
pub(crate) fn changed_clusters(rows: &[EventRow<'_>], changed: &[bool]) -> Vec<(i64, StoredCluster)> {
    let mut clusters: Vec<_> = rows
        .iter()
        .zip(changed)
        .filter(|(_, changed)| **changed)
        .map(|(row, _)| (row.org_id, row.cluster_id))
        .collect();
    clusters.dedup();
    clusters
}
