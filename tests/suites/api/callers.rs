//! Who is let in, and how far.

use std::time::Duration;

use gathering_auth::{Scope, TokenRequest};
use gathering_tests::{Answer, CLUSTER, Message, OTHER_CLUSTER, TestDatabase, TestServer};
use serde_json::json;

use crate::fixture::{report, requests, status};
use crate::on_both;

on_both!(
    without_a_token_that_verifies_401,
    without_the_scope_403,
    bound_to_another_cluster_403,
    issuer_and_audience_are_checked_when_set,
    without_authentication_everybody_is_one_organization,
    expired_by_the_clock_of_the_server,
);

/// A token for organization 42, changed.
pub(crate) fn token(server: &TestServer, change: impl FnOnce(&mut TokenRequest)) -> String {
    let mut request = TestServer::token_request(42);
    change(&mut request);
    server.mint(&request)
}

fn all_four(server: &TestServer, header: Option<&str>) -> [Answer; 4] {
    [
        server.get(&status(CLUSTER, "r")),
        server.get(&requests(CLUSTER)),
        server.post(&requests(CLUSTER), "[\"r\"]"),
        server.get(&report(CLUSTER, "r")),
    ]
    .map(|call| match header {
        Some(header) => call.header("Authorization", header).send(),
        None => call.send(),
    })
}

fn without_a_token_that_verifies_401(database: TestDatabase) {
    let server = TestServer::start(database);
    server.import(&[Message::new(42, CLUSTER, "r")]);
    let good = server.token(42);
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let twisted = format!("{signed}.{}", signature.chars().rev().collect::<String>());
    let unsigned = format!("eyJhbGciOiJub25lIn0.{}.", signed.split_once('.').unwrap().1);
    for header in [
        None,
        Some("Basic dXNlcjpwYXNz".to_owned()),
        Some("Bearer".to_owned()),
        Some("Bearer pull-secret-of-a-cluster".to_owned()),
        Some(format!("Bearer {twisted}")),
        Some(format!("Bearer {unsigned}")),
        Some(format!("Bearer {}", "x".repeat(9000))),
    ] {
        for answer in all_four(&server, header.as_deref()) {
            assert_eq!(answer.status, 401, "{header:?}");
            assert!(answer.header("www-authenticate").starts_with("Bearer realm="), "{header:?}");
            assert!(answer.sentence().starts_with("Unauthorized: "), "{header:?}");
        }
    }
    let twice = server.get(&status(CLUSTER, "r")).bearer(&good).bearer(&good).send();
    assert_eq!(twice.status, 401);
    for answer in all_four(&server, Some(&format!("Bearer {good}"))) {
        assert_eq!(answer.status, 200);
    }
}

fn without_the_scope_403(database: TestDatabase) {
    let server = TestServer::start(database);
    server.import(&[Message::new(42, CLUSTER, "r")]);
    for scopes in [vec![], vec![Scope::Write], vec![Scope::WriteAny]] {
        let token = token(&server, |token| token.scopes = scopes);
        for answer in all_four(&server, Some(&format!("Bearer {token}"))) {
            assert_eq!(answer.status, 403);
            assert_eq!(answer.sentence(), "Forbidden: the caller lacks the scope 'read'");
        }
    }
}

fn bound_to_another_cluster_403(database: TestDatabase) {
    let server = TestServer::start(database);
    server.import(&[Message::new(42, CLUSTER, "r")]);
    let bound_to = |cluster: &str| {
        let cluster = cluster.parse().unwrap();
        format!("Bearer {}", token(&server, |token| token.cluster = Some(cluster)))
    };
    for answer in all_four(&server, Some(&bound_to(OTHER_CLUSTER))) {
        assert_eq!(answer.status, 403);
        assert_eq!(answer.sentence(), "Forbidden: the caller is bound to another cluster");
    }
    for answer in all_four(&server, Some(&bound_to(CLUSTER))) {
        assert_eq!(answer.status, 200);
    }
}

fn issuer_and_audience_are_checked_when_set(database: TestDatabase) {
    let server =
        TestServer::builder(database).set("auth.issuer=https://sso").set("auth.audience=gathering").start();
    server.import(&[Message::new(42, CLUSTER, "r")]);
    let ask = |issuer: Option<&str>, audience: Option<&str>| {
        let token = token(&server, |token| {
            token.issuer = issuer.map(str::to_owned);
            token.audience = audience.map(str::to_owned);
        });
        server.get(&status(CLUSTER, "r")).bearer(&token).send().status
    };
    assert_eq!(ask(Some("https://sso"), Some("gathering")), 200);
    assert_eq!(ask(Some("https://other"), Some("gathering")), 401);
    assert_eq!(ask(None, Some("gathering")), 401);
    assert_eq!(ask(Some("https://sso"), Some("other")), 401);
    assert_eq!(ask(Some("https://sso"), None), 401);
}

fn without_authentication_everybody_is_one_organization(database: TestDatabase) {
    let server = TestServer::builder(database).set("auth.mode=disabled").set("auth.disabled_org=7").start();
    server.import(&[Message::new(7, CLUSTER, "ours"), Message::new(42, CLUSTER, "theirs")]);
    let list = server.get(&requests(CLUSTER)).header("Authorization", "nonsense").send().json();
    assert_eq!(list["requests"].as_array().unwrap().len(), 1);
    assert_eq!(list["requests"][0]["requestID"], json!("ours"));
}

fn expired_by_the_clock_of_the_server(database: TestDatabase) {
    let server = TestServer::builder(database).set("auth.leeway=10s").start();
    server.import(&[Message::new(42, CLUSTER, "r")]);
    let token = token(&server, |token| token.lifetime = Duration::from_secs(60));
    let ask = || server.get(&status(CLUSTER, "r")).bearer(&token).send();
    server.advance(Duration::from_secs(69));
    assert_eq!(ask().status, 200);
    server.advance(Duration::from_secs(1));
    let answer = ask();
    assert_eq!((answer.status, answer.sentence().as_str()), (401, "Unauthorized: the token has expired"));
    assert!(answer.header("www-authenticate").contains("error=\"invalid_token\""));
}
