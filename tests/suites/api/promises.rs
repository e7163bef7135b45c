//! Every answer is one that the OpenAPI document has: its status, the type of its body, and its headers.

use std::collections::BTreeSet;
use std::time::Duration;

use gathering_tests::{
    Answer, CLUSTER, Call, Message, OTHER_CLUSTER, Scope, TestDatabase, TestServer, TokenRequest,
};
use serde_json::Value;

/// Headers that any answer over HTTP may have, and those that keep browsers from doing anything with one.
const GENERAL: [&str; 12] = [
    "cache-control",
    "connection",
    "content-length",
    "content-security-policy",
    "cross-origin-opener-policy",
    "content-type",
    "cross-origin-resource-policy",
    "date",
    "referrer-policy",
    "transfer-encoding",
    "vary",
    "x-content-type-options",
];

const STATUS: &str = "/cluster/{clusterID}/request/{requestID}/status";
const REPORT: &str = "/cluster/{clusterID}/request/{requestID}/report";
const REQUESTS: &str = "/cluster/{clusterID}/requests";
const RESULTS: &str = "/ingest/results";
const ANNOUNCEMENTS: &str = "/ingest/announcements";

struct Fixture {
    server: TestServer,
    document: Value,
    reader: String,
    writer: String,
}

impl Fixture {
    fn new() -> Self {
        let server = TestServer::builder(TestDatabase::sqlite())
            .set("http.max_body=2000")
            .set("http.max_request_ids=3")
            .set("ingest.http.max_body=2000")
            .content(&[("rules.disk|FULL", "A disk is nearly full.", 4)])
            .start();
        server.import(&[
            Message::new(42, CLUSTER, "done").hit("rules.disk|FULL"),
            Message::new(42, CLUSTER, "bad").failed(),
        ]);
        server.announce(42, CLUSTER, "waits");
        let document = server.get("/openapi.json").send().json();
        let writer =
            server.mint(&TokenRequest { scopes: vec![Scope::Write], ..TestServer::token_request(42) });
        Self { document, reader: server.token(42), writer, server }
    }

    fn call(&self, method: &str, template: &str, request: &str) -> Call {
        let path = template.replace("{clusterID}", CLUSTER).replace("{requestID}", request);
        self.server.call(method, &path)
    }

    fn read(&self, template: &str, request: &str) -> Call {
        self.call("GET", template, request).bearer(&self.reader)
    }

    fn select(&self, body: impl Into<Vec<u8>>) -> Call {
        self.call("POST", REQUESTS, "").bearer(&self.reader).body(body)
    }

    fn ingest(&self, template: &str, kind: &str, body: impl Into<Vec<u8>>) -> Call {
        self.call("POST", template, "").bearer(&self.writer).header("Content-Type", kind).body(body)
    }

    /// Sends the call, and compares the answer with what the document has for the method.
    #[track_caller]
    fn is_promised(&self, method: &str, template: &str, expected: u16, call: Call) -> Answer {
        let answer = call.send();
        assert_eq!(answer.status, expected, "{method} {template}: {}", answer.body);
        let promised = &self.document["paths"][template][method]["responses"][expected.to_string()];
        assert!(promised.is_object(), "{method} {template} has no {expected}");
        let names = |object: &Value| -> BTreeSet<String> {
            object
                .as_object()
                .into_iter()
                .flat_map(|object| object.keys().map(|name| name.to_lowercase()))
                .collect()
        };
        let headers = names(&promised["headers"]);
        for (name, _) in &answer.headers {
            let name = name.as_str();
            let is_known = GENERAL.contains(&name) || headers.contains(name);
            assert!(is_known, "{method} {template} {expected} has no header {name}");
        }
        let types = names(&promised["content"]);
        let kind = answer.header("content-type").split(';').next().unwrap().to_owned();
        assert!(
            types.contains(&kind) || (types.is_empty() && kind.is_empty()),
            "{method} {template} {expected}: {kind}"
        );
        answer
    }
}

#[test]
fn answers_about_requests_are_as_promised() {
    let fixture = Fixture::new();
    for template in [STATUS, REPORT] {
        for request in ["done", "bad", "waits"] {
            fixture.is_promised("get", template, 200, fixture.read(template, request));
            let waiting = fixture.read(template, request).header("Prefer", "wait=0, respond-async");
            fixture.is_promised("get", template, 200, waiting);
        }
        fixture.is_promised("get", template, 404, fixture.read(template, "never"));
        fixture.is_promised("get", template, 404, fixture.read(template, "never").header("Prefer", "wait=0"));
        fixture.is_promised("get", template, 400, fixture.read(template, "not_an_id"));
        fixture.is_promised("get", template, 400, fixture.read(template, &"x".repeat(129)));
        let operator = "insights-operator/one-off cluster/x version/4.19.0 fleet";
        fixture.is_promised(
            "get",
            template,
            200,
            fixture.read(template, "done").header("User-Agent", operator),
        );
    }
    fixture.is_promised("get", REPORT, 200, fixture.read(REPORT, "done").header("Accept", "text/html"));
    fixture.is_promised("get", REQUESTS, 200, fixture.read(REQUESTS, ""));
    fixture.is_promised("post", REQUESTS, 200, fixture.select("[\"done\", \"never\"]"));
    fixture.is_promised("post", REQUESTS, 200, fixture.select("[]"));
    fixture.is_promised("get", "/info", 200, fixture.call("GET", "/info", ""));
    for (template, request) in [(REPORT, "done"), (REQUESTS, "")] {
        let tag = fixture.read(template, request).send().header("etag").to_owned();
        for known in [tag.as_str(), "*", "W/\"x\", *"] {
            let again = fixture.read(template, request).header("If-None-Match", known).send();
            assert!([200, 304].contains(&again.status), "{known}");
        }
        let again = fixture.read(template, request).header("If-None-Match", &tag);
        fixture.is_promised("get", template, 304, again);
    }
}

