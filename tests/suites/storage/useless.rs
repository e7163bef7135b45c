//! A connection that becomes useless without being closed is replaced, for writers and lookups alike.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection, RunQueryDsl};
use gathering_domain::event::EventOutcome;
use gathering_domain::request::RequestState;
use gathering_domain::store::{ContentStore, EventSink, Purge, RequestStore, StoreError};
use gathering_domain::time::ManualClock;
use gathering_domain::wait::Waiters;
use gathering_storage::{BatchWriter, Storage};
use gathering_tests::TestDatabase;

use crate::fixture::{START, event, key, processed};

/// A store that logs in as a role of its own, which can be changed behind its back.
pub(crate) struct Subject {
    pub(crate) storage: Storage,
    pub(crate) writer: BatchWriter,
    pub(crate) clock: Arc<ManualClock>,
    role: Role,
}

struct Role {
    database: TestDatabase,
    name: String,
}

impl Drop for Role {
    fn drop(&mut self) {
        let name = &self.name;
        self.database.execute(&format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{name}';
             DROP OWNED BY {name}; DROP ROLE {name}"
        ));
    }
}

impl Subject {
    /// Changes the role: what it says holds for sessions to come.
    fn alter(&self, what: &str) {
        self.role.database.execute(&format!("ALTER ROLE {} {what}", self.role.name));
    }

    pub(crate) fn execute(&self, sql: &str) {
        self.role.database.execute(sql);
    }

    /// Where a client with all rights connects.
    pub(crate) fn url(&self) -> &str {
        self.role.database.url()
    }

    async fn writes(&self, request: &str) {
        let outcomes = self.writer.store(vec![event(key(request), processed(&["m|A"]))]).await.unwrap();
        assert_eq!(outcomes, [EventOutcome::Applied]);
    }

    async fn reads(&self) {
        assert_eq!(self.storage.state(&key("a")).await.unwrap(), Some(RequestState::Processed));
        assert_eq!(self.storage.report(&key("a")).await.unwrap().unwrap().hits.len(), 1);
        self.storage.content_revision().await.unwrap();
    }

    pub(crate) async fn does_everything(&self) {
        self.writes("a").await;
        self.reads().await;
        self.storage.purge().await.unwrap();
    }

    /// Which server processes answer this store.
    fn sessions(&self) -> Vec<i32> {
        #[derive(diesel::QueryableByName)]
        struct Row {
            #[diesel(sql_type = diesel::sql_types::Integer)]
            pid: i32,
        }
        let mut connection = PgConnection::establish(self.role.database.url()).unwrap();
        let sql = format!("SELECT pid FROM pg_stat_activity WHERE usename = '{}'", self.role.name);
        let rows: Vec<Row> = diesel::sql_query(sql).load(&mut connection).unwrap();
        rows.into_iter().map(|row| row.pid).collect()
    }
}

/// Nothing of what is remembered answers in place of the database.
pub(crate) fn with_a_role(options: &str, check: impl AsyncFnOnce(&Subject)) {
    let database = TestDatabase::postgres();
    database.migrate();
    let (server, schema) = database.url().split_once('?').unwrap();
    let schema = schema.rsplit("%3D").next().unwrap();
    let name = format!("role_{}", uuid::Uuid::new_v4().simple());
    database.execute(&format!(
        "CREATE ROLE {name} LOGIN; GRANT USAGE ON SCHEMA {schema} TO {name};
         GRANT ALL ON ALL TABLES IN SCHEMA {schema} TO {name}; ALTER ROLE {name} SET search_path = {schema}"
    ));
    let (_, address) = server.split_once('@').unwrap();
    let url = format!("postgres://{name}@{address}{options}").parse().unwrap();
    let settings = gathering_storage::Settings { url, processed_cache: 0, ..database.settings() };
    let role = Role { database, name };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let clock = Arc::new(ManualClock::at(START));
        let storage = Storage::open(&settings, Arc::clone(&clock) as _).unwrap();
        let writer = storage.batch_writer(&Waiters::nobody());
        check(&Subject { storage, writer, clock, role }).await;
    });
}

#[test]
fn one_that_only_reads_while_others_write() {
    with_a_role("", async |subject| {
        subject.does_everything().await;
        subject.alter("SET default_transaction_read_only = on");
        subject.execute(&format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{}'",
            subject.role.name
        ));
        for _ in 0..3 {
            subject.reads().await;
            let events = vec![event(key("b"), processed(&[])), event(key("c"), processed(&[]))];
            let error = subject.writer.store(events).await.unwrap_err();
            assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
            // Several connections of that time lie in the pool.
            let (one, two, purged) = tokio::join!(
                subject.storage.content_revision(),
                subject.storage.content_revision(),
                subject.storage.purge()
            );
            assert!(one.is_ok() && two.is_ok() && purged.is_err());
        }
        subject.alter("RESET default_transaction_read_only");
        // A connection that was new and failed is kept for a second.
        while subject.writer.store(vec![event(key("b"), processed(&[]))]).await.is_err() {}
        subject.does_everything().await;
    });
}

