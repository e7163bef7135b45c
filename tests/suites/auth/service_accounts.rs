//! The permissions of service accounts: the RBAC service, and whatever else it may do.

use std::thread;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gathering_tests::{Answer, KeyServer, Program, TestDatabase, TestServer, until};
use serde_json::{Value, json};

use crate::fixture::{record, status};

const ACCESS: &str = "/rbac/access/?application=ocp-advisor&limit=100";

const GRANTED: &str = "ocp-advisor:recommendation-results:read";

fn settings(url: &str, enforce: bool) -> [String; 4] {
    [
        "auth.mode=identity-header".to_owned(),
        "auth.trusted_proxies=[\"127.0.0.0/8\"]".to_owned(),
        format!("auth.rbac.url={url}"),
        format!("auth.rbac.enforce={enforce}"),
    ]
}

fn server_with(url: &str, enforce: bool) -> TestServer {
    let mut builder = TestServer::builder(TestDatabase::sqlite()).set("http.workers=1");
    for setting in settings(url, enforce) {
        builder = builder.set(&setting);
    }
    let server = builder.start();
    record(&server);
    server
}

fn server(rbac: &KeyServer, enforce: bool) -> TestServer {
    server_with(&rbac.url("/rbac"), enforce)
}

fn encoded(identity: &Value) -> String {
    STANDARD.encode(json!({"identity": identity}).to_string())
}

fn account(client: &str) -> Value {
    json!({"org_id": "42", "type": "ServiceAccount", "service_account": {"client_id": client}})
}

fn user() -> Value {
    json!({"org_id": "42", "type": "User", "user": {"user_id": "1"}})
}

fn ask(server: &TestServer, identity: &Value) -> Answer {
    server.get(&status()).header("x-rh-identity", &encoded(identity)).send()
}

fn permit(rbac: &KeyServer, permission: &str) {
    answer(
        rbac,
        "200 OK",
        "",
        json!({"meta": {"count": 1}, "data": [{"permission": permission}]}).to_string(),
    );
}

fn answer(rbac: &KeyServer, status: &str, headers: &str, body: impl AsRef<[u8]>) {
    rbac.answer(ACCESS, status, headers, body);
}

fn count(server: &TestServer, outcome: &str) -> u64 {
    server.metric(&format!("gathering_auth_permissions_total{{outcome=\"{outcome}\"}}"))
}

fn check_unavailable(answer: &Answer) {
    assert_eq!((answer.status, answer.header("retry-after")), (503, "1"), "{answer:?}");
    let sentence = answer.sentence();
    assert!(sentence.contains("the permissions of the service account cannot be had"), "{sentence}");
}

#[test]
fn the_permission_is_asked_for_once_a_minute_with_the_same_identity() {
    let rbac = KeyServer::start();
    permit(&rbac, GRANTED);
    let server = server(&rbac, true);
    for _ in 0..3 {
        assert_eq!(ask(&server, &account("one")).status, 200);
    }
    assert_eq!((rbac.asked(ACCESS), rbac.headers("x-rh-identity")), (1, vec![encoded(&account("one"))]));
    assert!(rbac.headers("authorization").is_empty());
    assert_eq!(ask(&server, &account("two")).status, 200);
    assert_eq!(rbac.asked(ACCESS), 2);

    permit(&rbac, "inventory:*:*");
    server.advance(Duration::from_secs(59));
    assert_eq!(ask(&server, &account("one")).status, 200);
    server.advance(Duration::from_secs(1));
    let refused = ask(&server, &account("one"));
    assert_eq!(
        (refused.status, &*refused.sentence()),
        (403, "Forbidden: the service account has no permission for ocp-advisor:recommendation-results")
    );
    permit(&rbac, GRANTED);
    assert_eq!(ask(&server, &account("one")).status, 403);
    server.advance(Duration::from_secs(60));
    assert_eq!(ask(&server, &account("one")).status, 200);
    assert_eq!((rbac.asked(ACCESS), count(&server, "granted"), count(&server, "missing")), (4, 6, 2));
}

