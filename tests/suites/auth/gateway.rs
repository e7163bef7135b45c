//! Mode `identity-header`: whoever is not the gateway is refused, whatever he sends.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gathering_tests::{Answer, CLUSTER, Call, Message, OTHER_CLUSTER, Program, TestDatabase, TestServer};
use serde_json::{Value, json};

use crate::fixture::{Folder, record, status};

const SECRET: &str = "a-secret-of-the-gateway-0123456789";

/// A pull secret as an operator sends it: opaque, and not for us.
const PULL_SECRET: &str = "Bearer b3BlbnNoaWZ0LXJlbGVhc2UtZGV2K29jbV9hY2Nlc3M6cHVsbC1zZWNyZXQ=";

fn behind_a_proxy() -> TestServer {
    behind_a_proxy_that("auth.gateway_binding=true")
}

fn behind_a_proxy_that(setting: &str) -> TestServer {
    let server = TestServer::builder(TestDatabase::sqlite())
        .set("auth.mode=identity-header")
        .set("auth.trusted_proxies=[\"127.0.0.0/8\"]")
        .set(setting)
        .start();
    record(&server);
    server
}

fn encoded(identity: &Value) -> String {
    STANDARD.encode(json!({"identity": identity}).to_string())
}

fn user() -> Value {
    json!({"org_id": "42", "type": "User", "auth_type": "basic-auth", "user": {"user_id": "1"}})
}

fn ask(server: &TestServer, identity: &Value) -> Answer {
    server.get(&status()).header("x-rh-identity", &encoded(identity)).send()
}

/// Refused, with a challenge that no client takes for an invitation to send a token.
fn check_refusal(answer: &Answer, part: &str) {
    assert_eq!(answer.status, 401, "{answer:?}");
    assert!(
        answer.sentence().starts_with("Unauthorized: ") && answer.sentence().contains(part),
        "{answer:?}"
    );
    assert_eq!(answer.header("www-authenticate"), "Gateway realm=\"gathering\"");
}

#[test]
fn an_operator_comes_with_its_pull_secret_beside_the_identity() {
    let server = behind_a_proxy();
    let identity =
        json!({"org_id": "42", "type": "System", "auth_type": "uhc-auth", "system": {"cluster_id": CLUSTER}});
    let call = |path: &str| server.get(path).header("x-rh-identity", &encoded(&identity));
    assert_eq!(call(&status()).header("Authorization", PULL_SECRET).send().json()["status"], "processed");
    assert_eq!(call(&status()).header("Authorization", "nonsense").send().status, 200);
    assert_eq!(call(&status()).header("Authorization", "a").header("Authorization", "b").send().status, 200);
    let report = call(&format!("/cluster/{CLUSTER}/request/r/report"));
    assert_eq!(report.header("Authorization", PULL_SECRET).send().status, 200);
    let other = call(&format!("/cluster/{OTHER_CLUSTER}/request/r/status")).send();
    assert_eq!(
        (other.status, other.sentence().as_str()),
        (403, "Forbidden: the caller is bound to another cluster")
    );
    check_refusal(
        &server.get(&status()).header("Authorization", PULL_SECRET).send(),
        "x-rh-identity header is required",
    );
}

#[test]
fn a_hub_asks_for_the_clusters_of_its_organization() {
    let hub = |organization: &str, cluster: &Value| json!({"org_id": organization, "type": "System", "system": {"cluster_id": cluster}});
    let own = json!(OTHER_CLUSTER);
    let server = behind_a_proxy_that("auth.gateway_binding=false");
    assert_eq!(ask(&server, &hub("42", &own)).status, 200);
    assert_eq!(ask(&server, &hub("43", &own)).status, 404, "it stays within its organization");
    for odd in [json!(""), json!("*"), json!(7), json!([CLUSTER])] {
        check_refusal(&ask(&server, &hub("42", &odd)), "cluster_id is not usable");
    }
    let call = server.post("/ingest/results", "{}").header("Content-Type", "application/json");
    assert_eq!(call.header("x-rh-identity", &encoded(&hub("42", &own))).send().status, 403);
    assert_eq!(ask(&behind_a_proxy(), &hub("42", &own)).status, 403, "it has to be allowed to");
}

