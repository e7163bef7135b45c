//! What a session is set to before it answers lookups, and whether its server is the primary still.

use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::sql_types::Bool;
use diesel::{PgConnection, QueryResult, RunQueryDsl};

/// Fits a connection to the statements of lookups: each is planned once, and always looks its keys up one by one in an index. Where
/// there are no statistics yet, the planner may think reading the whole table cheaper. Citus has to see the keys to know where
/// they are, so there each is planned anew.
pub(crate) fn prepare_for_reading(connection: &mut PgConnection) -> QueryResult<()> {
    connection.batch_execute(
        "SELECT set_config('plan_cache_mode', 'force_generic_plan', false)
         WHERE NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus');
         SET jit = off; SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off;",
    )
}

/// Whether the server takes writes, as far as this session is concerned.
pub(crate) fn can_write(connection: &mut PgConnection) -> QueryResult<bool> {
    diesel::select(sql::<Bool>("current_setting('transaction_read_only') = 'off'")).get_result(connection)
}