#[test]
fn answers_to_bodies_are_as_promised() {
    let fixture = Fixture::new();
    for (body, expected) in [
        ("", 400),
        ("null", 400),
        ("[null]", 400),
        ("[\"\"]", 400),
        ("[\"a\",\"b\",\"c\",\"d\"]", 400),
        (&" ".repeat(2001), 413),
    ] {
        fixture.is_promised("post", REQUESTS, expected, fixture.select(body));
    }
    let message = Message::new(42, CLUSTER, "more").to_string();
    for template in [RESULTS, ANNOUNCEMENTS] {
        for kind in [
            "application/json",
            "application/json; charset=utf-8",
            "APPLICATION/JSON",
            "application/x-ndjson",
        ] {
            fixture.is_promised("post", template, 200, fixture.ingest(template, kind, message.as_str()));
        }
        for body in ["", "null", "[]", "{", "\u{feff}{}", "{\"OrgID\": null}"] {
            let call = fixture.ingest(template, "application/json", body);
            let answer = fixture.is_promised("post", template, 200, call);
            assert_eq!(answer.json()["rejected"], 1, "{body}");
        }
        fixture.is_promised("post", template, 415, fixture.ingest(template, "text/plain", message.as_str()));
        let encoded = fixture.ingest(template, "application/json", message.as_str());
        fixture.is_promised("post", template, 415, encoded.header("Content-Encoding", "br"));
        let broken = fixture.ingest(template, "application/json", "no gzip");
        fixture.is_promised("post", template, 400, broken.header("Content-Encoding", "gzip"));
        fixture.is_promised(
            "post",
            template,
            413,
            fixture.ingest(template, "application/json", vec![b' '; 2001]),
        );
        let reader = fixture.call("POST", template, "").bearer(&fixture.reader);
        let reader = reader.header("Content-Type", "application/json").body(message.as_str());
        fixture.is_promised("post", template, 403, reader);
    }
}

#[test]
fn refusals_are_as_promised_in_both_forms() {
    let fixture = Fixture::new();
    let bound =
        TokenRequest { cluster: Some(OTHER_CLUSTER.parse().unwrap()), ..TestServer::token_request(42) };
    let bound = fixture.server.mint(&bound);
    let operations = [
        ("get", STATUS),
        ("get", REPORT),
        ("get", REQUESTS),
        ("post", REQUESTS),
        ("post", RESULTS),
        ("post", ANNOUNCEMENTS),
    ];
    for accept in ["*/*", "application/problem+json", "image/png"] {
        let call = |method: &str, template| {
            let call = fixture.call(&method.to_uppercase(), template, "done").header("Accept", accept);
            if method == "post" { call.header("Content-Type", "application/json").body("[]") } else { call }
        };
        for (method, template) in operations {
            fixture.is_promised(method, template, 401, call(method, template));
            fixture.is_promised(method, template, 401, call(method, template).bearer("x.y.z"));
            if template.starts_with("/cluster") {
                fixture.is_promised(method, template, 403, call(method, template).bearer(&bound));
            }
            for other in ["DELETE", "PUT", "PATCH", "TRACE", "FOO"] {
                let refused = call(method, template).method(other);
                let answer = fixture.is_promised(method, template, 405, refused);
                assert!(answer.header("allow").contains(&method.to_uppercase()), "{method} {template}");
            }
        }
        fixture.is_promised("get", "/info", 405, call("get", "/info").method("DELETE"));
    }
}

#[test]
fn an_outage_is_as_promised() {
    let fixture = Fixture::new();
    // What is known to be processed is answered from memory.
    fixture.server.advance(Duration::from_secs(1));
    let outage = fixture.server.outage();
    let message = Message::new(42, CLUSTER, "more").to_string();
    for (template, request) in [(STATUS, "waits"), (REPORT, "waits"), (REQUESTS, "")] {
        fixture.is_promised("get", template, 503, fixture.read(template, request));
    }
    fixture.is_promised("post", REQUESTS, 503, fixture.select("[\"waits\"]"));
    fixture.is_promised("post", RESULTS, 503, fixture.ingest(RESULTS, "application/json", message));
    drop(outage);
}