#[test]
fn each_kind_of_caller_reads_and_none_writes() {
    let server = behind_a_proxy();
    for identity in [
        user(),
        json!({"org_id": 42, "type": "ServiceAccount", "service_account": {"client_id": "c"}}),
        json!({"org_id": "42", "type": "System", "system": {"cn": CLUSTER}}),
        json!({"internal": {"org_id": "42"}, "account_number": "7"}),
    ] {
        assert_eq!(ask(&server, &identity).status, 200, "{identity}");
        let call = server.post("/ingest/results", "{}").header("Content-Type", "application/json");
        let refused = call.header("x-rh-identity", &encoded(&identity)).send();
        assert_eq!(
            (refused.status, refused.sentence().as_str()),
            (403, "Forbidden: the caller lacks the scope 'write'")
        );
    }
    let mut elsewhere = user();
    elsewhere["org_id"] = json!("43");
    assert_eq!(ask(&server, &elsewhere).status, 404);
}

#[test]
fn identities_that_are_none() {
    let server = behind_a_proxy();
    let send = |header: &str| server.get(&status()).header("x-rh-identity", header).send();
    let good = encoded(&user());
    for header in [
        "!",
        "nonsense",
        "e30",
        STANDARD.encode(r#"{"identity":{"org_id":"42"}}"#).trim_end_matches('='),
        &format!("{good}{good}"),
        &STANDARD.encode("[]"),
        &STANDARD.encode("{}"),
        &STANDARD.encode("null"),
        &STANDARD.encode(r#"{"identity":{"org_id":"42"}} x"#),
        &STANDARD.encode(b"{\"identity\":{\"org_id\":\"42\",\"x\":\"\xff\"}}"),
        &STANDARD.encode("[".repeat(20_000)),
    ] {
        check_refusal(&send(header), "is not an identity in base64");
    }
    check_refusal(&send(""), "x-rh-identity header is required");
    check_refusal(&server.get(&status()).send(), "x-rh-identity header is required");
    check_refusal(&send(&"A".repeat(33_000)), "longer than 32768 characters");
    let twice = server.get(&status()).header("x-rh-identity", &good).header("X-RH-Identity", &good).send();
    check_refusal(&twice, "more than one x-rh-identity header");
    for organization in
        [json!(0), json!("0"), json!(-1), json!("4294967296"), json!(" 42"), json!(""), json!([42])]
    {
        let mut identity = user();
        identity["org_id"] = organization;
        check_refusal(&ask(&server, &identity), "org_id is missing or not usable");
    }
    let mut kind = user();
    kind["type"] = json!("Associate");
    check_refusal(&ask(&server, &kind), "not of the type");
    let mut cluster = user();
    cluster["system"] = json!({"cluster_id": "*"});
    check_refusal(&ask(&server, &cluster), "cluster_id is not usable");
    assert_eq!(ask(&server, &user()).status, 200);
}

#[test]
fn what_an_identity_tells_twice_is_not_guessed() {
    let server = behind_a_proxy();
    let send = |json: &str| server.get(&status()).header("x-rh-identity", &STANDARD.encode(json)).send();
    let good = format!(
        r#"{{"identity":{{"org_id":"42","type":"System","internal":{{"org_id":"42"}},"system":{{"cluster_id":"{CLUSTER}"}},
        "user":{{"user_id":"1"}},"service_account":{{"client_id":"1"}}}},"entitlements":{{}}}}"#
    );
    assert_eq!(send(&good).status, 200);
    for (key, before) in [
        ("identity", r#""identity":{"org_id":"43"}"#),
        ("org_id", r#""org_id":"43""#),
        ("org_id", r#""org_id":"42""#),
        ("org_id", r#""org_id":null"#),
        ("org_id", r#""\u006frg_id":"43""#),
        ("org_id", r#""ORG_ID":"43""#),
        ("type", r#""type":"User""#),
        ("internal", r#""internal":null"#),
        ("system", r#""system":{}"#),
        ("system", r#""System":{}"#),
        ("cluster_id", r#""cluster_id":null"#),
        ("user", r#""user":{}"#),
        ("user_id", r#""user_id":"2""#),
        ("service_account", r#""service_account":{}"#),
        ("client_id", r#""client_id":"2""#),
    ] {
        let key = format!("\"{key}\":");
        let (start, rest) = good.split_once(&key).unwrap();
        check_refusal(
            &send(&format!("{start}{before},{key}{rest}")),
            "a key twice, or in another letter case",
        );
    }
    let inner = good.replacen(r#""internal":{"#, r#""internal":{"org_id":"43","#, 1);
    check_refusal(&send(&inner), "a key twice");
    // Nor is a name guessed that a reader with less care would take for another.
    check_refusal(&send(r#"{"identity":{"Org_ID":"42"}}"#), "in another letter case");
    check_refusal(&send(&format!("{good}{good}")), "not an identity in base64");
    let unread = good.replacen(r#""entitlements""#, r#""other":1,"other":2,"entitlements""#, 1);
    assert_eq!(send(&unread).status, 200);
}

#[test]
fn a_peer_that_is_no_proxy_is_refused_whatever_it_claims() {
    let server = TestServer::builder(TestDatabase::sqlite())
        .set("auth.mode=identity-header")
        .set("auth.trusted_proxies=[\"10.0.0.0/8\", \"192.0.2.1\"]")
        .start();
    record(&server);
    for (name, value) in [
        ("x-forwarded-for", "10.0.0.1"),
        ("forwarded", "for=10.0.0.1"),
        ("x-real-ip", "10.0.0.1"),
        ("true-client-ip", "192.0.2.1"),
        ("x-gateway-secret", SECRET),
        ("host", "10.0.0.1"),
    ] {
        let call = server.get(&status()).header("x-rh-identity", &encoded(&user()));
        check_refusal(&call.header(name, value).send(), "does not come from a trusted gateway");
    }
    // Not even what is wrong with an identity is told to strangers.
    check_refusal(&server.get(&status()).send(), "does not come from a trusted gateway");
}

#[test]
fn the_secret_of_the_gateway_may_change_with_no_call_refused() {
    let folder = Folder::new();
    let file = folder.write("secret", SECRET);
    let server = TestServer::builder(TestDatabase::sqlite())
        .set("auth.mode=identity-header")
        .set(&format!("auth.gateway_secret_file={file}"))
        .start();
    record(&server);
    let call = || server.get(&status()).header("x-rh-identity", &encoded(&user()));
    let with = |secret: &str| call().header("x-gateway-secret", secret).send();
    assert_eq!(with(SECRET).status, 200);
    let longer = format!("{SECRET}x");
    for wrong in ["", "x", &SECRET[1..], &longer, &SECRET.to_uppercase()] {
        check_refusal(&with(wrong), "does not come from a trusted gateway");
    }
    check_refusal(&call().send(), "does not come from a trusted gateway");
    let both = call().header("x-gateway-secret", SECRET).header("x-gateway-secret", SECRET).send();
    check_refusal(&both, "does not come from a trusted gateway");

    let next = "the-next-secret-of-the-gateway-4567";
    folder.write("secret", format!("{SECRET}\n{next}\n"));
    server.until(|_| (with(next).status == 200).then_some(()));
    assert_eq!(with(SECRET).status, 200, "the one before still counts");
    folder.write("secret", next);
    server.until(|_| (with(SECRET).status == 401).then_some(()));
    assert_eq!(with(next).status, 200);
}

#[test]
fn without_a_gateway_it_does_not_start() {
    let program = Program::new();
    program.file("short", "short");
    for (settings, part) in [
        (&[][..], "needs auth.trusted_proxies, auth.gateway_secret_file or http.tls.client_ca"),
        (&["auth.trusted_proxies=[]"], "needs auth.trusted_proxies"),
        (&["auth.trusted_proxies=[\"0.0.0.0/0\"]"], "which is everybody"),
        (&["auth.trusted_proxies=[\"10.0.0.0/8\",\"::/0\"]"], "which is everybody"),
        (&["auth.gateway_secret_file=short"], "32 characters or more"),
        (&["auth.gateway_secret_file=none"], "cannot be read"),
    ] {
        for command in [&["serve"][..], &["config", "--check"]] {
            let mut arguments = [command, &["--set", "auth.mode=identity-header"]].concat();
            for setting in settings {
                arguments.extend(["--set", setting]);
            }
            let run = program.run(&arguments);
            assert_eq!(run.code, Some(2), "{run:?}");
            assert!(run.stderr.lines().count() == 1 && run.stderr.contains(part), "{run:?}");
        }
    }
}

#[test]
fn the_document_says_how_callers_prove_who_they_are() {
    let document = |server: &TestServer| server.get("/openapi.json").send().json();
    let schemes = &document(&behind_a_proxy())["components"]["securitySchemes"];
    assert_eq!(schemes["identityHeader"]["name"], "x-rh-identity");
    assert!(schemes["bearerToken"].is_null());
}

#[test]
fn mode_jwt_does_not_read_the_gateways_header() {
    let server = TestServer::start(TestDatabase::sqlite());
    server.import(&[Message::new(42, CLUSTER, "r"), Message::new(43, CLUSTER, "theirs")]);
    let call = |path: &str| -> Call { server.get(path).header("x-rh-identity", &encoded(&user())) };
    let refused = call(&status()).send();
    assert_eq!(refused.status, 401);
    assert!(refused.header("www-authenticate").starts_with("Bearer "));
    // The token alone says who it is.
    assert_eq!(call(&status()).bearer(&server.token(43)).send().status, 404);
    assert_eq!(call(&status()).bearer(&server.token(42)).send().status, 200);
}
