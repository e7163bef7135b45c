//! What the four endpoints answer when everything is in order.

use gathering_tests::{CLUSTER, Message, OTHER_CLUSTER, TestDatabase, TestServer};
use serde_json::json;

use crate::fixture::{REQUEST_NOT_FOUND, UNKNOWN_CLUSTER, report, requests, status};
use crate::on_both;

/// A day after the time of the server.
const EXPIRES: &str = "2026-03-02T13:00:00Z";

on_both!(
    status_tells_the_state,
    the_list_is_newest_first,
    a_selection_keeps_order_and_duplicates,
    report_of_a_request_that_is_not_processed_is_empty,
    later_events_obey_the_table,
    pending_requests_can_be_hidden,
    old_operators_alone_are_not_told_of_requests_without_a_result,
    answers_that_the_client_has_are_not_sent_again,
    the_cluster_is_answered_in_lower_case,
);

fn status_tells_the_state(database: TestDatabase) {
    let server = TestServer::start(database);
    server.announce(42, CLUSTER, "announced");
    server.import(&[Message::new(42, CLUSTER, "done"), Message::new(42, CLUSTER, "broken").failed()]);
    let token = server.token(42);
    for (request, state) in [("announced", "received"), ("done", "processed"), ("broken", "failed")] {
        let answer = server.get(&status(CLUSTER, request)).bearer(&token).send();
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), "application/json; charset=utf-8");
        let mut expected = json!({"cluster": CLUSTER, "requestID": request, "status": state});
        if state == "failed" {
            expected["reason"] = json!("the report is empty");
        }
        assert_eq!(answer.json(), expected);
    }
}

fn the_list_is_newest_first(database: TestDatabase) {
    let server = TestServer::start(database);
    server.import(&[
        Message::new(42, CLUSTER, "b").gathered("2026-03-01T10:00:00Z"),
        Message::new(42, CLUSTER, "old").gathered("2026-03-01T09:00:00+02:00"),
        Message::new(42, CLUSTER, "a").gathered("2026-03-01T10:00:00Z"),
        Message::new(42, CLUSTER, "new").gathered("2026-03-01T11:00:00.123456789Z"),
        Message::new(42, CLUSTER, "broken").gathered("2026-03-01T08:00:00.500Z").failed(),
        Message::new(42, OTHER_CLUSTER, "elsewhere"),
    ]);
    let answer = server.get(&requests(CLUSTER)).bearer(&server.token(42)).send();
    let entry = |request: &str, received: &str, processed: serde_json::Value| json!({"requestID": request, "valid": true, "received": received, "processed": processed, "status": if processed.is_null() { "failed" } else { "processed" }, "expires": EXPIRES});
    let now = || json!("2026-03-01T13:00:00Z");
    assert_eq!(
        answer.json(),
        json!({
            "cluster": CLUSTER,
            "requests": [
                entry("new", "2026-03-01T11:00:00.123456Z", now()),
                entry("a", "2026-03-01T10:00:00Z", now()),
                entry("b", "2026-03-01T10:00:00Z", now()),
                entry("broken", "2026-03-01T08:00:00.5Z", json!(null)),
                entry("old", "2026-03-01T07:00:00Z", now()),
            ],
            "status": "ok"
        })
    );
}

fn a_selection_keeps_order_and_duplicates(database: TestDatabase) {
    let server = TestServer::start(database);
    server.import(&[Message::new(42, CLUSTER, "a"), Message::new(42, CLUSTER, "b")]);
    server.announce(42, CLUSTER, "c");
    let token = server.token(42);
    let select = |cluster: &str, body: &str| {
        let answer =
            server.post(&requests(cluster), body).header("Content-Type", "text/plain").bearer(&token).send();
        assert_eq!((answer.status, &answer.json()["status"]), (200, &json!("ok")));
        answer.json()["requests"].clone()
    };
    let known = |request: &str| json!({"requestID": request, "valid": true, "received": "2026-03-01T12:00:00Z", "processed": "2026-03-01T13:00:00Z", "status": "processed", "expires": EXPIRES});
    let unknown = |request: &str| json!({"requestID": request, "valid": false, "received": null, "processed": null, "status": null, "expires": null});
    assert_eq!(
        select(CLUSTER, " [\"b\", \"nope\", \"a\", \"b\"] "),
        json!([known("b"), unknown("nope"), known("a"), known("b")])
    );
    assert_eq!(
        select(CLUSTER, "[\"c\"]"),
        json!([{"requestID": "c", "valid": true, "received": "2026-03-01T13:00:00Z", "processed": null, "status": "received", "expires": EXPIRES}])
    );
    assert_eq!(select(CLUSTER, "[]"), json!([]));
    assert_eq!(select(UNKNOWN_CLUSTER, "[\"a\"]"), json!([unknown("a")]));
}

