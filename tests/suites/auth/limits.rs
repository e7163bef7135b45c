//! Limits on calls, and what is told of refusals.

use std::time::Duration;

use gathering_auth::TokenRequest;
use gathering_tests::{CLUSTER, Message, Program, TestDatabase, TestServer};

use crate::fixture::{record, status};

fn token(server: &TestServer, organization: u32, subject: &str) -> String {
    let request = TestServer::token_request(organization);
    server.mint(&TokenRequest { subject: Some(subject.to_owned()), ..request })
}

#[test]
fn who_calls_too_often_is_told_when_to_come_back() {
    let server = TestServer::builder(TestDatabase::sqlite())
        .set("auth.rate_limit.per_organization=3")
        .set("auth.rate_limit.per_identity=2")
        .start();
    record(&server);
    let ask = |token: &str| server.get(&status()).bearer(token).send();
    let (one, two, other) = (token(&server, 42, "one"), token(&server, 42, "two"), token(&server, 43, "one"));
    assert_eq!([ask(&one).status, ask(&one).status], [200; 2]);
    let refused = ask(&one);
    assert_eq!((refused.status, refused.header("retry-after")), (429, "1"));
    assert_eq!(refused.sentence(), "Too Many Requests: the caller calls too often, please try again later");
    let problem = server.get(&status()).bearer(&one).header("Accept", "application/problem+json").send();
    assert_eq!(problem.json()["status"], 429);
    assert_eq!(ask(&two).status, 200, "another caller");
    let refused = ask(&two);
    assert_eq!(
        refused.sentence(),
        "Too Many Requests: the organization calls too often, please try again later"
    );
    assert_eq!(ask(&other).status, 404, "another organization");
    // Who is not let in at all is told that, and not counted.
    assert_eq!(server.get(&status()).bearer("nonsense").send().status, 401);
    server.advance(Duration::from_secs(1));
    assert_eq!([ask(&one).status, ask(&two).status], [200; 2]);
}

#[test]
fn refusals_are_counted_by_reason() {
    let server = TestServer::start(TestDatabase::sqlite());
    let count = |reason: &str| server.metric(&format!("gathering_auth_refused_total{{reason=\"{reason}\"}}"));
    let ask = |token: &str| server.get(&status()).bearer(token).send().status;
    assert_eq!([ask("nonsense"), ask("also.non.sense"), server.get(&status()).send().status], [401; 3]);
    server.advance(Duration::from_secs(1));
    let good = server.token(42);
    assert_eq!(ask(&good), 404);
    server.advance(Duration::from_secs(4000));
    assert_eq!(ask(&good), 401);
    assert_eq!([count("malformed"), count("missing"), count("expired"), count("signature")], [2, 1, 1, 0]);
}

#[test]
fn the_log_tells_of_refusals_without_tokens_and_within_bounds() {
    let program = Program::new();
    program.file("hmac.key", "a secret of more than thirty-two bytes");
    let setting = "auth.keys.hmac_secret_file=hmac.key";
    program
        .run_with_input(&["import", "results", "-"], Message::new(42, CLUSTER, "r").to_string().as_bytes())
        .ok();
    let running = program.serve(&["serve", "--set", setting]);
    let minted = program.run(&["token", "--org", "42", "--set", setting]).ok().stdout;
    let (signed, _) = minted.trim_end().rsplit_once('.').unwrap();
    let forged = format!("{signed}.{}", "A".repeat(43));
    let started = std::time::Instant::now();
    for _ in 0..200 {
        assert_eq!(running.call("GET", &status()).bearer(&forged).send().status, 401);
    }
    running.signal("TERM");
    let log = running.wait().stderr;
    let lines: Vec<_> = log.lines().filter(|line| line.contains("refused a call of 127.0.0.1")).collect();
    // Twenty at once, and one a second.
    let most = 22 + usize::try_from(started.elapsed().as_secs()).unwrap();
    assert!((20..=most).contains(&lines.len()), "{} lines", lines.len());
    assert!(
        lines.iter().all(|line| line.contains("reason=signature") && line.contains("call_id=")),
        "{lines:?}"
    );
    assert!(!log.contains(signed) && !log.contains(&forged), "{log}");
}
