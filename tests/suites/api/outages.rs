//! A database that is away, slow or broken: an answer in time, without its words, and recovery.

use gathering_auth::{Scope, TokenRequest};
use gathering_tests::{Answer, CLUSTER, Message, TestDatabase, TestServer};

use crate::fixture::{report, requests, status};

fn all_four(server: &TestServer) -> [Answer; 4] {
    let token = server.token(42);
    [
        server.get(&status(CLUSTER, "r")),
        server.get(&requests(CLUSTER)),
        server.post(&requests(CLUSTER), "[\"r\"]"),
        server.get(&report(CLUSTER, "r")),
    ]
    .map(|call| call.bearer(&token).send())
}

fn assert_away(server: &TestServer) {
    for answer in all_four(server) {
        assert_eq!(answer.status, 503, "{answer:?}");
        assert_eq!(answer.header("retry-after"), "1");
        assert_eq!(answer.sentence(), "The storage cannot answer at the moment, please try again");
    }
}

fn assert_back(server: &TestServer) {
    for answer in all_four(server) {
        assert_eq!(answer.status, 200, "{answer:?}");
    }
}

/// For servers whose limits are so short that a busy machine alone can be too slow for them.
fn until_back(server: &TestServer) {
    server.until(|server| all_four(server).iter().all(|answer| answer.status == 200).then_some(()));
}

/// A connection that holds a lock until it is dropped.
fn lock(server: &TestServer) -> diesel::PgConnection {
    use diesel::Connection;
    use diesel::connection::SimpleConnection;
    let mut connection = diesel::PgConnection::establish(server.database().url()).unwrap();
    connection.batch_execute("BEGIN; LOCK TABLE requests, clusters IN ACCESS EXCLUSIVE MODE").unwrap();
    connection
}

#[test]
fn too_slow_is_503_and_passes_on_postgres() {
    let server = TestServer::builder(TestDatabase::postgres()).set("storage.query_timeout=3s").start();
    server.import(&[Message::new(42, CLUSTER, "r")]);
    let holder = lock(&server);
    assert_away(&server);
    drop(holder);
    until_back(&server);
}

#[test]
fn an_exhausted_pool_is_503_on_postgres() {
    let server = TestServer::builder(TestDatabase::postgres())
        .set("storage.pool_size=1")
        .set("storage.pool_timeout=200ms")
        .set("storage.query_timeout=10m")
        .without_content_refresh()
        .start();
    server.import(&[Message::new(42, CLUSTER, "r")]);
    let token = server.token(42);
    std::thread::scope(|scope| {
        // In here, so that the lock goes also when the test fails: nobody would end before.
        let holder = lock(&server);
        // The first takes the only connection for lookups and waits for the lock; the others find none. While the machine
        // is busy, even the first may find none in time, and tries again.
        let first = scope.spawn(|| {
            let ask = || server.get(&status(CLUSTER, "r")).bearer(&token).send().status;
            std::iter::repeat_with(ask).find(|status| *status != 503)
        });
        server.until(|server| {
            let metrics = server.admin("/metrics").send().body;
            metrics.contains("{pool=\"postgres_lookup\",state=\"busy\"} 1").then_some(())
        });
        assert_away(&server);
        drop(holder);
        assert_eq!(first.join().unwrap(), Some(200));
    });
    until_back(&server);
}

#[test]
fn a_database_that_goes_away_is_503_and_readiness_says_so_on_sqlite() {
    let server = TestServer::start(TestDatabase::sqlite());
    server.import(&[Message::new(42, CLUSTER, "r")]);
    let outage = server.outage();
    assert_away(&server);
    let ready = server.admin("/readyz").send();
    assert_eq!((ready.status, ready.sentence().as_str()), (503, "a table of the service is not there"));
    assert_eq!(server.admin("/livez").send().status, 200, "a restart would not help");
    drop(outage);
    assert_back(&server);
    assert_eq!(server.admin("/readyz").send().status, 200);
}

#[test]
fn connections_that_the_server_closes_are_replaced_on_postgres() {
    let database = TestDatabase::postgres();
    let name = format!("victim_{}", std::process::id());
    let url = format!("{}&application_name={name}", database.url());
    let server = TestServer::builder(database).set(&format!("storage.url={url}")).start();
    server.import(&[Message::new(42, CLUSTER, "r")]);
    assert_back(&server);
    server.database().execute(&format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{name}'"
    ));
    assert_back(&server);
}

#[test]
fn tables_and_rights_that_are_missing_are_503_on_postgres() {
    let server = TestServer::start(TestDatabase::postgres());
    server.import(&[Message::new(42, CLUSTER, "r")]);
    server.database().execute("ALTER TABLE requests RENAME TO elsewhere");
    assert_away(&server);
    server.database().execute("ALTER TABLE elsewhere RENAME TO requests");
    assert_back(&server);
}