#[test]
fn one_that_only_reads_is_not_replaced_at_every_write() {
    with_a_role("", async |subject| {
        subject.alter("SET default_transaction_read_only = on");
        let (started, mut sessions) = (Instant::now(), HashSet::new());
        for _ in 0..200 {
            assert!(subject.writer.store(vec![event(key("a"), processed(&[]))]).await.is_err());
            sessions.extend(subject.sessions());
        }
        let most = 3 * (started.elapsed().as_secs() + 2);
        assert!((sessions.len() as u64) <= most, "{} sessions, not {most}", sessions.len());
    });
}

#[test]
fn one_that_waits_for_a_lock_is_kept() {
    with_a_role("?options=-clock_timeout%3D100", async |subject| {
        subject.does_everything().await;
        let before = subject.sessions();
        let mut other = PgConnection::establish(subject.role.database.url()).unwrap();
        other.batch_execute("BEGIN; UPDATE requests SET rule_hits = rule_hits").unwrap();
        for _ in 0..8 {
            let events = vec![event(key("a"), processed(&[])), event(key("b"), processed(&[]))];
            assert!(subject.writer.store(events).await.is_err());
            tokio::time::sleep(Duration::from_millis(200)).await;
            subject.reads().await;
        }
        other.batch_execute("ROLLBACK").unwrap();
        subject.does_everything().await;
        let after = subject.sessions();
        assert!(before.iter().all(|pid| after.contains(pid)), "{before:?} became {after:?}");
    });
}

#[test]
fn lookups_leave_a_server_that_only_reads() {
    with_a_role("", async |subject| {
        subject.does_everything().await;
        let writable = subject.sessions();
        subject.alter("SET default_transaction_read_only = on");
        subject.execute(&format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{}'",
            subject.role.name
        ));
        subject.reads().await;
        let read_only = subject.sessions();
        assert!(read_only.iter().all(|pid| !writable.contains(pid)));
        subject.alter("RESET default_transaction_read_only");
        // Nobody writes here, so nothing but a look finds out.
        subject.clock.advance(Duration::from_secs(60));
        subject.reads().await;
        let session = |pids: &[i32]| pids.iter().any(|pid| read_only.contains(pid));
        while session(&subject.sessions()) {
            subject.reads().await;
        }
        subject.does_everything().await;
    });
}

#[test]
fn one_whose_plans_do_not_fit_any_more() {
    with_a_role("", async |subject| {
        subject.does_everything().await;
        subject.execute("ALTER TABLE requests ALTER COLUMN rule_hits TYPE VARCHAR(100000)");
        subject.reads().await;
        subject.does_everything().await;
    });
}

#[test]
fn one_that_lost_its_prepared_statements() {
    with_a_role("", async |subject| {
        subject.does_everything().await;
        subject.execute(
            "CREATE FUNCTION forget() RETURNS trigger LANGUAGE plpgsql AS
                 $$ BEGIN EXECUTE 'DEALLOCATE ALL'; RETURN NULL; END $$;
             CREATE TRIGGER forget AFTER INSERT ON requests FOR EACH STATEMENT EXECUTE FUNCTION forget()",
        );
        // The trigger itself may be in the way of the statement that fires it, and of those after it.
        let _ = subject.writer.store(vec![event(key("b"), processed(&[]))]).await;
        subject.execute("DROP TRIGGER forget ON requests");
        // A connection that was new and failed is kept for a second.
        while subject.writer.store(vec![event(key("a"), processed(&["m|A"]))]).await.is_err() {}
        subject.does_everything().await;
    });
}

#[test]
fn one_whose_rights_were_taken_and_given_back() {
    with_a_role("", async |subject| {
        subject.does_everything().await;
        let name = subject.role.name.clone();
        for table in ["requests", "clusters"] {
            subject.execute(&format!("REVOKE ALL ON {table} FROM {name}"));
            let error = subject.writer.store(vec![event(key("b"), processed(&[]))]).await.unwrap_err();
            assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
            if table == "requests" {
                for error in [
                    subject.storage.state(&key("a")).await.unwrap_err(),
                    subject.storage.report(&key("a")).await.unwrap_err(),
                    subject.storage.purge().await.unwrap_err(),
                ] {
                    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
                }
            }
            subject.execute(&format!("GRANT ALL ON {table} TO {name}"));
            subject.does_everything().await;
        }
        assert_eq!(subject.writer.stats().refused, 0);
    });
}

#[test]
fn one_whose_tables_went_elsewhere() {
    with_a_role("", async |subject| {
        subject.does_everything().await;
        let schema = subject.role.name.replace("role", "moved");
        subject.execute(&format!(
            "CREATE SCHEMA {schema}; GRANT USAGE ON SCHEMA {schema} TO {}",
            subject.role.name
        ));
        for table in ["requests", "clusters", "content_revision", "rule_content"] {
            subject.execute(&format!("ALTER TABLE {table} SET SCHEMA {schema}"));
        }
        subject.alter(&format!("SET search_path = {schema}"));
        subject.does_everything().await;
        subject.execute(&format!("DROP SCHEMA {schema} CASCADE"));
    });
}

#[test]
fn one_that_the_server_ends_when_it_idles() {
    with_a_role("?options=-cidle_session_timeout%3D100", async |subject| {
        for _ in 0..3 {
            subject.does_everything().await;
            std::thread::sleep(Duration::from_millis(300));
        }
    });
}
