//! Cross-origin calls: none unless configured, and then of the configured origins only.

use gathering_tests::{CLUSTER, Call, Message, TestDatabase, TestServer};

use crate::fixture::requests;
use crate::on_both;

on_both!(no_origin_is_allowed_by_default, configured_origins_are_allowed);

const ORIGIN: &str = "https://console.example.com";
const ALLOW: &str = "access-control-allow-origin";

fn preflight(server: &TestServer, origin: &str) -> Call {
    server
        .call("OPTIONS", &requests(CLUSTER))
        .header("Origin", origin)
        .header("Access-Control-Request-Method", "POST")
        .header("Access-Control-Request-Headers", "authorization, content-type, if-none-match, prefer")
}

fn no_origin_is_allowed_by_default(database: TestDatabase) {
    let server = TestServer::start(database);
    assert_eq!(preflight(&server, ORIGIN).send().header(ALLOW), "");
    let answer = server.get(&requests(CLUSTER)).bearer(&server.token(42)).header("Origin", ORIGIN).send();
    assert_eq!((answer.status, answer.header(ALLOW)), (404, ""));
}

fn configured_origins_are_allowed(database: TestDatabase) {
    let server = TestServer::builder(database).set(&format!("http.cors_origins=[\"{ORIGIN}\"]")).start();
    server.import(&[Message::new(42, CLUSTER, "r")]);
    let answer = preflight(&server, ORIGIN).send();
    assert_eq!((answer.status, answer.header(ALLOW)), (200, ORIGIN));
    let headers = answer.header("access-control-allow-headers").to_lowercase();
    for header in ["authorization", "content-type", "if-none-match", "prefer"] {
        assert!(headers.split(',').any(|allowed| allowed.trim() == header), "{header}: {headers}");
    }
    assert_eq!(answer.header("access-control-allow-credentials"), "");

    let call = || server.get(&requests(CLUSTER)).header("Origin", ORIGIN);
    let answer = call().bearer(&server.token(42)).send();
    assert_eq!((answer.status, answer.header(ALLOW)), (200, ORIGIN));
    let exposed = answer.header("access-control-expose-headers").to_lowercase();
    let mut exposed: Vec<_> = exposed.split(',').map(str::trim).collect();
    exposed.sort_unstable();
    assert_eq!(exposed, ["etag", "preference-applied", "retry-after", "x-rh-insights-request-id"]);
    let refused = call().send();
    assert_eq!((refused.status, refused.header(ALLOW)), (401, ORIGIN), "a page may read why it was refused");

    let other = "https://evil.example.com";
    let refused = preflight(&server, other).send();
    assert_eq!((refused.status, refused.header(ALLOW)), (400, ""));
    assert_eq!(refused.sentence(), "Origin is not allowed to make this request");
    let answer = server.get(&requests(CLUSTER)).header("Origin", other).bearer(&server.token(42)).send();
    assert_eq!(answer.header(ALLOW), "");
    let without_origin = server.get(&requests(CLUSTER)).bearer(&server.token(42)).send();
    assert_eq!((without_origin.status, without_origin.header(ALLOW)), (200, ""));
    let options = server.call("OPTIONS", &requests(CLUSTER)).send();
    assert_eq!((options.status, options.header("allow")), (204, "GET, HEAD, POST, OPTIONS"));
}
