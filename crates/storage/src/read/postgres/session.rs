//! What a session is set to that answers lookups, and whether its server is the primary still.

use diesel::dsl::sql;
use diesel::sql_types::Bool;
use diesel::{PgConnection, QueryResult, RunQueryDsl};

/// Fits a session to the statements of lookups: each looks its keys up one by one in an index. Where there are no statistics yet,
/// the planner may think reading the whole table cheaper.
pub(crate) const FOR_READING: &[&str] =
    &["jit = off", "enable_seqscan = off", "enable_hashjoin = off", "enable_mergejoin = off"];

/// The same, where the server is without Citus: each statement is planned once. Citus has to see the keys to know where they
/// are, so there each is planned anew.
pub(crate) const FOR_READING_WITHOUT_CITUS: &[&str] = &["plan_cache_mode = force_generic_plan"];

/// Whether the server takes writes, as far as this session is concerned.
pub(crate) fn can_write(connection: &mut PgConnection) -> QueryResult<bool> {
    diesel::select(sql::<Bool>("current_setting('transaction_read_only') = 'off'")).get_result(connection)
}
