//! A database for one test: a SQLite file in a temporary folder, or a PostgreSQL schema that is dropped at the end.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection, RunQueryDsl, SqliteConnection};
use gathering_domain::time::Retention;
use gathering_storage::{DatabaseUrl, Migrator, Pooler, Settings};
use tempfile::TempDir;

use crate::proxy::Proxy;
use crate::sqlite::execute_on_sqlite;

/// Where the PostgreSQL server for tests is.
const POSTGRES_VARIABLE: &str = "GATHERING_TEST_POSTGRES_URL";

/// An empty database that nothing else uses, removed when this value is dropped.
#[derive(Debug)]
pub struct TestDatabase {
    url: String,
    kept: Kept,
}

#[derive(Debug)]
enum Kept {
    Folder(#[expect(dead_code, reason = "held until the end of the test")] TempDir),
    Schema { server: String, name: String },
}

impl TestDatabase {
    /// A SQLite file that does not exist yet, in a folder of its own.
    ///
    /// # Panics
    /// If the system's temporary folder cannot be written to.
    pub fn sqlite() -> Self {
        let folder = TempDir::new().expect("the temporary folder can be written to");
        let url = format!("sqlite://{}", folder.path().join("gathering.db").display());
        Self { url, kept: Kept::Folder(folder) }
    }

    /// An empty schema on the server that `GATHERING_TEST_POSTGRES_URL` names.
    ///
    /// # Panics
    /// If the variable is missing or the server does not answer: a test must not pass for want of a database.
    pub fn postgres() -> Self {
        let server = std::env::var(POSTGRES_VARIABLE)
            .unwrap_or_else(|_| panic!("{POSTGRES_VARIABLE} is not set: run the tests with `make test`"));
        let name = format!("test_{}", uuid::Uuid::new_v4().simple());
        execute(&server, &format!("CREATE SCHEMA {name}"));
        let separator = if server.contains('?') { '&' } else { '?' };
        let url = format!("{server}{separator}options=-csearch_path%3D{name}");
        Self { url, kept: Kept::Schema { server, name } }
    }

    /// The URL for `storage.url`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where the PostgreSQL server is.
    ///
    /// # Panics
    /// For SQLite, and if the URL has no IP address and port.
    pub fn server_address(&self) -> SocketAddr {
        let (_, rest) = self.url.split_once('@').expect("a URL with a user");
        let (address, _) = rest.split_once('/').expect("a URL with a database");
        address.parse().expect("an IP address and a port")
    }

    /// The URL for `storage.url` by way of a proxy.
    ///
    /// # Panics
    /// For SQLite.
    pub fn url_by(&self, proxy: &Proxy) -> String {
        self.url.replacen(&self.server_address().to_string(), &proxy.address().to_string(), 1)
    }

    /// Every recorded request with its hits, sorted, whether it has expired or not.
    ///
    /// # Panics
    /// If the database does not answer.
    pub fn processed(&self) -> Vec<(String, String)> {
        #[derive(diesel::QueryableByName)]
        struct Row {
            #[diesel(sql_type = diesel::sql_types::Text)]
            request_id: String,
            #[diesel(sql_type = diesel::sql_types::Text)]
            rule_hits: String,
        }
        let rows: Vec<Row> =
            self.rows("SELECT request_id, rule_hits FROM requests WHERE state = 2 ORDER BY 1, 2");
        rows.into_iter().map(|row| (row.request_id, row.rule_hits)).collect()
    }

    /// How many requests are recorded, whether they have expired or not.
    ///
    /// # Panics
    /// If the database does not answer.
    pub fn requests(&self) -> usize {
        #[derive(diesel::QueryableByName)]
        struct Row {
            #[diesel(sql_type = diesel::sql_types::BigInt)]
            count: i64,
        }
        let rows: Vec<Row> = self.rows("SELECT count(*) AS count FROM requests");
        rows.first().map_or(0, |row| row.count.try_into().expect("a count"))
    }

    fn rows<T>(&self, sql: &str) -> Vec<T>
    where
        T: diesel::QueryableByName<diesel::sqlite::Sqlite>
            + diesel::QueryableByName<diesel::pg::Pg>
            + 'static,
    {
        let query = diesel::sql_query(sql);
        match self.url.strip_prefix("sqlite://") {
            Some(path) => {
                let mut connection = SqliteConnection::establish(path).expect("the file opens");
                connection.batch_execute("PRAGMA busy_timeout = 10000").expect("a setting");
                query.load(&mut connection)
            }
            None => query.load(&mut PgConnection::establish(&self.url).expect("the server answers")),
        }
        .expect("the database answers")
    }

    /// Storage settings with this database and short timeouts.
    ///
    /// # Panics
    /// If the URL is not one that storage knows.
    pub fn settings(&self) -> Settings {
        Settings {
            url: self.url.parse::<DatabaseUrl>().expect("a URL that storage knows"),
            read_url: None,
            pooler: Pooler::None,
            pool_size: 4,
            readers: 2,
            processed_cache: 1 << 20,
            pool_timeout: Duration::from_secs(5),
            query_timeout: Duration::from_secs(10),
            retention: Retention::default(),
            refuse_after: Duration::from_secs(600),
        }
    }

    /// Applies all migrations.
    ///
    /// # Panics
    /// If a migration fails.
    pub fn migrate(&self) {
        let mut migrator = Migrator::connect(&self.settings()).expect("the test database answers");
        migrator.migrate().expect("migrations apply");
    }

    /// Runs SQL behind the service's back.
    ///
    /// # Panics
    /// If it fails.
    pub fn execute(&self, sql: &str) {
        match self.url.strip_prefix("sqlite://") {
            Some(path) => execute_on_sqlite(Path::new(path), sql),
            None => execute(&self.url, sql),
        }
    }

    /// True for a PostgreSQL schema.
    pub const fn is_postgres(&self) -> bool {
        matches!(self.kept, Kept::Schema { .. })
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if let Kept::Schema { server, name } = &self.kept {
            // A test that failed may leave a connection with a lock; the server as a whole goes at the end anyway.
            let sql = format!("SET lock_timeout = '5s'; DROP SCHEMA {name} CASCADE");
            let dropped = PgConnection::establish(server).map(|mut server| server.batch_execute(&sql));
            let is_dropped = matches!(dropped, Ok(Ok(())));
            assert!(is_dropped || std::thread::panicking(), "the schema {name} could not be dropped");
        }
    }
}

fn execute(url: &str, sql: &str) {
    let mut connection = PgConnection::establish(url)
        .unwrap_or_else(|error| panic!("the server that {POSTGRES_VARIABLE} names does not answer: {error}"));
    connection.batch_execute(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
}
