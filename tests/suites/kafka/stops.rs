//! A clean stop, and the halves of the service.

use gathering_tests::{Program, TestDatabase, until};

use crate::fixture::{Flow, expected, numbered};

#[test]
fn a_clean_stop_finishes_the_batch_in_hand_and_commits_it() {
    let flow = Flow::new(2);
    let database = TestDatabase::sqlite();
    let program = Program::new();
    let arguments = flow.arguments(&["serve", "--role", "ingest"], database.url());
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let count = 5_000;
    let all: Vec<_> = (0..count).map(numbered).collect();
    flow.publish(&all);
    let running = program.serve(&arguments);
    until(|| !database.processed().is_empty());
    running.signal("TERM");
    let ended = running.wait().ok();
    assert!(ended.stderr.contains("stopped"), "{ended:?}");
    let recorded = database.processed().len();
    let left = flow.broker.uncommitted(&flow.results, &flow.group);
    assert_eq!(
        usize::try_from(left).unwrap(),
        count - recorded,
        "what is recorded is committed, and nothing else"
    );

    let running = program.serve(&arguments);
    until(|| flow.broker.uncommitted(&flow.results, &flow.group) == 0);
    assert_eq!(database.processed(), expected(count));
    running.signal("TERM");
    running.wait().ok();
}

#[test]
fn roles_are_halves_of_the_service() {
    let flow = Flow::new(1);
    let database = TestDatabase::sqlite();
    let program = Program::new();
    program.file("hmac.key", "0123456789abcdef0123456789abcdef");
    let mut arguments = flow.arguments(&["serve", "--role", "api"], database.url());
    arguments.extend(["--set", "auth.keys.hmac_secret_file=hmac.key"].map(str::to_owned));
    let api = program.serve(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(api.admin("/readyz").send().status, 200, "the API needs no broker");
    assert!(!api.admin("/metrics").send().body.contains("gathering_kafka"));
    flow.publish(&[numbered(0)]);

    let arguments = flow.arguments(&["serve", "--role", "ingest"], database.url());
    let ingest = program.serve(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(ingest.stderr().contains("ingesting, admin on http://"), "{}", ingest.stderr());
    until(|| database.processed() == expected(1));
    until(|| ingest.admin("/readyz").send().status == 200);

    let alone = program.run(&["serve", "--role", "ingest"]);
    assert_eq!(alone.code, Some(2), "{alone:?}");
    assert!(alone.stderr.starts_with("gathering: --role ingest needs ingest.kafka.enabled"), "{alone:?}");
}
