//! A database that is away, silent, slow or busy is a typed error in time, and the store recovers by itself.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gathering_domain::ids::RequestKey;
use gathering_domain::request::RequestState;
use gathering_domain::store::{ContentStore, EventSink, RequestStore, StoreError};
use gathering_domain::time::ManualClock;
use gathering_domain::wait::Waiters;
use gathering_storage::{PoolState, Settings, Storage};
use gathering_tests::{Proxy, TestDatabase};

use crate::fixture::{START, event, key, processed};
use crate::useless::with_a_role;

/// Far above the timeouts below, far below a hang.
const PATIENCE: Duration = Duration::from_secs(300);

fn impatient(settings: Settings) -> Settings {
    Settings {
        pool_size: 1,
        pool_timeout: Duration::from_millis(300),
        query_timeout: Duration::from_millis(500),
        ..settings
    }
}

fn open(settings: &Settings) -> Storage {
    Storage::open(settings, Arc::new(ManualClock::at(START))).unwrap()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap()
}

fn in_time<T>(what: impl Future<Output = T>) -> T {
    let (runtime, started) = (runtime(), Instant::now());
    let value = runtime.block_on(what);
    assert!(started.elapsed() < PATIENCE, "it took {:?}", started.elapsed());
    // Threads that still hang in a driver must not hold up the test.
    runtime.shutdown_background();
    value
}

#[test]
fn nobody_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("postgres://nobody@{}/none", listener.local_addr().unwrap());
    drop(listener);
    let settings = Settings { url: url.parse().unwrap(), ..impatient(TestDatabase::sqlite().settings()) };
    let error = in_time(open(&settings).state(&key("a"))).unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
}

#[test]
fn the_server_accepts_and_says_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("postgres://nobody@{}/none?sslmode=disable", listener.local_addr().unwrap());
    let settings = Settings { url: url.parse().unwrap(), ..impatient(TestDatabase::sqlite().settings()) };
    let store = open(&settings);
    let error = in_time(store.state(&key("a"))).unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. } | StoreError::PoolExhausted { .. }), "{error:?}");
    // Connections pile up in the driver, not in the callers.
    let error = in_time(store.store(vec![event(key("a"), processed(&[]))])).unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. } | StoreError::PoolExhausted { .. }), "{error:?}");
}

#[test]
fn a_locked_table_is_a_timeout_and_passes() {
    let database = TestDatabase::postgres();
    database.migrate();
    // Long enough that a busy machine is no reason; for one connection who comes second waits less than who has it.
    let (pool_timeout, query_timeout) = (Duration::from_secs(1), Duration::from_secs(4));
    let settings = Settings { pool_timeout, query_timeout, ..impatient(database.settings()) };
    let store = open(&settings);
    // Opening connections is no part of what is waited for below.
    in_time(async {
        while store.state(&key("a")).await.is_err() {}
        while store.store(vec![event(key("x"), processed(&[]))]).await.is_err() {}
    });
    let locked = Arc::new(std::sync::Barrier::new(2));
    let release = Arc::new(std::sync::Barrier::new(2));
    let holder = std::thread::spawn({
        let (url, locked, release) = (database.url().to_owned(), Arc::clone(&locked), Arc::clone(&release));
        move || {
            use diesel::Connection;
            use diesel::connection::SimpleConnection;
            let mut connection = diesel::PgConnection::establish(&url).unwrap();
            connection.batch_execute("BEGIN; LOCK TABLE requests IN ACCESS EXCLUSIVE MODE").unwrap();
            locked.wait();
            release.wait();
            connection.batch_execute("ROLLBACK").unwrap();
        }
    });
    locked.wait();
    let (first, second, first_write, second_write) = in_time(async {
        // One connection answers lookups, and another one writes: who comes second finds it taken.
        let (key_a, key_b) = (key("a"), key("b"));
        let second = async {
            let is_idle = |pool: &PoolState| pool.name != "postgres_list" && pool.idle == pool.connections;
            while store.pools().iter().any(is_idle) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            store.state(&key_b).await
        };
        let write = || store.store(vec![event(key("a"), processed(&[]))]);
        tokio::join!(store.state(&key_a), second, write(), write())
    });
    release.wait();
    holder.join().unwrap();
    let (first, second) = (first.unwrap_err(), second.unwrap_err());
    assert!(matches!(first, StoreError::Timeout { .. }), "{first:?}");
    assert!(matches!(second, StoreError::PoolExhausted { .. }), "{second:?}");
    // Writes do not wait for locks as long as that.
    for error in [first_write.unwrap_err(), second_write.unwrap_err()] {
        assert!(!matches!(error, StoreError::Defect { .. }), "{error:?}");
    }

    let recovered = in_time(async {
        store.store(vec![event(key("a"), processed(&[]))]).await.unwrap();
        store.state(&key("a")).await.unwrap()
    });
    assert_eq!(recovered, Some(RequestState::Processed));
}

