//! What bodies take up: shared out among organizations, bounded, and counted until the work is over.

use std::io::{Read, Write};
use std::net::TcpStream;

use gathering_auth::Scope;
use gathering_tests::{CLUSTER, Message, OTHER_CLUSTER, TestDatabase, TestServer};
use serde_json::json;

use super::{JSON, NDJSON, RESULTS, counts, gzip, lines, send, token, writer};
use crate::fixture::requests;
use crate::on_both;

on_both!(
    half_sent_bodies_of_one_organization_leave_room_for_others,
    a_body_ends_when_its_sender_does,
    half_sent_lists_are_bounded,
    a_body_of_very_many_messages_is_counted,
    hits_of_one_message_are_bounded,
);

/// Begins a call whose body never ends.
fn half(server: &TestServer, path: &str, token: &str, length: usize) -> TcpStream {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Type: {NDJSON}\r\n\
         Content-Length: {}\r\n\r\n",
        length + 1
    );
    stream.write_all(head.as_bytes()).unwrap();
    // The service may have answered and closed before everything is sent.
    let _ = stream.write_all(&vec![b' '; length]);
    stream
}

fn body_bytes(server: &TestServer, bodies: &str) -> u64 {
    server.metric(&format!("gathering_http_body_bytes{{bodies=\"{bodies}\"}}"))
}

fn until_body_bytes(server: &TestServer, bodies: &str, wanted: impl Fn(u64) -> bool) {
    server.until(|server| wanted(body_bytes(server, bodies)).then_some(()));
}

fn half_sent_bodies_of_one_organization_leave_room_for_others(database: TestDatabase) {
    const KIB: usize = 1024;
    let server = TestServer::builder(database)
        .set("ingest.http.max_body=256 KiB")
        .set("ingest.http.max_in_flight=1 MiB")
        .start();
    let any = token(&server, 42, &[Scope::WriteAny]);
    let mut held = Vec::new();
    for count in 1..=3 {
        held.push(half(&server, RESULTS, &any, 255 * KIB));
        until_body_bytes(&server, "messages", |bytes| bytes >= count * 255 * 1024);
    }
    let mut fourth = half(&server, RESULTS, &writer(&server, 42), 255 * KIB);
    let mut answer = [0; 12];
    fourth.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 429", "one organization has at most three quarters");
    let message = format!("{}{}", Message::new(7, CLUSTER, "r"), " ".repeat(200 * KIB));
    assert_eq!(counts(&send(&server, &writer(&server, 7), JSON, message)), [1, 0, 0, 0]);
}

fn a_body_ends_when_its_sender_does(database: TestDatabase) {
    let server = TestServer::start(database);
    let stream = half(&server, RESULTS, &writer(&server, 42), 100_000);
    until_body_bytes(&server, "messages", |bytes| bytes >= 100_000);
    drop(stream);
    until_body_bytes(&server, "messages", |bytes| bytes == 0);
}

fn half_sent_lists_are_bounded(database: TestDatabase) {
    let server = TestServer::builder(database).set("http.max_in_flight=2 MiB").start();
    let reader = server.token(42);
    let streams: Vec<_> = (0..6).map(|_| half(&server, &requests(CLUSTER), &reader, 500_000)).collect();
    let refused = || {
        server.metric(
            "gathering_http_requests_total{endpoint=\"/cluster/{clusterID}/requests\",method=\"POST\",status=\"429\"}",
        )
    };
    server.until(|_| (refused() >= 3).then_some(()));
    assert!(body_bytes(&server, "lists") <= 3 << 19, "three quarters");
    let post = |organization| {
        let list = json!(vec!["x".repeat(128); 1000]).to_string();
        server.post(&requests(CLUSTER), list).bearer(&server.token(organization)).send().status
    };
    assert_eq!(post(7), 200, "others have their share");
    drop(streams);
    until_body_bytes(&server, "lists", |bytes| bytes == 0);
    assert_eq!(post(42), 200);
}

fn a_body_of_very_many_messages_is_counted(database: TestDatabase) {
    let server = TestServer::start(database);
    let good = lines(&[Message::new(42, CLUSTER, "first"), Message::new(42, CLUSTER, "last")]);
    let body = good.replace('\n', &format!("\n{}", "0\n".repeat(100_000)));
    let call = server.post(RESULTS, gzip(body.as_bytes())).bearer(&writer(&server, 42));
    let answer = call.header("Content-Type", NDJSON).header("Content-Encoding", "gzip").send();
    assert_eq!(counts(&answer), [2, 0, 0, 100_000]);
    let refusals = answer.json()["refusals"].as_array().unwrap().clone();
    assert_eq!(
        (refusals.len(), &refusals[0]["record"], &refusals[99]["record"]),
        (100, &json!(2), &json!(101))
    );
}

fn hits_of_one_message_are_bounded(database: TestDatabase) {
    let server = TestServer::builder(database)
        .set("report.unknown_content=include")
        .set("report.max_entries=0")
        .start();
    let token = writer(&server, 42);
    let hits: Vec<_> =
        (0..6000).map(|number| json!({"component": "m.report", "key": format!("K{number}")})).collect();
    let report = json!({"system": {}, "reports": hits, "fingerprints": [], "info": []});
    let message = Message::new(42, OTHER_CLUSTER, "many").with("Report", report);
    assert_eq!(counts(&send(&server, &token, JSON, message.to_string())), [1, 0, 0, 0]);
    let path = crate::fixture::report(OTHER_CLUSTER, "many");
    let found = server.get(&path).bearer(&token).send().json();
    assert_eq!(found["report"].as_array().unwrap().len(), 5000);
}

#[test]
fn what_is_counted_stays_until_the_work_is_over_on_postgres() {
    use diesel::connection::SimpleConnection;
    use diesel::{Connection, PgConnection};
    let server = TestServer::builder(TestDatabase::postgres()).set("storage.query_timeout=30s").start();
    let message = format!("{}{}", Message::new(42, CLUSTER, "large"), " ".repeat(50_000));
    let mut holder = PgConnection::establish(server.database().url()).unwrap();
    holder.batch_execute("BEGIN; LOCK TABLE requests IN ACCESS EXCLUSIVE MODE").unwrap();
    let head = format!(
        "POST {RESULTS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: {JSON}\r\n\
         Content-Length: {}\r\n\r\n{message}",
        writer(&server, 42),
        message.len()
    );
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.write_all(head.as_bytes()).unwrap();
    server.until(|server| (server.metric("gathering_writer_events_waiting") == 1).then_some(()));
    drop(stream);
    // Calls of others pass through the workers meanwhile, so that they notice that the sender is gone.
    for _ in 0..50 {
        server.get("/openapi.json").send();
    }
    assert!(body_bytes(&server, "messages") >= 50_000, "the event of that body still waits to be written");
    holder.batch_execute("ROLLBACK").unwrap();
    until_body_bytes(&server, "messages", |bytes| bytes == 0);
}
