//! Recording a batch of events in one transaction.

use std::time::Instant;

use diesel::connection::SimpleConnection;
use diesel::result::Error::RollbackTransaction;
use diesel::{Connection, QueryResult};
use gathering_domain::event::{EventOutcome, RequestEvent, coalesce};
use gathering_domain::time::{Retention, Timestamp};

use super::event_rows::{EventRow, WriteTimes};
use super::table::Limits;
use super::{postgres, sqlite};
use crate::connection::any::AnyConnection;
use crate::connection::session::in_one_transaction;

/// Records events in a transaction of their own.
pub(super) fn store(
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
pub(super) fn probe(
    connection: &mut AnyConnection,
    size: usize,
    now: Timestamp,
    retention: Retention,
    limits: Limits,
) -> QueryResult<()> {
    transaction(connection, &[EventRow::probe(size, now)], WriteTimes::new(now, retention), limits, true)
        .map(|_| ())
}

/// Changes no row, in a transaction that writes: a database that only reads refuses it, and so does one that lacks the table.
pub(crate) fn change_nothing(connection: &mut AnyConnection) -> QueryResult<()> {
    const STATEMENT: &str = "UPDATE requests SET state = state WHERE 1 = 0";
    match connection {
        AnyConnection::Postgres(connection) => connection.batch_execute(STATEMENT),
        AnyConnection::Sqlite(connection) => {
            connection.immediate_transaction(|connection| connection.batch_execute(STATEMENT))
        }
    }
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
        AnyConnection::Postgres(connection) => in_one_transaction(connection, |connection| {
            if let Some(lock) = limits.lock {
                let lock = lock.as_millis().max(1);
                let left = limits.end.saturating_duration_since(Instant::now()).as_millis() + 1;
                connection.batch_execute(&format!(
                    "SET LOCAL lock_timeout = {lock}; SET LOCAL statement_timeout = {left}"
                ))?;
            }
            if is_probe {
                undone(connection, |connection| postgres::write(connection, rows, times))
            } else {
                postgres::write(connection, rows, times).and_then(in_time)
            }
        }),
        // A transaction that begins as a reader and turns writer fails at once when another has written meanwhile.
        AnyConnection::Sqlite(connection) => connection.immediate_transaction(|connection| {
            if is_probe {
                undone(connection, |connection| sqlite::write(connection, rows, times))
            } else {
                sqlite::write(connection, rows, times).and_then(in_time)
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
