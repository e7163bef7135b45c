//! What a session on PostgreSQL is set to; behind a pooler that shares connections, what each transaction is set to.

use std::time::Duration;

use diesel::connection::TransactionManager;
use diesel::dsl::sql;
use diesel::sql_types::{BigInt, Bool};
use diesel::{Connection, PgConnection, QueryResult, RunQueryDsl};

use crate::connection::any::AnyConnection;

/// How PostgreSQL is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pooler {
    /// A connection is a session, which nobody else uses meanwhile.
    #[default]
    None,
    /// Each transaction may be on another connection to the server, which others use as well: nothing may be left behind on one,
    /// nor relied on.
    Transaction,
}

/// The limits of a session; zero is none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SessionLimits {
    /// Of each statement.
    pub(crate) statement: Duration,
    /// Of a wait for a lock.
    pub(crate) lock: Duration,
}

impl SessionLimits {
    /// SQL that sets a session to these limits and these other settings.
    pub(crate) fn of_session(self, others: &[&str]) -> String {
        // Where the URL or the role sets a shorter limit for locks, that one stays.
        let lock = match self.lock.as_millis() {
            0 => None,
            lock => Some(format!(
                "SELECT set_config('lock_timeout', '{lock}', false) FROM pg_settings
                 WHERE name = 'lock_timeout' AND setting::bigint NOT BETWEEN 1 AND {lock}"
            )),
        };
        let settings = self.settings().chain(others.iter().map(|other| (*other).to_owned()));
        let statements: Vec<_> = settings.map(|setting| format!("SET {setting}")).chain(lock).collect();
        statements.join("; ")
    }

    /// SQL that begins a transaction with these limits and these other settings.
    pub(crate) fn of_transaction(self, others: &[&str]) -> String {
        let lock = match self.lock.as_millis() {
            0 => None,
            lock => Some(format!("lock_timeout = {lock}")),
        };
        let settings = self.settings().chain(lock).chain(others.iter().map(|other| (*other).to_owned()));
        let settings = settings.map(|setting| format!("SET LOCAL {setting}"));
        let statements: Vec<_> = std::iter::once("BEGIN".to_owned()).chain(settings).collect();
        statements.join("; ")
    }

    fn settings(self) -> impl Iterator<Item = String> {
        let statement = self.statement.as_millis();
        // A server or role may have asynchronous commits as its default; what this service acknowledged must be durable.
        let always = [format!("statement_timeout = {statement}"), "synchronous_commit = on".to_owned()];
        // A transaction whose client has fallen silent ends as well, so that it cannot be committed much later.
        let silence = (statement > 0).then(|| format!("idle_in_transaction_session_timeout = {statement}"));
        always.into_iter().chain(silence)
    }
}

/// After how long the server ends a wait for a lock: the URL and the role can have set that as well.
pub(crate) fn lock_timeout(connection: &mut PgConnection) -> QueryResult<Option<Duration>> {
    let setting = sql::<BigInt>("SELECT setting::bigint FROM pg_settings WHERE name = 'lock_timeout'");
    let millis: i64 = setting.get_result(connection)?;
    Ok(u64::try_from(millis).ok().filter(|millis| *millis > 0).map(Duration::from_millis))
}

/// Whether the server is a standby.
pub(crate) fn is_standby(connection: &mut PgConnection) -> QueryResult<bool> {
    diesel::select(sql::<Bool>("pg_is_in_recovery()")).get_result(connection)
}

/// Whether the database is spread over servers by Citus.
pub(crate) fn has_citus(connection: &mut PgConnection) -> QueryResult<bool> {
    let found = sql::<Bool>("EXISTS (SELECT FROM pg_extension WHERE extname = 'citus')");
    diesel::select(found).get_result(connection)
}

type Transactions = <PgConnection as Connection>::TransactionManager;

/// Does work in a transaction that begins with this SQL, on a connection to PostgreSQL.
pub(crate) fn in_transaction<T>(
    connection: &mut AnyConnection,
    begin: &str,
    work: impl FnOnce(&mut AnyConnection) -> QueryResult<T>,
) -> QueryResult<T> {
    Transactions::begin_transaction_sql(connection.postgres()?, begin)?;
    match work(connection) {
        Ok(value) => Transactions::commit_transaction(connection.postgres()?).map(|()| value),
        Err(error) => {
            // What failed says more. A connection that cannot be rolled back is broken, which is found out later.
            let _ = Transactions::rollback_transaction(connection.postgres()?);
            Err(error)
        }
    }
}

/// Does work in the transaction that is open, or else in one of its own. It is never one within another: PostgreSQL would
/// give what it writes another number than that of the transaction.
pub(crate) fn in_one_transaction<T>(
    connection: &mut PgConnection,
    work: impl FnOnce(&mut PgConnection) -> QueryResult<T>,
) -> QueryResult<T> {
    let status = Transactions::transaction_manager_status_mut(connection);
    if matches!(status.transaction_depth(), Ok(Some(_))) {
        work(connection)
    } else {
        connection.transaction(work)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_is_set_to_what_a_session_is_set_to() {
        let limits = SessionLimits { statement: Duration::from_secs(5), lock: Duration::from_millis(1250) };
        assert_eq!(
            limits.of_transaction(&["jit = off"]),
            "BEGIN; SET LOCAL statement_timeout = 5000; SET LOCAL synchronous_commit = on; \
             SET LOCAL idle_in_transaction_session_timeout = 5000; SET LOCAL lock_timeout = 1250; SET LOCAL jit = off"
        );
        let none = SessionLimits { statement: Duration::ZERO, lock: Duration::ZERO };
        assert_eq!(
            none.of_transaction(&[]),
            "BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL synchronous_commit = on"
        );
        assert_eq!(
            none.of_session(&["jit = off"]),
            "SET statement_timeout = 0; SET synchronous_commit = on; SET jit = off"
        );
    }
}
