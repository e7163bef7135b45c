//! Paths, methods, headers: what every endpoint has in common.

use std::io::{Read, Write};
use std::net::TcpStream;

use gathering_tests::{CLUSTER, Message, TestDatabase, TestServer};
use serde_json::json;

use crate::fixture::{report, requests, status};
use crate::on_both;

on_both!(
    every_base_path_with_and_without_a_slash_at_the_end,
    other_base_paths_can_be_set,
    head_is_get_without_a_body,
    options_and_other_methods_tell_what_is_allowed,
    unknown_paths_are_404,
    query_parameters_are_ignored,
    every_answer_has_a_request_id,
    problem_documents_for_those_who_ask,
    the_admin_address_is_apart,
    a_chunked_body_is_a_body,
);

const PRODUCTION: &str = "/api/insights-results-aggregator/v2";

fn every_base_path_with_and_without_a_slash_at_the_end(database: TestDatabase) {
    let server = TestServer::start(database);
    server.import(&[Message::new(42, CLUSTER, "r")]);
    let token = server.token(42);
    for base in ["", PRODUCTION] {
        for slash in ["", "/"] {
            for path in [status(CLUSTER, "r"), report(CLUSTER, "r"), requests(CLUSTER)] {
                let answer = server.get(&format!("{base}{path}{slash}")).bearer(&token).send();
                assert_eq!(answer.status, 200, "{base}{path}{slash}");
            }
            let list = format!("{base}{}{slash}", requests(CLUSTER));
            assert_eq!(server.post(&list, "[\"r\"]").bearer(&token).send().status, 200, "{list}");
            assert_eq!(server.get(&format!("{base}/openapi.json{slash}")).send().status, 200);
        }
    }
}

fn other_base_paths_can_be_set(database: TestDatabase) {
    let server = TestServer::builder(database).set("http.base_paths=[\"/mine/v1/\"]").start();
    server.import(&[Message::new(42, CLUSTER, "r")]);
    let token = server.token(42);
    let ask = |path: String| server.get(&path).bearer(&token).send().status;
    assert_eq!(ask(format!("/mine/v1{}", status(CLUSTER, "r"))), 200);
    assert_eq!(ask(status(CLUSTER, "r")), 404);
    let document = server.get("/mine/v1/openapi.json").send().json();
    assert_eq!(document["servers"], json!([{"url": "."}]), "where the document is");
}

fn head_is_get_without_a_body(database: TestDatabase) {
    let server = TestServer::start(database);
    server.import(&[Message::new(42, CLUSTER, "r")]);
    let token = server.token(42);
    for path in [
        status(CLUSTER, "r"),
        report(CLUSTER, "r"),
        requests(CLUSTER),
        "/openapi.json".to_owned(),
        "/info".to_owned(),
    ] {
        let get = server.get(&path).bearer(&token).send();
        let head = server.call("HEAD", &path).bearer(&token).send();
        assert_eq!((head.status, head.body.as_str()), (200, ""));
        for name in ["content-type", "content-length"] {
            assert_eq!(head.header(name), get.header(name), "{path}");
        }
    }
    assert_eq!(server.call("HEAD", &status(CLUSTER, "nope")).bearer(&token).send().status, 404);
    assert_eq!(server.call("HEAD", &status(CLUSTER, "r")).send().status, 401);
}

fn options_and_other_methods_tell_what_is_allowed(database: TestDatabase) {
    let server = TestServer::start(database);
    for (path, allow) in [
        (status(CLUSTER, "r"), "GET, HEAD, OPTIONS"),
        (report(CLUSTER, "r"), "GET, HEAD, OPTIONS"),
        (requests(CLUSTER), "GET, HEAD, POST, OPTIONS"),
        (format!("{PRODUCTION}{}/", requests(CLUSTER)), "GET, HEAD, POST, OPTIONS"),
        ("/openapi.json".to_owned(), "GET, HEAD, OPTIONS"),
        ("/info".to_owned(), "GET, HEAD, OPTIONS"),
    ] {
        let options = server.call("OPTIONS", &path).send();
        assert_eq!((options.status, options.header("allow")), (204, allow), "{path}");
        for method in ["PUT", "DELETE", "PATCH", "BREW"] {
            let answer = server.call(method, &path).send();
            assert_eq!((answer.status, answer.header("allow")), (405, allow), "{method} {path}");
            assert!(answer.sentence().ends_with(allow));
        }
    }
    assert_eq!(server.post(&status(CLUSTER, "r"), "[]").send().status, 405);
}

