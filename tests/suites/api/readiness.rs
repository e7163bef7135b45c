//! What `/readyz`, the gauges and the log say of the parts of a service with an API.

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection, SqliteConnection};
use gathering_auth::{Scope, TokenRequest};
use gathering_tests::{Answer, CLUSTER, Message, TestDatabase, TestServer};
use serde_json::{Value, json};

use crate::fixture::status;
use crate::on_both;

on_both!(
    all_parts_are_ready,
    writes_that_are_held_up_show_while_reads_go_on,
    gauges_follow_where_nobody_probes,
);

fn post(server: &TestServer, request: &str) -> u16 {
    let token = server
        .mint(&TokenRequest { scopes: vec![Scope::Read, Scope::Write], ..TestServer::token_request(42) });
    let message = Message::new(42, CLUSTER, request).to_string();
    server
        .post("/ingest/results", message)
        .header("content-type", "application/json")
        .bearer(&token)
        .send()
        .status
}

fn part(answer: &Answer, name: &str) -> Value {
    answer.json()["parts"][name].clone()
}

fn gauges(server: &TestServer) -> [u64; 3] {
    ["gathering_ready", "gathering_database_up{use=\"reads\"}", "gathering_database_up{use=\"writes\"}"]
        .map(|name| server.metric(name))
}

fn all_parts_are_ready(database: TestDatabase) {
    let server = TestServer::start(database);
    let ready = server.admin("/readyz").send();
    let (required, told) =
        (json!({"ready": true, "required": true}), json!({"ready": true, "required": false}));
    assert_eq!(
        (ready.status, ready.json()),
        (
            200,
            json!({"status": "ready", "parts": {
                "database_reads": required, "database_writes": told, "rule_content": required, "keys": required}})
        )
    );
    assert_eq!(gauges(&server), [1, 1, 1]);
}

/// Holds what every writer needs, and no reader.
fn holder(database: &TestDatabase) -> Box<dyn std::any::Any> {
    if database.is_postgres() {
        let mut connection = PgConnection::establish(database.url()).unwrap();
        connection.batch_execute("BEGIN; LOCK TABLE requests IN EXCLUSIVE MODE").unwrap();
        return Box::new(connection);
    }
    let path = database.url().strip_prefix("sqlite://").unwrap();
    let mut connection = SqliteConnection::establish(path).unwrap();
    connection.batch_execute("BEGIN IMMEDIATE").unwrap();
    Box::new(connection)
}

fn writes_that_are_held_up_show_while_reads_go_on(database: TestDatabase) {
    let server = TestServer::start(database);
    server.import(&[Message::new(42, CLUSTER, "r")]);
    let holder = holder(server.database());
    let ready = server.until(|server| {
        let ready = server.admin("/readyz").send();
        (part(&ready, "database_writes")["ready"] == false).then_some(ready)
    });
    assert_eq!((ready.status, ready.sentence().as_str()), (200, "ready"), "it answers for what is recorded");
    assert_eq!(part(&ready, "database_reads")["ready"], true);
    let answer = server.get(&status(CLUSTER, "r")).bearer(&server.token(42)).send();
    assert_eq!(answer.status, 200);
    assert_eq!(gauges(&server), [1, 1, 0]);
    drop(holder);
    server.until(|server| (gauges(server) == [1, 1, 1]).then_some(()));
}

fn gauges_follow_where_nobody_probes(database: TestDatabase) {
    let server = TestServer::start(database);
    server.until(|server| (gauges(server) == [1, 1, 1]).then_some(()));
    let outage = server.outage();
    server.until(|server| (gauges(server) == [0, 0, 0]).then_some(()));
    drop(outage);
    server.until(|server| (gauges(server) == [1, 1, 1]).then_some(()));
}

#[test]
fn a_database_that_only_reads_says_so_on_postgres() {
    let database = TestDatabase::postgres();
    database.migrate();
    let only_reads = format!("{}%20-cdefault_transaction_read_only%3Don", database.url());
    let server = TestServer::builder(database)
        .set(&format!("storage.url={only_reads}"))
        .set("storage.migrate_on_start=false")
        .start();
    let ready = server.admin("/readyz").send();
    assert_eq!(ready.status, 200);
    let writes = json!({"ready": false, "required": false, "reason": "the database only reads"});
    assert_eq!(part(&ready, "database_writes"), writes);
    assert_eq!(server.get(&status(CLUSTER, "r")).bearer(&server.token(42)).send().status, 404);
    assert_eq!(post(&server, "r"), 503);
}

fn refuse_rows(server: &TestServer) {
    server.database().execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$;
         CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON requests FOR EACH ROW EXECUTE FUNCTION refuse()",
    );
}

/// Nothing but a write finds that out, and nobody writes when it has passed.
#[test]
fn what_the_last_batch_met_shows_until_it_has_passed_on_postgres() {
    let server = TestServer::builder(TestDatabase::postgres()).set("storage.query_timeout=1s").start();
    refuse_rows(&server);
    assert_eq!(post(&server, "r"), 503);
    let ready = server.admin("/readyz").send();
    assert_eq!((ready.status, &part(&ready, "database_writes")["ready"]), (200, &json!(false)));
    // Looks write nothing, and find nothing out.
    for _ in 0..10 {
        assert_eq!(part(&server.admin("/readyz").send(), "database_writes")["ready"], false);
    }
    server.database().execute("DROP TRIGGER refuse ON requests");
    server.until(|server| {
        (part(&server.admin("/readyz").send(), "database_writes")["ready"] == true).then_some(())
    });
    assert!(server.database().processed().is_empty());
}

/// A row that they wrote would be refused, and they would say so.
#[test]
fn probes_write_no_row() {
    let server = TestServer::start(TestDatabase::postgres());
    refuse_rows(&server);
    for _ in 0..20 {
        let ready = server.admin("/readyz").send();
        assert_eq!(part(&ready, "database_writes")["ready"], true, "{ready:?}");
    }
    assert_eq!(server.metric("gathering_writer_batches_total"), 0);
}