#[test]
fn only_service_accounts_are_asked_for_and_none_slips_through() {
    let rbac = KeyServer::start();
    permit(&rbac, "inventory:*:*");
    let server = server(&rbac, true);
    for identity in [
        user(),
        json!({"org_id": "42", "type": "System", "system": {"cn": "a"}}),
        json!({"org_id": "42"}),
        json!({"org_id": "42", "type": "User", "service_account": null}),
    ] {
        assert_eq!(ask(&server, &identity).status, 200, "{identity}");
    }
    for kind in ["serviceaccount", "SERVICEACCOUNT", "Serviceaccount", "ServiceAccount\0", ""] {
        let mut identity = account("one");
        identity["type"] = json!(kind);
        assert_eq!(ask(&server, &identity).status, 401, "{kind}");
    }
    assert_eq!(rbac.asked(ACCESS), 0);
    // An account that the type does not name, or names as something else, is one all the same.
    for kind in [json!("User"), json!("System"), Value::Null] {
        let mut identity = account("one");
        identity["type"] = kind;
        assert_eq!(ask(&server, &identity).status, 403, "{identity}");
    }
    assert_eq!(ask(&server, &json!({"org_id": "42", "type": "ServiceAccount"})).status, 403);
    assert_eq!(rbac.asked(ACCESS), 4);
    // Nothing is open to it, and what is wrong with a call is told first, as it is everywhere.
    let send =
        |call: gathering_tests::Call| call.header("x-rh-identity", &encoded(&account("one"))).send().status;
    let list = "/cluster/5d5892d3-1f74-4ccf-91af-548dfc9767aa/requests";
    assert_eq!(send(server.get(list)), 403);
    assert_eq!(send(server.post(list, "[]")), 403);
    let message = || server.post("/ingest/results", "{}").header("Content-Type", "application/json");
    assert_eq!(send(message()), 403);
    assert_eq!(send(server.get("/cluster/nonsense/requests")), 400);
}

#[test]
fn a_permission_is_read_as_todays_service_reads_it() {
    let rbac = KeyServer::start();
    let server = server(&rbac, true);
    for (number, (permission, expected)) in [
        (GRANTED, 200),
        ("ocp-advisor:*:read", 200),
        ("ocp-advisor:*:*", 200),
        ("ocp-advisor:x:y:z", 403),
        ("ocp-advisor:*:read:x", 403),
        ("ocp-advisor:*", 403),
        ("inventory:*:*", 403),
        ("*:*:*", 403),
        ("OCP-ADVISOR:*:*", 403),
    ]
    .into_iter()
    .enumerate()
    {
        permit(&rbac, permission);
        assert_eq!(ask(&server, &account(&number.to_string())).status, expected, "{permission}");
    }
}