fn unknown_paths_are_404(database: TestDatabase) {
    let server = TestServer::start(database);
    let twice = format!("{}/", requests(CLUSTER) + "/");
    let empty = status(CLUSTER, "");
    for path in ["/nope", "/cluster", PRODUCTION, &twice, &empty, "/metrics", "/livez", "/readyz"] {
        for method in ["GET", "POST", "OPTIONS"] {
            let answer = server.call(method, path).send();
            assert_eq!(
                (answer.status, answer.sentence().as_str()),
                (404, "No endpoint has this path"),
                "{path}"
            );
        }
    }
}

fn query_parameters_are_ignored(database: TestDatabase) {
    let server = TestServer::start(database);
    server.import(&[Message::new(42, CLUSTER, "r")]);
    let path = format!("{}?org_id=7&x=%FF&status", status(CLUSTER, "r"));
    assert_eq!(server.get(&path).bearer(&server.token(42)).send().status, 200);
}

fn every_answer_has_a_request_id(database: TestDatabase) {
    const HEADER: &str = "x-rh-insights-request-id";
    let server = TestServer::start(database);
    server.import(&[Message::new(42, CLUSTER, "r")]);
    let token = server.token(42);
    for call in [
        server.get(&status(CLUSTER, "r")).bearer(&token),
        server.get(&status(CLUSTER, "nope")).bearer(&token),
        server.get(&status(CLUSTER, "r")),
        server.get("/nope"),
        server.get("/openapi.json"),
        server.call("OPTIONS", &requests(CLUSTER)),
        server.call("DELETE", &requests(CLUSTER)),
    ] {
        let echoed = call.clone().header(HEADER, "Abc-123_x").send();
        assert_eq!(echoed.header(HEADER), "Abc-123_x");
        for unusable in ["", "a b", "a/b", &"x".repeat(129)] {
            let fresh = call.clone().header(HEADER, unusable).send().header(HEADER).to_owned();
            assert!(fresh.len() == 32 && fresh.bytes().all(|byte| byte.is_ascii_hexdigit()), "{fresh}");
        }
        assert_ne!(call.clone().send().header(HEADER), call.send().header(HEADER));
    }
}

fn problem_documents_for_those_who_ask(database: TestDatabase) {
    let server = TestServer::start(database);
    let call = |path: &str| server.get(path).header("Accept", "application/json, application/problem+json");
    let answer = call(&status(CLUSTER, "r")).bearer(&server.token(42)).send();
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (404, "application/problem+json; charset=utf-8")
    );
    let detail = "Request ID not found for given org_id and cluster_id";
    let expected = json!({"type": "about:blank", "title": "Not Found", "status": 404, "detail": detail});
    assert_eq!(answer.json(), expected);
    let unauthorized = call(&status(CLUSTER, "r")).send();
    assert_eq!((unauthorized.status, &unauthorized.json()["status"]), (401, &json!(401)));
    assert!(unauthorized.header("www-authenticate").starts_with("Bearer"));
    assert_eq!(call("/nope").send().header("content-type"), "application/problem+json; charset=utf-8");
}

fn the_admin_address_is_apart(database: TestDatabase) {
    let server = TestServer::start(database);
    for path in ["/livez", "/readyz", "/metrics"] {
        assert_eq!(server.admin(path).send().status, 200, "{path}");
        assert_eq!(server.admin(path).method("HEAD").send().status, 200, "{path}");
        let post = server.admin(path).method("POST").send();
        assert_eq!((post.status, post.header("allow")), (405, "GET, HEAD"), "{path}");
    }
    assert_eq!(server.admin(&requests(CLUSTER)).bearer(&server.token(42)).send().status, 404);
}

fn a_chunked_body_is_a_body(database: TestDatabase) {
    let server = TestServer::start(database);
    let mut stream = TcpStream::connect(server.address()).unwrap();
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
        requests(CLUSTER),
        server.token(42)
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(b"3\r\n[\"a\r\n3\r\nb\"]\r\n0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("\"requestID\":\"ab\""), "{answer}");
}
