//! Every cell of the table of what is unknown, improper or expired.

use gathering_tests::{Answer, CLUSTER, Message, OTHER_CLUSTER, TestDatabase, TestServer};
use serde_json::json;

use crate::fixture::{CLUSTER_NOT_FOUND, REQUEST_NOT_FOUND, UNKNOWN_CLUSTER, report, requests, status};
use crate::on_both;

on_both!(
    a_cluster_id_that_is_none,
    a_request_id_that_is_none,
    a_cluster_that_was_never_recorded,
    a_request_that_was_never_recorded,
    bodies_that_are_no_list_of_request_ids,
    bodies_and_lists_that_are_too_long,
    parameters_come_before_scope_and_token_before_parameters,
);

/// The four endpoints with one cluster and request: status, GET list, POST list, report.
fn all_four(server: &TestServer, token: &str, cluster: &str, request: &str) -> [Answer; 4] {
    [
        server.get(&status(cluster, request)),
        server.get(&requests(cluster)),
        server.post(&requests(cluster), json!([request]).to_string()),
        server.get(&report(cluster, request)),
    ]
    .map(|call| call.bearer(token).send())
}

fn a_cluster_id_that_is_none(database: TestDatabase) {
    let server = TestServer::start(database);
    let token = server.token(42);
    let simple = CLUSTER.replace('-', "");
    let braced = format!("%7B{CLUSTER}%7D");
    for cluster in
        ["aaaa", &simple, &braced, "urn:uuid:5d5892d3-1f74-4ccf-91af-548dfc9767aa", "%20", "caf%C3%A9", "%FF"]
    {
        for answer in all_four(&server, &token, cluster, "r") {
            assert_eq!(answer.status, 400, "{cluster}");
            let sentence = answer.sentence();
            assert!(sentence.starts_with("Parameter 'clusterID' with value '"), "{sentence}");
        }
    }
    let [answer, ..] = all_four(&server, &token, "aaaa", "r");
    assert!(answer.sentence().starts_with("Parameter 'clusterID' with value 'aaaa' is not valid: "));
}

fn a_request_id_that_is_none(database: TestDatabase) {
    let server = TestServer::start(database);
    let token = server.token(42);
    let (longest, too_long) = ("x".repeat(128), "x".repeat(129));
    for (in_path, as_text) in
        [("-ab", "-ab"), ("a_b", "a_b"), ("a%20b", "a b"), ("caf%C3%A9", "caf\u{e9}"), (&too_long, &too_long)]
    {
        for path in [status, report] {
            let answer = server.get(&path(CLUSTER, in_path)).bearer(&token).send();
            let start = format!("Parameter 'requestID' with value '{as_text}' is not valid: ");
            assert!(answer.status == 400 && answer.sentence().starts_with(&start), "{answer:?}");
        }
        let answer = server.post(&requests(CLUSTER), json!(["a", as_text]).to_string()).bearer(&token).send();
        assert!(answer.status == 400 && answer.sentence().starts_with("Parameter 'requestID'"), "{answer:?}");
    }
    assert_eq!(server.get(&status(CLUSTER, &longest)).bearer(&token).send().status, 404);
}

fn a_cluster_that_was_never_recorded(database: TestDatabase) {
    let server = TestServer::start(database);
    server.import(&[Message::new(42, OTHER_CLUSTER, "r")]);
    let [status, list, select, report] = all_four(&server, &server.token(42), UNKNOWN_CLUSTER, "r");
    assert_eq!((status.status, status.sentence().as_str()), (404, REQUEST_NOT_FOUND));
    assert_eq!((list.status, list.sentence().as_str()), (404, CLUSTER_NOT_FOUND));
    assert_eq!((select.status, &select.json()["requests"][0]["valid"]), (200, &json!(false)));
    assert_eq!((report.status, report.sentence().as_str()), (404, REQUEST_NOT_FOUND));
}

fn a_request_that_was_never_recorded(database: TestDatabase) {
    let server = TestServer::start(database);
    server.import(&[Message::new(42, CLUSTER, "known")]);
    let [status, list, select, report] = all_four(&server, &server.token(42), CLUSTER, "unknown");
    assert_eq!((status.status, status.sentence().as_str()), (404, REQUEST_NOT_FOUND));
    assert_eq!((list.status, list.json()["requests"].as_array().map(Vec::len)), (200, Some(1)));
    assert_eq!((select.status, &select.json()["requests"][0]["valid"]), (200, &json!(false)));
    assert_eq!((report.status, report.sentence().as_str()), (404, REQUEST_NOT_FOUND));
}

fn bodies_that_are_no_list_of_request_ids(database: TestDatabase) {
    let server = TestServer::start(database);
    let token = server.token(42);
    for body in [
        "",
        " ",
        "x",
        "{}",
        "null",
        "\"a\"",
        "[1]",
        "[null]",
        "[\"a\"] []",
        "[\"a\"",
        "[[\"a\"]]",
        "\u{feff}[]",
    ] {
        let answer = server.post(&requests(CLUSTER), body).bearer(&token).send();
        assert_eq!(answer.status, 400, "{body}");
        assert!(answer.sentence().starts_with("The request body is not valid: "), "{body}");
    }
    let not_utf8 = server.post(&requests(CLUSTER), b"[\"\xff\"]".to_vec()).bearer(&token).send();
    assert_eq!(not_utf8.status, 400);
    let none_at_all = server.call("POST", &requests(CLUSTER)).bearer(&token).send();
    assert_eq!(none_at_all.status, 400);
}

fn bodies_and_lists_that_are_too_long(database: TestDatabase) {
    let server = TestServer::builder(database).set("http.max_request_ids=3").set("http.max_body=100").start();
    let token = server.token(42);
    let post = |body: String| server.post(&requests(CLUSTER), body).bearer(&token).send();
    assert_eq!(post(json!(["a", "b", "c"]).to_string()).status, 200);
    let too_many = post(json!(["a", "b", "c", "d"]).to_string());
    assert!(
        too_many.status == 400 && too_many.sentence().contains("4 request IDs and at most 3"),
        "{too_many:?}"
    );
    let fits = format!("[\"a\"]{}", " ".repeat(95));
    assert_eq!((fits.len(), post(fits).status), (100, 200));
    let too_long = post(format!("[\"a\"]{}", " ".repeat(96)));
    assert_eq!(
        (too_long.status, too_long.sentence().as_str()),
        (413, "The request body is larger than 100 bytes")
    );
}

fn parameters_come_before_scope_and_token_before_parameters(database: TestDatabase) {
    let server = TestServer::start(database);
    for answer in
        [server.get(&status("aaaa", "-b")).send(), server.post(&requests("aaaa"), "nonsense").send()]
    {
        assert_eq!(answer.status, 401);
    }
    let without_scope = crate::callers::token(&server, |token| token.scopes.clear());
    for answer in all_four(&server, &without_scope, "aaaa", "r") {
        assert_eq!(answer.status, 400);
    }
    let answer = server.post(&requests(CLUSTER), "nonsense").bearer(&without_scope).send();
    assert_eq!(answer.status, 400);
}