fn report_of_a_request_that_is_not_processed_is_empty(database: TestDatabase) {
    let server = TestServer::start(database);
    server.announce(42, CLUSTER, "announced");
    server.import(&[Message::new(42, CLUSTER, "broken").failed(), Message::new(42, CLUSTER, "healthy")]);
    for (request, state) in [("announced", "received"), ("broken", "failed"), ("healthy", "processed")] {
        let answer = server.get(&report(CLUSTER, request)).bearer(&server.token(42)).send();
        let mut expected = json!({"cluster": CLUSTER, "requestID": request, "status": state, "report": []});
        expected["expires"] = json!(EXPIRES);
        if state == "failed" {
            expected["reason"] = json!("the report is empty");
        }
        assert_eq!((answer.status, answer.json()), (200, expected));
    }
}

fn later_events_obey_the_table(database: TestDatabase) {
    let server = TestServer::start(database);
    let token = server.token(42);
    let state = || server.get(&status(CLUSTER, "r")).bearer(&token).send().json()["status"].clone();
    server.announce(42, CLUSTER, "r");
    assert_eq!(state(), "received");
    server.import(&[Message::new(42, CLUSTER, "r").failed()]);
    assert_eq!(state(), "failed");
    server.announce(42, CLUSTER, "r");
    assert_eq!(state(), "failed");
    server.import(&[Message::new(42, CLUSTER, "r")]);
    assert_eq!(state(), "processed");
    server.import(&[Message::new(42, CLUSTER, "r").failed()]);
    assert_eq!(state(), "processed");
}

fn pending_requests_can_be_hidden(database: TestDatabase) {
    let server = TestServer::builder(database).set("http.pending_status=404").start();
    server.announce(42, CLUSTER, "announced");
    server.import(&[Message::new(42, CLUSTER, "broken").failed(), Message::new(42, CLUSTER, "done")]);
    let token = server.token(42);
    for path in [status, report] {
        for request in ["announced", "broken"] {
            let answer = server.get(&path(CLUSTER, request)).bearer(&token).send();
            assert_eq!((answer.status, answer.sentence().as_str()), (404, REQUEST_NOT_FOUND));
        }
        assert_eq!(server.get(&path(CLUSTER, "done")).bearer(&token).send().status, 200);
    }
}

fn old_operators_alone_are_not_told_of_requests_without_a_result(database: TestDatabase) {
    let server = TestServer::start(database);
    server.announce(42, CLUSTER, "announced");
    server.import(&[Message::new(42, CLUSTER, "broken").failed(), Message::new(42, CLUSTER, "done")]);
    let token = server.token(42);
    for (agent, expected) in [
        ("insights-operator/4.20.3-abc cluster/5d5892d3-1f74-4ccf-91af-548dfc9767aa", 404),
        ("insights-operator/4.21.0-abc cluster/5d5892d3-1f74-4ccf-91af-548dfc9767aa", 200),
        ("curl/8", 200),
    ] {
        for path in [status, report] {
            let status_of = |request| {
                server.get(&path(CLUSTER, request)).header("User-Agent", agent).bearer(&token).send().status
            };
            assert_eq!(["announced", "broken", "done"].map(status_of), [expected, 200, 200], "{agent}");
        }
    }
}

fn answers_that_the_client_has_are_not_sent_again(database: TestDatabase) {
    let server = TestServer::start(database);
    server.announce(42, CLUSTER, "r");
    let token = server.token(42);
    let path = report(CLUSTER, "r");
    let failed = Message::new(42, CLUSTER, "r").failed();
    for (path, change) in [(path, failed), (requests(CLUSTER), Message::new(42, CLUSTER, "r"))] {
        let call = |method| server.call(method, &path).bearer(&token);
        let first = call("GET").send();
        let tag = first.header("etag").to_owned();
        assert!(tag.len() == 34 && tag.starts_with('"') && tag.ends_with('"'), "{tag}");
        assert_eq!(first.header("cache-control"), "private, no-cache");
        for method in ["GET", "HEAD"] {
            for known in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()] {
                let answer = call(method).header("If-None-Match", &known).send();
                assert_eq!((answer.status, answer.body.as_str()), (304, ""), "{method} {known}");
                assert_eq!((answer.header("etag"), answer.header("content-type")), (tag.as_str(), ""));
            }
            for other in ["\"other\"", "", "nonsense", tag.trim_matches('"')] {
                let answer = call(method).header("If-None-Match", other).send();
                assert_eq!((answer.status, answer.header("etag")), (200, tag.as_str()), "{method} {other}");
            }
        }
        server.import(&[change]);
        let answer = call("GET").header("If-None-Match", &tag).send();
        assert_eq!(answer.status, 200, "it has changed");
        assert_ne!(answer.header("etag"), tag);
    }
    let selected =
        server.post(&requests(CLUSTER), "[\"r\"]").header("If-None-Match", "*").bearer(&token).send();
    assert_eq!((selected.status, selected.header("etag")), (200, ""));
}

fn the_cluster_is_answered_in_lower_case(database: TestDatabase) {
    let server = TestServer::start(database);
    let spelled = format!("{{{}}}", CLUSTER.to_uppercase());
    server.import(&[Message::new(42, &spelled, "r")]);
    let answer = server.get(&status(&CLUSTER.to_uppercase(), "r")).bearer(&server.token(42)).send();
    assert_eq!((answer.status, &answer.json()["cluster"]), (200, &json!(CLUSTER)));
}
