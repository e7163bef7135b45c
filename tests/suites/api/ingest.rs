//! Messages over HTTP: what becomes of each, and who may send which.

mod refused;
mod shares;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};

use base64::Engine;
use gathering_auth::Scope;
use gathering_tests::{
    Answer, CLUSTER, Message, OTHER_CLUSTER, RequestState, TestDatabase, TestServer, gzip,
};
use serde_json::{Value, json};

use crate::fixture::{report, requests, status};
use crate::on_both;

on_both!(
    one_message_or_many,
    every_message_has_an_outcome_of_its_own,
    a_hundred_refusals_are_listed,
    nobody_writes_for_others,
    announcements_are_received_until_their_result_is_there,
    messages_of_one_body_are_taken_in_order,
    many_senders_at_once,
    a_sender_that_gets_no_answer_may_send_all_again,
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

fn a_sender_that_gets_no_answer_may_send_all_again(database: TestDatabase) {
    let server = TestServer::start(database);
    let token = writer(&server, 42);
    let messages: Vec<_> = (0..1200).map(|number| Message::new(42, CLUSTER, &format!("r{number}"))).collect();
    let body = lines(&messages);
    // Some close before anything of it is read, some in the middle, and some perhaps after it is recorded.
    for sent in [body.len() / 2, body.len() - 1, body.len()] {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        let head = format!(
            "POST {RESULTS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: {NDJSON}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(&body.as_bytes()[..sent]).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(sent == body.len() || !answer.starts_with(b"HTTP/1.1 200"), "it was not whole");
    }
    server
        .until(|server| (server.metric("gathering_http_body_bytes{bodies=\"messages\"}") == 0).then_some(()));
    assert_eq!(counts(&send(&server, &token, NDJSON, body)), [1200, 0, 0, 0]);
    let list = server.get(&requests(CLUSTER)).bearer(&token).send().json();
    let listed = list["requests"].as_array().unwrap();
    assert!(!listed.is_empty() && listed.iter().all(|entry| entry["status"] == "processed"));
}

fn one_message_or_many(database: TestDatabase) {
    let server = TestServer::builder(database).set("report.unknown_content=include").start();
    let token = writer(&server, 42);
    let answer = send(&server, &token, JSON, Message::new(42, CLUSTER, "one").hit("m|KEY").to_string());
    assert_eq!(
        answer.json(),
        json!({"stored": 1, "failed": 0, "skipped": 0, "rejected": 0, "refusals": [], "status": "ok"})
    );
    assert_eq!(answer.header("content-type"), "application/json; charset=utf-8");
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
        Message::new(42, CLUSTER, "empty").failed(),
        Message::new(42, CLUSTER, "unused").with("RequestId", Value::Null),
        Message::new(42, CLUSTER, "unused").with("OrgID", json!("42")),
        Message::new(42, CLUSTER, "two"),
        Message::new(42, CLUSTER, "documents"),
        Message::new(42, CLUSTER, "odd_id"),
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
    assert_eq!(server.state(42, CLUSTER, "good"), Some(RequestState::Processed));
    assert_eq!(server.state(42, CLUSTER, "empty"), Some(RequestState::Failed));
    assert_eq!(server.state(42, CLUSTER, "last"), Some(RequestState::Processed));

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
    let both = lines(&[foreign.clone(), own.clone(), foreign.clone().failed()]);
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
    assert_eq!(server.state(42, CLUSTER, "a"), Some(RequestState::Received));
    let list = server.get(&requests(CLUSTER)).bearer(&token).send().json();
    assert_eq!(list["requests"][0]["received"], "2026-03-01T12:00:00.5Z");

    counts(&send(&server, &token, JSON, Message::new(42, CLUSTER, "a").to_string()));
    assert_eq!(server.state(42, CLUSTER, "a"), Some(RequestState::Processed));
    assert_eq!(counts(&announce(announcement("42", CLUSTER, "a").to_string())), [1, 0, 0, 0]);
    assert_eq!(
        server.state(42, CLUSTER, "a"),
        Some(RequestState::Processed),
        "a late announcement changes nothing"
    );
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
        "gathering_records_total{kind=\"result\",outcome=\"stored\",source=\"http\"} 1",
        "gathering_records_total{kind=\"result\",outcome=\"rejected\",source=\"http\"} 1",
        "gathering_records_total{kind=\"result\",outcome=\"rejected\",source=\"kafka\"} 0",
        "gathering_writer_events_total 1",
        "gathering_writer_batches_total 1",
        "gathering_writer_events_waiting 0",
        "gathering_http_requests_total{endpoint=\"/ingest/results\",method=\"POST\",status=\"200\"} 1",
    ] {
        assert!(text.lines().any(|line| line == sample), "{sample}: {text}");
    }
}