#[test]
fn a_connection_that_the_server_closed_is_replaced_unnoticed() {
    let database = TestDatabase::postgres();
    database.migrate();
    let mut settings = database.settings();
    let name = format!("victim{}", std::process::id());
    settings.url = format!("{}&application_name={name}", database.url()).parse().unwrap();
    let store = open(&settings);
    in_time(async {
        store.store(vec![event(key("a"), processed(&[]))]).await.unwrap();
        // Several idle connections, all of which are about to be lost.
        let (key_a, key_b) = (key("a"), key("b"));
        let (a, b) = tokio::join!(store.state(&key_a), store.state(&key_b));
        a.and(b).unwrap();
        database.execute(&format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{name}'"
        ));
        assert_eq!(store.state(&key("a")).await.unwrap(), Some(RequestState::Processed));
        store.store(vec![event(key("b"), processed(&[]))]).await.unwrap();
    });
}

#[test]
fn a_connection_that_nothing_is_heard_of_is_replaced() {
    let database = TestDatabase::postgres();
    database.migrate();
    let proxy = Proxy::to(database.server_address());
    let mut settings = impatient(database.settings());
    // The network says nothing of it either.
    let unlimited = "tcp_user_timeout=0&keepalives=0&connect_timeout=5";
    settings.url = format!("{}&{unlimited}", database.url_by(&proxy)).parse().unwrap();
    settings.pool_timeout = Duration::from_secs(5);
    let store = open(&settings);
    in_time(async {
        assert_eq!(store.state(&key("a")).await.unwrap(), None);
        proxy.silence();
        let error = store.state(&key("a")).await.unwrap_err();
        assert!(matches!(error, StoreError::Timeout { .. }), "{error:?}");
        assert_eq!(store.state(&key("a")).await.unwrap(), None, "there is another connection by now");
    });
}

#[test]
fn a_thread_that_gets_no_connection_leaves_questions_to_one_that_has() {
    let database = TestDatabase::postgres();
    database.migrate();
    let (server, schema) = database.url().split_once("search_path%3D").unwrap();
    let role = format!("limited_{}", schema.rsplit('_').next().unwrap());
    database.execute(&format!(
        "CREATE ROLE {role} LOGIN CONNECTION LIMIT 1; GRANT USAGE ON SCHEMA {schema} TO {role};
         GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {role}"
    ));
    let (_, address) = server.split_once('@').unwrap();
    let url = format!("postgres://{role}@{address}search_path%3D{schema}").parse().unwrap();
    // So short that the other thread gives up, and again, while questions come.
    let pool_timeout = Duration::from_secs(1);
    let store = open(&Settings { url, pool_timeout, ..database.settings() });
    in_time(async {
        let keys = ["a", "b", "c", "d"].map(key);
        let started = Instant::now();
        while started.elapsed() < pool_timeout * 3 {
            let [a, b, c, d] = &keys;
            let states = tokio::join!(store.state(a), store.state(b), store.state(c), store.state(d));
            assert!(matches!(states, (Ok(None), Ok(None), Ok(None), Ok(None))), "{states:?}");
        }
    });
    drop(store);
    database.execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}

