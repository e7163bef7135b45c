//! Recording a batch of events in one transaction.

use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::result::Error::RollbackTransaction;
use diesel::{Connection, QueryResult};
use gathering_domain::{EventKind, EventOutcome, RequestEvent, RequestState, Retention, Timestamp, coalesce};

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

/// Within which limits a transaction is to be written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// From then on nobody waits for it: it is not committed any more.
    pub(crate) end: Instant,
    /// How long to wait for a lock that another transaction holds; as long as the connection is set to without it. SQLite has
    /// one lock for all, and waits for it as it is set to. With it, statements end with the time as well: the server is to be
    /// free for the next attempt by then.
    pub(crate) lock: Option<Duration>,
}

/// Records events in a transaction of their own.
pub(crate) fn store(
    connection: &mut AnyConnection,
    events: &[RequestEvent],
    now: Timestamp,
    retention: Retention,
    limits: Limits,
) -> QueryResult<Vec<EventOutcome>> {
    let coalesced = coalesce(events);
    let rows: Vec<_> = coalesced.writes().iter().map(|event| EventRow::new(event, now)).collect();
    let changed = transaction(connection, &rows, WriteTimes::new(now, retention), limits, false)?;
    Ok(coalesced.outcomes(&changed))
}

/// Records an event that nothing is odd about and takes it back, in a transaction that is committed: does the database take an
/// event of this size, in bytes?
pub(crate) fn probe(
    connection: &mut AnyConnection,
    size: usize,
    now: Timestamp,
    retention: Retention,
    limits: Limits,
) -> QueryResult<()> {
    let row = EventRow {
        org_id: 0,
        cluster_id: StoredCluster([0; 16]),
        request_id: "probe",
        state: state_code(RequestState::Processed),
        received_at: now.as_micros(),
        processed_at: Some(now.as_micros()),
        rule_hits: filler(size),
        failure: None,
    };
    transaction(connection, &[row], WriteTimes::new(now, retention), limits, true).map(|_| ())
}

/// What an event takes up beside its numbers, in bytes.
pub(crate) fn size(event: &RequestEvent) -> usize {
    match &event.kind {
        EventKind::Announced => 0,
        EventKind::Failed(reason) => reason.as_str().len(),
        EventKind::Processed(hits) => hits.iter().map(|hit| hit.as_str().len() + 1).sum(),
    }
}

/// Letters that a database cannot store in less room.
fn filler(size: usize) -> String {
    const LETTERS: [char; 32] = [
        'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p', 'q', 'r', 's', 't',
        'u', 'v', 'w', 'x', 'y', 'z', '2', '3', '4', '5', '6', '7',
    ];
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    let letters = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % 32).ok().and_then(|index| LETTERS.get(index)).copied().unwrap_or('a')
    });
    letters.take(size).collect()
}

fn transaction(
    connection: &mut AnyConnection,
    rows: &[EventRow<'_>],
    times: WriteTimes,
    limits: Limits,
    is_probe: bool,
) -> QueryResult<Vec<bool>> {
    let in_time = |changed| if Instant::now() < limits.end { Ok(changed) } else { Err(RollbackTransaction) };
    match connection {
        AnyConnection::Postgres(connection) => connection.transaction(|connection| {
            if let Some(lock) = limits.lock {
                let lock = lock.as_millis().max(1);
                let left = limits.end.saturating_duration_since(Instant::now()).as_millis() + 1;
                connection.batch_execute(&format!(
                    "SET LOCAL lock_timeout = {lock}; SET LOCAL statement_timeout = {left}"
                ))?;
            }
            if is_probe {
                undone(connection, |connection| dialect::postgres::write(connection, rows, times))
            } else {
                dialect::postgres::write(connection, rows, times).and_then(in_time)
            }
        }),
        // A transaction that begins as a reader and turns writer fails at once when another has written meanwhile.
        AnyConnection::Sqlite(connection) => connection.immediate_transaction(|connection| {
            if is_probe {
                undone(connection, |connection| dialect::sqlite::write(connection, rows, times))
            } else {
                dialect::sqlite::write(connection, rows, times).and_then(in_time)
            }
        }),
    }
}

/// Does `work` and takes it back, in a transaction that goes on.
fn undone<C: Connection>(
    connection: &mut C,
    work: impl FnOnce(&mut C) -> QueryResult<Vec<bool>>,
) -> QueryResult<Vec<bool>> {
    match connection.transaction(|connection| work(connection).and_then(|_| Err(RollbackTransaction))) {
        Err(RollbackTransaction) => Ok(Vec::new()),
        other => other,
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
