//! Messages over HTTP: what becomes of each, who may send which, and limits.

use std::io::Write;
use std::time::Duration;

use base64::Engine;
use flate2::Compression;
use flate2::write::GzEncoder;
use gathering_auth::Scope;
use gathering_tests::{Answer, Call, Message, TestDatabase, TestServer};
use serde_json::{Value, json};

use crate::fixture::{CLUSTER, OTHER_CLUSTER, report, requests, status};
use crate::on_both;

on_both!(
    one_message_or_many,
    every_message_has_an_outcome_of_its_own,
    a_hundred_refusals_are_listed,
    nobody_writes_for_others,
    announcements_are_received_until_their_result_is_there,
    messages_of_one_body_are_taken_in_order,
    what_is_no_body_of_messages,
    bodies_have_a_limit_after_decompression,
    an_allow_list_lets_in_whom_it_has_and_follows_its_file,
    a_database_that_is_away_is_503,
    ingestion_can_be_switched_off,
    many_senders_at_once,
    messages_are_counted,
);

const RESULTS: &str = "/ingest/results";
const ANNOUNCEMENTS: &str = "/ingest/announcements";
const JSON: &str = "application/json";
const NDJSON: &str = "application/x-ndjson";

fn writer(server: &TestServer, organization: u32) -> String {
    token(server, organization, &[Scope::Read, Scope::Write])
}

fn token(server: &TestServer, organization: u32, scopes: &[Scope]) -> String {
    let mut request = TestServer::token_request(organization);
    request.scopes = scopes.to_vec();
    server.mint(&request)
}

fn send(server: &TestServer, token: &str, kind: &str, body: impl Into<Vec<u8>>) -> Answer {
    server.post(RESULTS, body).bearer(token).header("Content-Type", kind).send()
}

