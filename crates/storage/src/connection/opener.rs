//! How connections are opened, and what a session on PostgreSQL is set to.

use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::sql_types::BigInt;
use diesel::{Connection, ConnectionError, ConnectionResult, PgConnection, QueryResult, RunQueryDsl};

use crate::connection::any::AnyConnection;
use crate::connection::authorities;
use crate::connection::pooled::Pooled;
use crate::connection::sqlite_file::SqliteFile;
use crate::connection::url::parameters;

/// Everything needed to open a connection.
#[derive(Debug, Clone)]
pub(crate) enum Opener {
    /// `busy` bounds the wait for another connection's lock.
    Sqlite { file: Arc<SqliteFile>, busy: Duration },
    /// `url` with its network limits; `statement` bounds each statement on the server, zero does not.
    /// `lock` bounds the wait for a lock.
    Postgres { url: String, statement: Duration, lock: Duration },
}

impl Opener {
    pub(crate) const fn sqlite(file: Arc<SqliteFile>, busy: Duration) -> Self {
        Self::Sqlite { file, busy }
    }

    pub(crate) fn postgres(url: &str, connect: Duration, statement: Duration) -> Self {
        let url = authorities::named(&with_network_limits(url, connect, statement));
        Self::Postgres { url, statement, lock: Duration::ZERO }
    }

    /// One for writing many events at once: it waits for a lock that somebody else holds for so short that there is time left
    /// to find out which event it is that waits, and to record the others.
    pub(crate) fn for_writing(mut self) -> Self {
        if let Self::Postgres { statement, lock, .. } = &mut self {
            *lock = *statement / 4;
        }
        self
    }

    pub(crate) fn open(&self) -> ConnectionResult<Pooled> {
        match self {
            Self::Sqlite { file, busy } => Ok(Pooled::on_file(file, *busy)?),
            Self::Postgres { url, statement, lock } => {
                // What the server is may change while it is connected to: then the connection is of the time before.
                let began = Instant::now();
                let mut connection = open_postgres(url, *statement, *lock)?;
                let lock =
                    lock_timeout(&mut connection).map_err(ConnectionError::CouldntSetupConfiguration)?;
                Ok(Pooled::new(AnyConnection::Postgres(connection)).opened_at(began).with_lock_timeout(lock))
            }
        }
    }
}

fn open_postgres(url: &str, statement: Duration, lock: Duration) -> ConnectionResult<PgConnection> {
    let mut connection = PgConnection::establish(url)?;
    connection
        .batch_execute(&session_settings(statement, lock))
        .map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(connection)
}

/// After how long the server ends a wait for a lock: the URL and the role can have set that as well.
fn lock_timeout(connection: &mut PgConnection) -> QueryResult<Option<Duration>> {
    let setting = sql::<BigInt>("SELECT setting::bigint FROM pg_settings WHERE name = 'lock_timeout'");
    let millis: i64 = setting.get_result(connection)?;
    Ok(u64::try_from(millis).ok().filter(|millis| *millis > 0).map(Duration::from_millis))
}

/// What a session is set to, with these limits for each statement and for waiting for a lock; zero is none.
fn session_settings(statement: Duration, lock: Duration) -> String {
    let (statement, lock) = (statement.as_millis(), lock.as_millis());
    // A server or role may have asynchronous commits as its default; what this service acknowledged must be durable.
    let always = format!("SET statement_timeout = {statement}; SET synchronous_commit = on;");
    // A transaction whose client has fallen silent ends as well, so that it cannot be committed much later.
    let silence = match statement {
        0 => String::new(),
        _ => format!("SET idle_in_transaction_session_timeout = {statement};"),
    };
    // Where the URL or the role sets a shorter limit, that one stays.
    let locks = match lock {
        0 => String::new(),
        _ => format!(
            "SELECT set_config('lock_timeout', '{lock}', false) FROM pg_settings
             WHERE name = 'lock_timeout' AND setting::bigint NOT BETWEEN 1 AND {lock};"
        ),
    };
    [always, silence, locks].concat()
}

/// Adds libpq's limits for a network that says nothing, unless the URL sets them itself.
fn with_network_limits(url: &str, connect: Duration, silence: Duration) -> String {
    let silence = if silence.is_zero() { connect } else { silence };
    let seconds = |duration: Duration, least: u128| duration.as_millis().div_ceil(1000).max(least);
    let limits = [
        // libpq takes whole seconds, 2 at least.
        ("connect_timeout", seconds(connect, 2).to_string()),
        ("tcp_user_timeout", silence.as_millis().to_string()),
        ("keepalives_idle", seconds(silence, 1).to_string()),
        ("keepalives_interval", "1".to_owned()),
        ("keepalives_count", "3".to_owned()),
        ("application_name", "gathering".to_owned()),
    ];
    let query = parameters(url);
    let given: Vec<&str> = query
        .and_then(|query| query.strip_prefix('?'))
        .map(|query| query.split('&').filter_map(|pair| pair.split_once('=')).map(|(key, _)| key).collect())
        .unwrap_or_default();
    // One that ends in a `?` or `&` names no more parameters, and libpq takes no empty ones.
    let mut with_limits = query.map_or(url, |_| url.trim_end_matches('&')).to_owned();
    let mut separator = match query {
        None => "?",
        Some(_) if with_limits.ends_with('?') => "",
        Some(_) => "&",
    };
    for (key, value) in limits.iter().filter(|(key, _)| !given.contains(key)) {
        with_limits.push_str(separator);
        separator = "&";
        with_limits.push_str(key);
        with_limits.push('=');
        with_limits.push_str(value);
    }
    with_limits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_added_but_do_not_override() {
        let limits = |url| with_network_limits(url, Duration::from_millis(500), Duration::from_secs(5));
        assert_eq!(
            limits("postgres://h/db"),
            "postgres://h/db?connect_timeout=2&tcp_user_timeout=5000&keepalives_idle=5&keepalives_interval=1\
             &keepalives_count=3&application_name=gathering"
        );
        assert_eq!(
            limits("postgres://h/db?connect_timeout=9&application_name=x"),
            "postgres://h/db?connect_timeout=9&application_name=x&tcp_user_timeout=5000&keepalives_idle=5\
             &keepalives_interval=1&keepalives_count=3"
        );
    }
}
