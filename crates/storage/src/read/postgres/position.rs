//! What a server is, and how far it has come with what is recorded.

use diesel::sql_types::{BigInt, Bool, Text};
use diesel::{PgConnection, QueryResult, QueryableByName, RunQueryDsl, sql_query};

/// What a server is, and how far it has come with what is recorded.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub(crate) struct ServerPosition {
    /// Names the table of requests, the same on a primary and on all that follow it: the number that the servers got when the
    /// first was made, the database and the table.
    #[diesel(sql_type = Text)]
    pub(crate) identity: String,
    #[diesel(sql_type = Bool)]
    pub(crate) is_standby: bool,
    /// Bytes of the write-ahead log: written on a primary, applied on a standby.
    #[diesel(sql_type = BigInt)]
    pub(crate) log_position: i64,
}

/// Asks a server what it is.
pub(crate) fn position(connection: &mut PgConnection) -> QueryResult<ServerPosition> {
    sql_query(
        "SELECT concat_ws('/', (SELECT system_identifier FROM pg_control_system()),
                          (SELECT oid FROM pg_database WHERE datname = current_database()),
                          coalesce(to_regclass('requests')::oid, 0)) AS identity,
                pg_is_in_recovery() AS is_standby,
                coalesce(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END
                         - '0/0'::pg_lsn, 0)::bigint AS log_position",
    )
    .get_result(connection)
}