#[test]
fn statements_that_somebody_cancels_are_no_defect_on_postgres() {
    let database = TestDatabase::postgres();
    let name = format!("cancelled_{}", uuid::Uuid::new_v4().simple());
    let url = format!("{}&application_name={name}", database.url());
    let server = TestServer::builder(database).set(&format!("storage.url={url}")).start();
    server.import(&[Message::new(42, CLUSTER, "r")]);
    let token = server.token(42);
    for _ in 0..50 {
        std::thread::scope(|scope| {
            scope.spawn(|| {
                server.database().execute(&format!(
                    "SELECT pg_cancel_backend(pid) FROM pg_stat_activity, generate_series(1, 20)
                     WHERE application_name = '{name}'"
                ));
            });
            for answer in all_four(&server) {
                assert!([200, 503].contains(&answer.status), "{answer:?}");
            }
            let post = server.post("/ingest/results", Message::new(42, CLUSTER, "r").to_string());
            let answer = post.bearer(&writer(&server)).header("Content-Type", "application/json").send();
            assert!(answer.status == 503 || answer.json()["stored"] == 1, "{answer:?}");
        });
    }
    server.until(|server| {
        (server.get(&status(CLUSTER, "r")).bearer(&token).send().status == 200).then_some(())
    });
}

/// A token to write with.
fn writer(server: &TestServer) -> String {
    server.mint(&TokenRequest { scopes: vec![Scope::Write], ..TestServer::token_request(42) })
}

#[test]
fn a_message_whose_row_is_locked_is_503_until_it_has_failed_for_long() {
    use diesel::Connection;
    use diesel::connection::SimpleConnection;
    let database = TestDatabase::postgres();
    let url = format!("{}%20-clock_timeout%3D100", database.url());
    let server = TestServer::builder(database).set(&format!("storage.url={url}")).start();
    server.import(&[Message::new(42, CLUSTER, "r")]);
    let token = writer(&server);
    let send = |requests: &[&str]| {
        let lines: Vec<String> =
            requests.iter().map(|request| Message::new(42, CLUSTER, request).to_string()).collect();
        let body = lines.join("\n");
        let call = server.post("/ingest/results", body).bearer(&token);
        call.header("Content-Type", "application/x-ndjson").send()
    };
    let mut holder = diesel::PgConnection::establish(server.database().url()).unwrap();
    holder.batch_execute("BEGIN; UPDATE requests SET rule_hits = rule_hits").unwrap();
    for _ in 0..2 {
        let answer = send(&["r"]);
        assert_eq!((answer.status, answer.header("retry-after")), (503, "1"));
        assert_eq!(send(&["r", "beside"]).status, 503);
        assert_eq!(send(&["other"]).json()["stored"], 1);
    }
    assert_eq!(server.metric("gathering_writer_events_failing"), 1);
    for _ in 0..4 {
        assert_eq!(send(&["r"]).status, 503);
        server.advance(std::time::Duration::from_secs(150));
    }
    let answer = send(&["r", "beside"]).json();
    assert_eq!((&answer["stored"], &answer["rejected"]), (&1.into(), &1.into()));
    holder.batch_execute("ROLLBACK").unwrap();
    assert_eq!(send(&["r"]).json()["stored"], 1);
}

#[test]
fn readiness_does_not_wait_for_a_database_that_says_nothing() {
    use diesel::Connection;
    use diesel::connection::SimpleConnection;
    let server = TestServer::builder(TestDatabase::postgres())
        .set("storage.query_timeout=1h")
        .set("storage.pool_timeout=1h")
        .without_content_refresh()
        .start();
    let mut holder = diesel::PgConnection::establish(server.database().url()).unwrap();
    holder.batch_execute("BEGIN; LOCK TABLE content_revision IN ACCESS EXCLUSIVE MODE").unwrap();
    for _ in 0..10 {
        let answer = server.admin("/readyz").send();
        let sentence = "the database did not answer within 900ms";
        assert_eq!((answer.status, answer.sentence().as_str()), (503, sentence));
    }
    // However many probes ask, the database is asked once.
    assert!(server.metric("gathering_storage_pool_connections{pool=\"postgres\",state=\"busy\"}") <= 1);
    holder.batch_execute("ROLLBACK").unwrap();
    server.until(|server| (server.admin("/readyz").send().status == 200).then_some(()));
}

#[test]
fn a_record_that_cannot_be_read_is_500_with_a_fixed_text() {
    for database in [TestDatabase::sqlite(), TestDatabase::postgres()] {
        let server = TestServer::start(database);
        server.import(&[Message::new(42, CLUSTER, "r").hit("rules.a|KEY")]);
        server.database().execute("UPDATE requests SET rule_hits = 'no hit at all'");
        let answer = server.get(&report(CLUSTER, "r")).bearer(&server.token(42)).send();
        assert_eq!((answer.status, answer.sentence().as_str()), (500, "Internal Server Error"));
    }
}
