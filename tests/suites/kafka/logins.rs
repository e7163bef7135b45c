//! TLS and logins, which only the real broker has.

use gathering_tests::{Broker, Message, Program, TestDatabase, until};

use crate::fixture::{Flow, expected, numbered};

/// Runs the consumer by way of a listener, dead letters included.
fn messages_flow(listener: &str, security: &[String]) {
    let flow = Flow::new(1);
    let database = TestDatabase::sqlite();
    let program = Program::new();
    let mut arguments = flow.arguments(&["serve", "--role", "ingest"], database.url());
    arguments.extend(["--set".to_owned(), format!("ingest.kafka.brokers={}", Broker::listener(listener))]);
    for setting in security {
        arguments.extend(["--set".to_owned(), format!("ingest.kafka.security.{setting}")]);
    }
    let running = program.serve(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    flow.publish(&[numbered(0), Message::new(42, "no cluster", "x")]);
    until(|| database.processed() == expected(1));
    until(|| flow.broker.uncommitted(&flow.results, &flow.group) == 0);
    assert_eq!(flow.broker.read(&flow.dead_letters).len(), 1);
    drop(running);
}

#[test]
fn tls_with_a_certificate_of_the_client() {
    messages_flow(
        "TLS",
        &[
            "protocol=ssl".to_owned(),
            format!("ca_file={}", Broker::file("ca.crt")),
            format!("cert_file={}", Broker::file("client.crt")),
            format!("key_file={}", Broker::file("client.key")),
        ],
    );
}

fn login(mechanism: &str) {
    messages_flow(
        "LOGIN",
        &[
            "protocol=SASL_SSL".to_owned(),
            format!("ca_file={}", Broker::file("ca.crt")),
            format!("mechanism={mechanism}"),
            "username=gathering".to_owned(),
            format!("password_file={}", Broker::file("password")),
        ],
    );
}

#[test]
fn plain() {
    login("PLAIN");
}

#[test]
fn scram_sha_256() {
    login("SCRAM-SHA-256");
}

#[test]
fn scram_sha_512() {
    login("SCRAM-SHA-512");
}

#[test]
fn a_wrong_password_is_told_and_not_shown() {
    let flow = Flow::new(1);
    let program = Program::new();
    let password = program.file("password", "hunter2");
    let mut arguments = flow.arguments(&["serve", "--role", "ingest"], TestDatabase::sqlite().url());
    for setting in [
        format!("brokers={}", Broker::listener("LOGIN")),
        "security.protocol=sasl_ssl".to_owned(),
        format!("security.ca_file={}", Broker::file("ca.crt")),
        "security.username=gathering".to_owned(),
        format!("security.password_file={}", password.display()),
    ] {
        arguments.extend(["--set".to_owned(), format!("ingest.kafka.{setting}")]);
    }
    let running = program.serve(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    until(|| running.stderr().contains("uthentication"));
    assert_eq!(running.admin("/readyz").send().status, 503);
    assert!(!running.stderr().contains("hunter2"));
}