#[test]
fn without_an_answer_nobody_knows() {
    let rbac = KeyServer::start();
    let server = server(&rbac, true);
    let good = json!({"meta": {"count": 1}, "data": [{"permission": GRANTED}]}).to_string();
    rbac.answer("/elsewhere", "200 OK", "", &good);
    let elsewhere = format!("Location: {}\r\n", rbac.url("/elsewhere"));
    let huge = format!("{good}{}", " ".repeat(300 * 1024));
    let mut asked = 0;
    let mut check = |expected: u16| {
        asked += 1;
        let answer = ask(&server, &account("one"));
        assert_eq!(rbac.asked(ACCESS), asked);
        if expected == 503 {
            check_unavailable(&answer);
            check_unavailable(&ask(&server, &account("one")));
            assert_eq!(rbac.asked(ACCESS), asked, "not at once again");
        }
        assert_eq!(answer.status, expected);
        server.advance(Duration::from_secs(60));
    };
    for (status, headers, body) in [
        ("401 Unauthorized", "", &*good),
        ("403 Forbidden", "", &good),
        ("404 Not Found", "", &good),
        ("500 Internal Server Error", "", &good),
        ("503 Service Unavailable", "", &good),
        ("203 Non-Authoritative Information", "", &good),
        ("301 Moved Permanently", &elsewhere, ""),
        ("302 Found", &elsewhere, ""),
        ("307 Temporary Redirect", &elsewhere, ""),
        ("308 Permanent Redirect", &elsewhere, ""),
        ("200 OK", "Content-Type: text/html\r\n", "<html><body>Log in</body></html>"),
        ("200 OK", "", ""),
        ("200 OK", "", "{}"),
        ("200 OK", "", "[]"),
        ("200 OK", "", r#"{"meta":{"count":"1"},"data":[{"permission":"ocp-advisor:*:*"}]}"#),
        ("200 OK", "", &huge),
    ] {
        answer(&rbac, status, headers, body);
        check(503);
    }
    assert_eq!(rbac.asked("/elsewhere"), 0);
    answer(&rbac, "200 OK", "", r#"{"meta":{"count":0},"data":[{"permission":"ocp-advisor:*:*"}]}"#);
    check(403);
    permit(&rbac, GRANTED);
    check(200);
    assert_eq!(ask(&server, &user()).status, 200);
    assert_eq!(server.metric("gathering_auth_refused_total{reason=\"permissions_unavailable\"}"), 32);
}

#[test]
fn an_rbac_service_that_is_away_or_never_ends_is_given_up_and_asked_again() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/rbac", nobody.local_addr().unwrap());
    drop(nobody);
    let away = server_with(&url, true);
    check_unavailable(&ask(&away, &account("one")));
    assert_eq!(count(&away, "unknown"), 1);

    let rbac = KeyServer::start();
    rbac.never_end();
    check_unavailable(&ask(&server(&rbac, true), &account("one")));

    let rbac = KeyServer::start();
    permit(&rbac, GRANTED);
    rbac.hold(true);
    let server = server(&rbac, true);
    check_unavailable(&ask(&server, &account("one")));
    rbac.hold(false);
    server.until(|server| {
        server.advance(Duration::from_secs(2));
        (ask(server, &account("one")).status == 200).then_some(())
    });
}

#[test]
fn others_are_answered_while_the_rbac_service_is_slow_and_the_same_is_asked_once() {
    // A question is given up after two seconds. On a machine that is busy for so long, another round tells.
    let is_told = |_: usize| {
        let rbac = KeyServer::start();
        permit(&rbac, GRANTED);
        let server = server(&rbac, true);
        rbac.hold(true);
        thread::scope(|scope| {
            let waiting: Vec<_> =
                (0..8).map(|_| scope.spawn(|| ask(&server, &account("one")).status)).collect();
            until(|| rbac.asked(ACCESS) > 0);
            // The only worker is free for it.
            assert_eq!(ask(&server, &user()).status, 200);
            let were_waiting = waiting.iter().all(|call| !call.is_finished());
            rbac.hold(false);
            let answers: Vec<_> = waiting.into_iter().map(|call| call.join().unwrap()).collect();
            were_waiting && answers == [200; 8] && rbac.asked(ACCESS) == 1
        })
    };
    assert!((0..5).any(is_told));
}

#[test]
fn where_nothing_is_enforced_nobody_waits_and_all_are_counted() {
    let rbac = KeyServer::start();
    permit(&rbac, "inventory:*:*");
    rbac.hold(true);
    let server = server(&rbac, false);
    let post = |identity: &Value| {
        let call = server.post("/ingest/results", "{}").header("Content-Type", "application/json");
        call.header("x-rh-identity", &encoded(identity)).send().status
    };
    for _ in 0..3 {
        assert_eq!(ask(&server, &account("one")).status, 200);
    }
    assert_eq!(ask(&server, &user()).status, 200);
    rbac.hold(false);
    // Calls before the answer are counted with it, whatever it is.
    let until_counted = |calls: u64| {
        server.until(|server| (count(server, "missing") + count(server, "unknown") == calls).then_some(()));
    };
    until_counted(3);
    server.advance(Duration::from_secs(60));
    assert_eq!(ask(&server, &account("two")).status, 200);
    until_counted(4);
    let before = count(&server, "missing");
    assert_eq!([ask(&server, &account("two")).status, post(&account("two"))], [200, 403]);
    assert_eq!(count(&server, "missing"), before + 2);

    answer(&rbac, "500 Internal Server Error", "", "");
    assert_eq!(ask(&server, &account("three")).status, 200);
    until_counted(7);
    assert_eq!(ask(&server, &account("three")).status, 200, "an outage keeps nobody out");
}

#[test]
fn the_log_tells_of_missing_permissions_within_bounds_and_names_nobody() {
    let (program, rbac) = (Program::new(), KeyServer::start());
    permit(&rbac, "inventory:*:*");
    let settings = settings(&rbac.url("/rbac"), false);
    let all: Vec<&str> = settings.iter().flat_map(|setting| ["--set", setting.as_str()]).collect();
    let running = program.serve(&[&["serve"][..], &all].concat());
    let started = Instant::now();
    for number in 0..100 {
        let identity = encoded(&account(&format!("client-{}", number % 2)));
        let answer = running.call("GET", &status()).header("x-rh-identity", &identity).send();
        assert_eq!(answer.status, 404, "nothing is recorded");
    }
    running.signal("TERM");
    let log = running.wait().stderr;
    let lines = log.lines().filter(|line| line.contains("a service account of organization 42")).count();
    let most = 22 + usize::try_from(started.elapsed().as_secs()).unwrap();
    assert!((1..=most).contains(&lines), "{lines} lines: {log}");
    assert!(!log.contains("client-") && !log.contains(&encoded(&account("client-0"))), "{log}");
}