#[test]
fn a_statement_that_takes_long_holds_up_nobody_else() {
    use diesel::Connection;
    use diesel::connection::SimpleConnection;
    let database = TestDatabase::postgres();
    database.migrate();
    let store = open(&database.settings());
    let mut holder = diesel::PgConnection::establish(database.url()).unwrap();
    holder.batch_execute("BEGIN; LOCK TABLE clusters IN ACCESS EXCLUSIVE MODE").unwrap();
    in_time(async {
        let RequestKey { organization, cluster, .. } = key("a");
        let list = store.list(organization, cluster, None);
        let states = async {
            for _ in 0..20 {
                assert_eq!(store.state(&key("a")).await.unwrap(), None);
            }
            // Only now the list, of a cluster that nobody knows, can look into the other table.
            holder.batch_execute("ROLLBACK").unwrap();
        };
        let (list, ()) = tokio::join!(list, states);
        assert_eq!(list.unwrap(), None);
    });
}

#[test]
fn a_request_that_cannot_be_read_takes_no_other_with_it() {
    with_a_role("", async |subject| {
        let events = ["bad", "good"].map(|request| event(key(request), processed(&[])));
        subject.storage.store(events.to_vec()).await.unwrap();
        subject.execute(
            "ALTER TABLE requests ENABLE ROW LEVEL SECURITY;
             CREATE POLICY readable ON requests
                 USING (CASE WHEN request_id = 'bad' THEN 1 / (state - 2) = 0 ELSE true END)",
        );
        let (bad, good, none) = (key("bad"), key("good"), key("none"));
        let storage = &subject.storage;
        let (bad, good, none) = tokio::join!(storage.state(&bad), storage.state(&good), storage.state(&none));
        // A server that refuses a question may be in a bad moment; only what it answers can be unreadable.
        assert!(matches!(bad, Err(StoreError::Unavailable { .. })), "{bad:?}");
        assert_eq!(good.unwrap(), Some(RequestState::Processed));
        assert_eq!(none.unwrap(), None);
    });
}

#[test]
fn a_schema_that_is_missing_may_come_on_postgres() {
    let database = TestDatabase::postgres();
    let error = in_time(open(&database.settings()).state(&key("a"))).unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    assert!(!error.to_string().contains("requests"), "the text for callers has no detail: {error}");
}

#[test]
fn a_locked_file_is_an_error_in_time() {
    let database = TestDatabase::sqlite();
    database.migrate();
    let settings = impatient(database.settings());
    let store = open(&settings);
    let (locked, release) = (std::sync::Barrier::new(2), std::sync::Barrier::new(2));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            use diesel::Connection;
            use diesel::connection::SimpleConnection;
            let path = database.url().strip_prefix("sqlite://").unwrap();
            let mut connection = diesel::SqliteConnection::establish(path).unwrap();
            connection.batch_execute("BEGIN IMMEDIATE").unwrap();
            locked.wait();
            release.wait();
            connection.batch_execute("ROLLBACK").unwrap();
        });
        locked.wait();
        let reading = in_time(store.state(&key("a")));
        let writing = in_time(store.store(vec![event(key("a"), processed(&[]))]));
        release.wait();
        assert_eq!(reading.unwrap(), None, "readers do not wait for a writer");
        let error = writing.unwrap_err();
        assert!(matches!(error, StoreError::Timeout { .. } | StoreError::Unavailable { .. }), "{error:?}");
    });
    in_time(store.store(vec![event(key("a"), processed(&[]))])).unwrap();
}

#[test]
fn waiting_for_a_connection_counts_into_the_time_of_a_call() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("postgres://nobody@{}/none?sslmode=disable", listener.local_addr().unwrap());
    let hour = Duration::from_secs(3600);
    let settings = Settings {
        url: url.parse().unwrap(),
        pool_timeout: hour,
        ..impatient(TestDatabase::sqlite().settings())
    };
    let store = open(&settings);
    in_time(async {
        let writer = store.batch_writer(&Waiters::nobody());
        let (key, event) = (key("a"), || vec![event(key("a"), processed(&[]))]);
        let (state, written, in_batch, revision) = tokio::join!(
            store.state(&key),
            store.store(event()),
            writer.store(event()),
            store.content_revision()
        );
        let errors = [state.unwrap_err(), written.unwrap_err(), in_batch.unwrap_err(), revision.unwrap_err()];
        for error in errors {
            assert!(!matches!(error, StoreError::Defect { .. }), "{error:?}");
        }
    });
}
