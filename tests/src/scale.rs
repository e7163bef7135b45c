//! Many records, made inside the database: millions within minutes, where importing messages would take hours.

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection, SqliteConnection};

use crate::database::TestDatabase;

/// Processed requests of the organization 42. Request `n` is `n` in 32 hexadecimal digits, of the cluster
/// `00000000-0000-4000-8000-` and `n` modulo the number of clusters in 12. They lie in the order of their numbers, so that
/// those of a cluster are far apart, as they are when they come one by one.
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    /// The number of the first request.
    pub first: usize,
    /// How many requests.
    pub requests: usize,
    /// How many clusters.
    pub clusters: usize,
    /// When the first of them expire, in microseconds since 1970; others before.
    pub expires_at: i64,
    /// How many expire at the same time, as those of a batch do.
    pub at_once: usize,
}

impl Scale {
    /// Adds them to a database, which is made durable only at the end.
    ///
    /// # Panics
    /// If it cannot be written to.
    pub fn fill(&self, database: &TestDatabase) {
        database.migrate();
        match database.url().strip_prefix("sqlite://") {
            Some(path) => self.fill_sqlite(path),
            None => self.fill_postgres(database.url()),
        }
    }

    fn fill_postgres(&self, url: &str) {
        let Self { first, requests, clusters, expires_at, at_once } = *self;
        let last = first + requests - 1;
        let sql = format!(
            "SET synchronous_commit = off; SET max_parallel_workers_per_gather = 0;
             INSERT INTO requests
             SELECT 42, ('00000000-0000-4000-8000-' || lpad(to_hex(n % {clusters}), 12, '0'))::uuid,
                    lpad(to_hex(n), 32, '0'), 2, 1772370000000000, 1772370000000000, {expires_at} - n / {at_once},
                    'scale.rules.of_a_kind|SCALE_ERROR_' || n % 100 || ',scale.rules.of_another|SCALE_ERROR', NULL
             FROM generate_series({first}, {last}) AS numbers (n);
             INSERT INTO clusters
             SELECT 42, ('00000000-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 1772370000000000, {expires_at}
             FROM generate_series(0, {clusters} - 1) AS numbers (n) ON CONFLICT DO NOTHING;
             VACUUM ANALYZE requests; VACUUM ANALYZE clusters; CHECKPOINT"
        );
        let mut connection = PgConnection::establish(url).expect("the server answers");
        // One by one: VACUUM must not be in a transaction.
        for statement in sql.split(';') {
            connection.batch_execute(statement).expect("the statement runs");
        }
    }

    fn fill_sqlite(&self, path: &str) {
        let Self { first, requests, clusters, expires_at, at_once } = *self;
        let last = first + requests - 1;
        // Everything stays in memory until the end: pages of the index are written to in no order.
        let sql = format!(
            "PRAGMA journal_mode = DELETE; PRAGMA synchronous = OFF; PRAGMA cache_size = -4000000;
             PRAGMA cache_spill = OFF;
             BEGIN;
             WITH RECURSIVE numbers (n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM numbers WHERE n < {last})
             INSERT INTO requests
             SELECT 42, unhex('0000000000004000800000' || printf('%010x', n % {clusters})), printf('%032x', n), 2,
                    1772370000000000, 1772370000000000, {expires_at} - n / {at_once},
                    'scale.rules.of_a_kind|SCALE_ERROR_' || n % 100 || ',scale.rules.of_another|SCALE_ERROR', NULL
             FROM numbers;
             WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < {clusters} - 1)
             INSERT OR IGNORE INTO clusters
             SELECT 42, unhex('0000000000004000800000' || printf('%010x', n)), 1772370000000000, {expires_at} FROM numbers;
             COMMIT;
             PRAGMA journal_mode = WAL;"
        );
        let mut connection = SqliteConnection::establish(path).expect("the file opens");
        connection.batch_execute(&sql).expect("the statements run");
    }
}
