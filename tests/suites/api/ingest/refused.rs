//! Bodies that are not taken: what they are, how large they are, whose they are, and when.

use std::time::Duration;

use gathering_auth::Scope;
use gathering_tests::{CLUSTER, Call, Message, TestDatabase, TestServer};

use super::{JSON, NDJSON, RESULTS, counts, gzip, send, token, writer};
use crate::fixture::requests;
use crate::on_both;

on_both!(
    what_is_no_body_of_messages,
    bodies_have_a_limit_after_decompression,
    an_allow_list_lets_in_whom_it_has_and_follows_its_file,
    a_database_that_is_away_is_503,
    ingestion_can_be_switched_off,
);

fn what_is_no_body_of_messages(database: TestDatabase) {
    let server = TestServer::start(database);
    let token = writer(&server, 42);
    let post = |headers: &[(&str, &str)]| {
        let call = server.post(RESULTS, Message::new(42, CLUSTER, "r").to_string()).bearer(&token);
        let call = headers.iter().fold(call, |call: Call, (name, value)| call.header(name, value));
        let answer = call.send();
        (answer.status, answer.sentence())
    };
    let types = "it has to be application/json for one message, or application/x-ndjson for one on each line";
    assert_eq!(
        post(&[("Content-Type", "text/plain")]),
        (415, format!("The body has another Content-Type; {types}"))
    );
    assert_eq!(
        post(&[("Content-Type", JSON), ("Content-Encoding", "br")]),
        (415, "The body has another Content-Encoding; it has to be gzip or none".to_owned())
    );
    assert_eq!(
        post(&[("Content-Type", JSON), ("Content-Encoding", "gzip")]),
        (400, "The request body is not valid: its Content-Encoding is gzip and it is not".to_owned())
    );
    let get = server.get(RESULTS).bearer(&token).send();
    assert_eq!((get.status, get.header("allow")), (405, "POST, OPTIONS"));
    assert_eq!(server.get(&requests(CLUSTER)).bearer(&token).send().status, 404, "nothing was recorded");
}

fn bodies_have_a_limit_after_decompression(database: TestDatabase) {
    let server = TestServer::builder(database).set("ingest.http.max_body=64 KiB").start();
    let token = writer(&server, 42);
    let padded = |size: usize| {
        let message = Message::new(42, CLUSTER, "r").to_string();
        format!("{message}{}", " ".repeat(size - message.len()))
    };
    let post = |body: Vec<u8>, encoding: &str| {
        let call = server.post(RESULTS, body).bearer(&token).header("Content-Type", JSON);
        call.header("Content-Encoding", encoding).send()
    };
    assert_eq!(counts(&post(padded(64 * 1024).into(), "identity")), [1, 0, 0, 0]);
    assert_eq!(counts(&post(gzip(padded(64 * 1024).as_bytes()), "gzip")), [1, 0, 0, 0]);
    let bomb = gzip(&vec![b' '; 200_000_000]);
    for answer in [
        post(padded(64 * 1024 + 1).into(), "identity"),
        post(gzip(padded(64 * 1024 + 1).as_bytes()), "gzip"),
        post(bomb, "gzip"),
    ] {
        assert_eq!(answer.status, 413, "{answer:?}");
        assert_eq!(answer.sentence(), "The request body is larger than 65536 bytes");
    }
}

fn an_allow_list_lets_in_whom_it_has_and_follows_its_file(database: TestDatabase) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "Organization\n7\n").unwrap();
    let setting = format!("ingest.allowlist_file={}", file.path().display());
    let server = TestServer::builder(database).set(&setting).start();
    let any = token(&server, 1, &[Scope::WriteAny]);
    let post = |organization| {
        counts(&send(&server, &any, JSON, Message::new(organization, CLUSTER, "r").to_string()))
    };
    assert_eq!(post(7), [1, 0, 0, 0]);
    assert_eq!(post(42), [0, 0, 0, 1]);
    std::fs::write(file.path(), "Organization\n42\n4242\n").unwrap();
    server.until(|_| (post(42) == [1, 0, 0, 0]).then_some(()));
    assert_eq!(post(7), [0, 0, 0, 1]);
    std::fs::write(file.path(), "Organization\nbroken, and longer than before\n").unwrap();
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(post(42), [1, 0, 0, 0], "a list that cannot be read changes nothing");
}

fn a_database_that_is_away_is_503(database: TestDatabase) {
    let server = TestServer::builder(database).set("storage.query_timeout=2s").start();
    let token = writer(&server, 42);
    let outage = server.outage();
    let message = Message::new(42, CLUSTER, "r").to_string();
    let answer = send(&server, &token, JSON, message.clone());
    assert_eq!((answer.status, answer.header("retry-after")), (503, "1"));
    assert_eq!(answer.sentence(), "The storage cannot answer at the moment, please try again");
    assert_eq!(
        counts(&send(&server, &token, NDJSON, "{}\n")),
        [0, 0, 0, 1],
        "nothing to record, nothing needed"
    );
    drop(outage);
    assert_eq!(counts(&send(&server, &token, JSON, message)), [1, 0, 0, 0]);
}

fn ingestion_can_be_switched_off(database: TestDatabase) {
    let server = TestServer::builder(database).set("ingest.http.enabled=false").start();
    let answer = send(&server, &writer(&server, 42), JSON, "{}");
    assert_eq!((answer.status, answer.sentence().as_str()), (404, "No endpoint has this path"));
    let document = server.get("/openapi.json").send().json();
    assert!(document["paths"].as_object().unwrap().keys().all(|path| !path.starts_with("/ingest")));
}

#[test]
fn more_than_can_be_kept_waiting_is_429_on_postgres() {
    use diesel::connection::SimpleConnection;
    use diesel::{Connection, PgConnection};
    let server = TestServer::builder(TestDatabase::postgres())
        .set("ingest.http.max_body=64 KiB")
        .set("ingest.http.max_in_flight=64 KiB")
        .set("storage.query_timeout=30s")
        .start();
    let token = writer(&server, 42);
    let large = format!("{}{}", Message::new(42, CLUSTER, "large"), " ".repeat(50_000));
    let mut holder = PgConnection::establish(server.database().url()).unwrap();
    holder.batch_execute("BEGIN; LOCK TABLE requests IN ACCESS EXCLUSIVE MODE").unwrap();
    std::thread::scope(|scope| {
        let first = scope.spawn(|| send(&server, &token, JSON, large.clone()));
        server.until(|server| {
            let text = server.admin("/metrics").send().body;
            text.lines().any(|line| line == "gathering_writer_events_waiting 1").then_some(())
        });
        let second = send(&server, &token, JSON, large.clone());
        assert_eq!((second.status, second.header("retry-after")), (429, "1"));
        assert_eq!(second.sentence(), "Too much waits to be recorded at the moment, please try again");
        holder.batch_execute("ROLLBACK").unwrap();
        assert_eq!(counts(&first.join().unwrap()), [1, 0, 0, 0]);
    });
    assert_eq!(counts(&send(&server, &token, JSON, large)), [1, 0, 0, 0], "there is room again");
}