fn lines(messages: &[Message]) -> String {
    messages.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

fn counts(answer: &Answer) -> [u64; 4] {
    assert_eq!(answer.status, 200, "{answer:?}");
    let json = answer.json();
    assert_eq!(json["status"], "ok");
    ["stored", "failed", "skipped", "rejected"].map(|outcome| json[outcome].as_u64().unwrap())
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn state(server: &TestServer, request: &str) -> Value {
    server.get(&status(CLUSTER, request)).bearer(&server.token(42)).send().json()["status"].clone()
}

fn one_message_or_many(database: TestDatabase) {
    let server = TestServer::builder(database).set("report.unknown_content=include").start();
    let token = writer(&server, 42);
    let answer = send(&server, &token, JSON, Message::new(42, CLUSTER, "one").hit("m|KEY").to_string());
    assert_eq!(
        answer.json(),
        json!({"stored": 1, "failed": 0, "skipped": 0, "rejected": 0, "refusals": [], "status": "ok"})
    );
    assert_eq!(answer.header("content-type"), "application/json");
    let found = server.get(&report(CLUSTER, "one")).bearer(&token).send().json();
    assert_eq!(found["report"][0]["error_key"], "KEY");

    let pretty = serde_json::to_string_pretty(
        &serde_json::from_str::<Value>(&Message::new(42, CLUSTER, "pretty").to_string()).unwrap(),
    );
    assert_eq!(counts(&send(&server, &token, JSON, pretty.unwrap())), [1, 0, 0, 0]);

    let many: Vec<_> =
        (0..1203).map(|number| Message::new(42, OTHER_CLUSTER, &format!("r{number}"))).collect();
    assert_eq!(counts(&send(&server, &token, NDJSON, lines(&many))), [1203, 0, 0, 0]);
    let list = server.get(&requests(OTHER_CLUSTER)).bearer(&token).send().json();
    assert_eq!(list["requests"].as_array().unwrap().len(), 1203);

    let zipped = server
        .post(&format!("/api/insights-results-aggregator/v2{RESULTS}/"), gzip(lines(&many).as_bytes()))
        .bearer(&token)
        .header("Content-Type", NDJSON)
        .header("Content-Encoding", "gzip")
        .send();
    assert_eq!(counts(&zipped), [1203, 0, 0, 0], "the same again, compressed, elsewhere: no harm");
    assert_eq!(counts(&send(&server, &token, NDJSON, "")), [0, 0, 0, 0]);
    assert_eq!(counts(&send(&server, &token, NDJSON, " \r\n\n")), [0, 0, 0, 0]);
}

fn every_message_has_an_outcome_of_its_own(database: TestDatabase) {
    let server = TestServer::start(database);
    let token = writer(&server, 42);
    let body = format!(
        "{}\n\n{}\r\n{{\n{}\n{}\n{} {}\n{}\n{}",
        Message::new(42, CLUSTER, "good"),
        Message::new(42, CLUSTER, "empty").empty(),
        Message::new(42, CLUSTER, "unused").with("RequestId", Value::Null),
        Message::new(42, CLUSTER, "unused").with("OrgID", json!("42")),
        Message::new(42, CLUSTER, "two"),
        Message::new(42, CLUSTER, "documents"),
        Message::new(42, CLUSTER, "odd-id"),
        Message::new(42, CLUSTER, "last"),
    );
    let answer = send(&server, &token, NDJSON, body);
    assert_eq!(counts(&answer), [2, 1, 2, 3]);
    let refusal = |record: u64, outcome: &str, reason: &str| json!({"record": record, "outcome": outcome, "reason": reason});
    let refusals = answer.json()["refusals"].clone();
    assert_eq!(refusals[0], refusal(2, "failed", "the report is empty"));
    assert!(refusals[1]["reason"].as_str().unwrap().starts_with("the message is not one JSON document"));
    assert_eq!(refusals[2], refusal(4, "skipped", "the message has no request ID"));
    assert_eq!((&refusals[3]["record"], &refusals[3]["outcome"]), (&json!(5), &json!("rejected")));
    assert!(refusals[4]["reason"].as_str().unwrap().starts_with("the message is not one JSON document"));
    assert_eq!(refusals[5]["outcome"], "skipped");
    assert_eq!(refusals.as_array().unwrap().len(), 6);
    assert_eq!(state(&server, "good"), "processed");
    assert_eq!(state(&server, "empty"), "failed");
    assert_eq!(state(&server, "last"), "processed");

    for body in ["", " ", "[]", "{} {}", "nonsense"] {
        assert_eq!(counts(&send(&server, &token, JSON, body)), [0, 0, 0, 1], "{body:?}");
    }
    let two = lines(&[Message::new(42, CLUSTER, "a"), Message::new(42, CLUSTER, "b")]);
    assert_eq!(counts(&send(&server, &token, JSON, two)), [0, 0, 0, 1], "one document is one message");
}

fn a_hundred_refusals_are_listed(database: TestDatabase) {
    let server = TestServer::start(database);
    let answer = send(&server, &writer(&server, 42), NDJSON, "{}\n".repeat(150));
    assert_eq!(counts(&answer), [0, 0, 0, 150]);
    let refusals = answer.json()["refusals"].as_array().unwrap().clone();
    assert_eq!((refusals.len(), &refusals[99]["record"]), (100, &json!(100)));
}

fn nobody_writes_for_others(database: TestDatabase) {
    let server = TestServer::start(database);
    let own = Message::new(42, CLUSTER, "own");
    let foreign = Message::new(7, CLUSTER, "foreign");
    let both = lines(&[foreign.clone(), own.clone(), foreign.clone().empty()]);
    let answer = send(&server, &writer(&server, 42), NDJSON, both.clone());
    assert_eq!(counts(&answer), [1, 0, 0, 2]);
    assert_eq!(
        answer.json()["refusals"][0],
        json!({"record": 1, "outcome": "rejected", "reason": "the sender may not write for this organization"})
    );
    let seen = server.get(&requests(CLUSTER)).bearer(&server.token(7)).send();
    assert_eq!(seen.status, 404, "the other organization does not even know the cluster");

    let mut request = TestServer::token_request(42);
    request.scopes = vec![Scope::Write];
    request.cluster = Some(OTHER_CLUSTER.parse().unwrap());
    let bound = server.mint(&request);
    let mixed = lines(&[own.clone(), Message::new(42, OTHER_CLUSTER, "bound")]);
    let answer = send(&server, &bound, NDJSON, mixed);
    assert_eq!(counts(&answer), [1, 0, 0, 1]);
    assert_eq!(answer.json()["refusals"][0]["reason"], "the sender may not write for this cluster");

    let any = token(&server, 1, &[Scope::WriteAny]);
    assert_eq!(counts(&send(&server, &any, NDJSON, both)), [2, 1, 0, 0]);
    assert_eq!(server.get(&status(CLUSTER, "foreign")).bearer(&server.token(7)).send().status, 200);

    let reader = send(&server, &server.token(42), JSON, own.to_string());
    assert_eq!(
        (reader.status, reader.sentence().as_str()),
        (403, "Forbidden: the caller lacks the scope 'write'")
    );
    let nobody = server.post(RESULTS, own.to_string()).header("Content-Type", JSON).send();
    assert_eq!((nobody.status, nobody.headers.contains_key("www-authenticate")), (401, true));
}

fn announcement(organization: &str, cluster: &str, request: &str) -> Value {
    let identity = json!({"identity": {
        "type": "System", "internal": {"org_id": organization}, "system": {"cluster_id": cluster}
    }});
    json!({
        "service": "openshift", "request_id": request, "url": "https://bucket.example/x", "size": 1,
        "timestamp": "2026-03-01T12:00:00.5Z",
        "b64_identity": base64::engine::general_purpose::STANDARD.encode(identity.to_string())
    })
}

fn announcements_are_received_until_their_result_is_there(database: TestDatabase) {
    let server = TestServer::start(database);
    let token = writer(&server, 42);
    let announce =
        |body: String| server.post(ANNOUNCEMENTS, body).bearer(&token).header("Content-Type", NDJSON).send();
    let other_service = json!({"service": "other", "request_id": "a"});
    let body = format!(
        "{}\n{}\n{}\n{{}}\n",
        announcement("42", CLUSTER, "a"),
        announcement("7", CLUSTER, "b"),
        other_service
    );
    let answer = announce(body);
    assert_eq!(counts(&answer), [1, 0, 1, 2]);
    assert_eq!(state(&server, "a"), "received");
    let list = server.get(&requests(CLUSTER)).bearer(&token).send().json();
    assert_eq!(list["requests"][0]["received"], "2026-03-01T12:00:00.5Z");

    counts(&send(&server, &token, JSON, Message::new(42, CLUSTER, "a").to_string()));
    assert_eq!(state(&server, "a"), "processed");
    assert_eq!(counts(&announce(announcement("42", CLUSTER, "a").to_string())), [1, 0, 0, 0]);
    assert_eq!(state(&server, "a"), "processed", "a late announcement changes nothing");
}

fn messages_of_one_body_are_taken_in_order(database: TestDatabase) {
    let server = TestServer::builder(database).set("report.unknown_content=include").start();
    let token = writer(&server, 42);
    // Across the steps that a large body is recorded in, and within one.
    let versions: Vec<_> =
        (0..1300).map(|version| Message::new(42, CLUSTER, "r").hit(&format!("m|V{version}"))).collect();
    assert_eq!(counts(&send(&server, &token, NDJSON, lines(&versions))), [1300, 0, 0, 0]);
    let found = server.get(&report(CLUSTER, "r")).bearer(&token).send().json();
    assert_eq!(found["report"][0]["error_key"], "V1299");
    assert_eq!(found["report"].as_array().unwrap().len(), 1);
}

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
    server.database().execute("ALTER TABLE requests RENAME TO elsewhere");
    let message = Message::new(42, CLUSTER, "r").to_string();
    let answer = send(&server, &token, JSON, message.clone());
    assert_eq!((answer.status, answer.header("retry-after")), (503, "1"));
    assert_eq!(answer.sentence(), "The storage cannot answer at the moment, please try again");
    assert_eq!(
        counts(&send(&server, &token, NDJSON, "{}\n")),
        [0, 0, 0, 1],
        "nothing to record, nothing needed"
    );
    server.database().execute("ALTER TABLE elsewhere RENAME TO requests");
    assert_eq!(counts(&send(&server, &token, JSON, message)), [1, 0, 0, 0]);
}

fn ingestion_can_be_switched_off(database: TestDatabase) {
    let server = TestServer::builder(database).set("ingest.http.enabled=false").start();
    let answer = send(&server, &writer(&server, 42), JSON, "{}");
    assert_eq!((answer.status, answer.sentence().as_str()), (404, "No endpoint has this path"));
    let document = server.get("/openapi.json").send().json();
    assert!(document["paths"].as_object().unwrap().keys().all(|path| !path.starts_with("/ingest")));
}

fn many_senders_at_once(database: TestDatabase) {
    let server = TestServer::start(database);
    let token = writer(&server, 42);
    std::thread::scope(|scope| {
        for sender in 0..8 {
            let (server, token) = (&server, &token);
            scope.spawn(move || {
                for number in 0..10 {
                    let ids = [format!("s{sender}n{number}a"), format!("s{sender}n{number}b")];
                    let body = lines(&ids.map(|id| Message::new(42, CLUSTER, &id)));
                    assert_eq!(counts(&send(server, token, NDJSON, body)), [2, 0, 0, 0]);
                }
            });
        }
    });
    let list = server.get(&requests(CLUSTER)).bearer(&token).send().json();
    assert_eq!(list["requests"].as_array().unwrap().len(), 160);
}

fn messages_are_counted(database: TestDatabase) {
    let server = TestServer::start(database);
    let body = format!("{}\n{{}}\n", Message::new(42, CLUSTER, "r"));
    send(&server, &writer(&server, 42), NDJSON, body);
    let text = server.admin("/metrics").send().body;
    for sample in [
        "gathering_records_total{outcome=\"stored\",source=\"http\"} 1",
        "gathering_records_total{outcome=\"rejected\",source=\"http\"} 1",
        "gathering_records_total{outcome=\"rejected\",source=\"kafka\"} 0",
        "gathering_writer_events_total 1",
        "gathering_writer_batches_total 1",
        "gathering_writer_events_waiting 0",
        "gathering_http_requests_total{endpoint=\"/ingest/results\",method=\"POST\",status=\"200\"} 1",
    ] {
        assert!(text.lines().any(|line| line == sample), "{sample}: {text}");
    }
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
