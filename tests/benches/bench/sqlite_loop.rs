//! The reference for writing to SQLite: one prepared statement in a loop, in transactions as large as the service's.

use std::time::Instant;

use diesel::connection::SimpleConnection;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Binary, Text};
use diesel::sqlite::Sqlite;
use diesel::{Connection, QueryResult, RunQueryDsl, SqliteConnection};
use gathering_domain::ids::ClusterId;
use gathering_tests::TestDatabase;

use crate::fixture::{cluster, request};
use crate::writes::{CLUSTERS, hits, rate};

const BATCH: usize = 1_000;

struct Insert<'a> {
    cluster: &'a [u8],
    request: &'a str,
    hits: &'a str,
}

impl QueryId for Insert<'_> {
    type QueryId = Insert<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl QueryFragment<Sqlite> for Insert<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql(
            "INSERT INTO requests (org_id, state, received_at, processed_at, expires_at, cluster_id, request_id, rule_hits)
             VALUES (42, 2, 1772370000000000, 1772370000000000, ",
        );
        out.push_bind_param::<BigInt, _>(&1_772_456_400_000_000_i64)?;
        out.push_sql(", ");
        out.push_bind_param::<Binary, _>(self.cluster)?;
        out.push_sql(", ");
        out.push_bind_param::<Text, _>(self.request)?;
        out.push_sql(", ");
        out.push_bind_param::<Text, _>(self.hits)?;
        out.push_sql(")");
        Ok(())
    }
}

impl RunQueryDsl<SqliteConnection> for Insert<'_> {}

pub(crate) fn insert(count: usize) -> f64 {
    let database = TestDatabase::sqlite();
    database.migrate();
    let path = database.url().strip_prefix("sqlite://").unwrap();
    let mut connection = SqliteConnection::establish(path).unwrap();
    connection.batch_execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;").unwrap();
    let hits = hits();
    let key = |number| {
        let cluster: ClusterId = cluster(number, CLUSTERS).parse().unwrap();
        (*cluster.as_bytes(), request(number))
    };
    let keys: Vec<_> = (0..count).map(key).collect();
    let started = Instant::now();
    for batch in keys.chunks(BATCH) {
        let write = |connection: &mut SqliteConnection| {
            batch.iter().try_for_each(|(cluster, request)| {
                Insert { cluster, request, hits: &hits }.execute(connection).map(|_| ())
            })
        };
        connection.immediate_transaction(write).unwrap();
    }
    rate(started, count)
}
