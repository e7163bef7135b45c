//! A database, a broker, a dead letter topic that are away for a while: nothing is lost, nothing is recorded twice.

use std::time::Duration;

use gathering_tests::{CLUSTER, Message, Program, Proxy, Running, TestDatabase, until};

use crate::fixture::{Flow, expected, numbered, sample};

fn ready(running: &Running) -> (u16, String) {
    let answer = running.admin("/readyz").send();
    (answer.status, answer.sentence())
}

fn start(program: &Program, arguments: &[String]) -> Running {
    program.serve(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn a_database_that_is_away_stops_the_consumer_and_loses_nothing() {
    let flow = Flow::new(3);
    let database = TestDatabase::postgres();
    let proxy = Proxy::to(database.server_address());
    let program = Program::new();
    let mut arguments = flow.arguments(&["serve", "--role", "ingest"], &database.url_by(&proxy));
    arguments.extend(["--set".to_owned(), "storage.pool_timeout=500ms".to_owned()]);
    let running = start(&program, &arguments);
    // With Apache Kafka as long as the issue of this service asks for; longer than its session timeout either way.
    let (away, messages) = if flow.broker.is_real() { (30, 20_000) } else { (8, 2_000) };

    let half: Vec<_> = (0..messages / 2).map(numbered).collect();
    flow.publish(&half);
    until(|| !database.processed().is_empty());
    proxy.cut();
    let rest: Vec<_> = (messages / 2..messages).map(numbered).collect();
    flow.publish(&rest);
    until(|| ready(&running).0 == 503);
    until(|| sample(&running.admin("/metrics").send().body, "gathering_kafka_stalled") == Some(1));
    std::thread::sleep(Duration::from_secs(away));
    assert_eq!(running.admin("/livez").send().status, 200, "a restart would not help");
    proxy.mend();
    until(|| database.processed().len() == messages);
    assert_eq!(database.processed(), expected(messages));
    until(|| ready(&running) == (200, "ready".to_owned()));
    until(|| flow.broker.uncommitted(&flow.results, &flow.group) == 0);
    let stderr = running.stderr();
    assert_eq!(stderr.matches("partitions revoked").count(), 0, "it kept its partitions: {stderr}");
    assert_eq!(stderr.matches("partitions assigned").count(), 1, "{stderr}");
    assert!(flow.broker.read(&flow.dead_letters).is_empty());
}

#[test]
fn a_table_that_is_missing_makes_no_dead_letters() {
    let flow = Flow::new(1);
    let database = TestDatabase::sqlite();
    let server = flow.server(database).start();
    server.database().execute("ALTER TABLE requests RENAME TO elsewhere");
    flow.publish(&[numbered(0), numbered(1)]);
    let stalled = |value| {
        let text = server.admin("/metrics").send().body;
        sample(&text, "gathering_kafka_stalled") == Some(value)
    };
    until(|| stalled(1));
    assert_eq!(flow.broker.uncommitted(&flow.results, &flow.group), 2);
    server.database().execute("ALTER TABLE elsewhere RENAME TO requests");
    until(|| server.database().processed() == expected(2));
    until(|| stalled(0));
    assert!(flow.broker.read(&flow.dead_letters).is_empty());
}

// Apache Kafka is used by other tests meanwhile.
#[cfg(not(feature = "apache-kafka"))]
#[test]
fn a_broker_that_restarts_is_found_again() {
    let flow = Flow::new(1);
    let database = TestDatabase::sqlite();
    let program = Program::new();
    let arguments = flow.arguments(&["serve", "--role", "ingest"], database.url());
    let running = start(&program, &arguments);
    flow.publish(&[numbered(0)]);
    until(|| database.processed().len() == 1);
    until(|| ready(&running).0 == 200);
    flow.broker.set_up(false);
    until(|| ready(&running) == (503, "no Kafka broker is connected".to_owned()));
    flow.broker.set_up(true);
    flow.publish(&[numbered(1)]);
    until(|| database.processed() == expected(2));
    until(|| ready(&running).0 == 200);
}

#[test]
fn without_a_dead_letter_topic_refused_messages_are_in_the_log() {
    let flow = Flow::new(1);
    let database = TestDatabase::sqlite();
    let program = Program::new();
    let mut arguments = flow.arguments(&["serve", "--role", "ingest"], database.url());
    arguments.extend(["--set", "ingest.kafka.dead_letter_topic="].map(str::to_owned));
    let running = start(&program, &arguments);
    flow.broker.publisher().publish(&flow.results, "{\"a message\": \"that nobody\ncan read\"");
    flow.publish(&[numbered(0), Message::new(42, CLUSTER, "e").failed()]);
    until(|| database.processed().len() == 1);
    until(|| flow.broker.uncommitted(&flow.results, &flow.group) == 0);
    let stderr = running.stderr();
    let refused: Vec<_> = stderr.lines().filter(|line| line.contains("refused: ")).collect();
    assert_eq!(refused.len(), 1, "an empty report is none: {stderr}");
    assert!(refused[0].contains(" WARN ") && refused[0].contains("{\"a message\": \"that nobody can read\""));
    let text = running.admin("/metrics").send().body;
    assert_eq!(sample(&text, "gathering_kafka_refused_without_dead_letter_total"), Some(1));
}

#[test]
fn offsets_wait_for_the_dead_letter() {
    let flow = Flow::new(1);
    let database = TestDatabase::sqlite();
    let program = Program::new();
    let mut arguments = flow.arguments(&["serve", "--role", "ingest"], database.url());
    arguments.extend([
        "--set".to_owned(),
        format!("ingest.kafka.dead_letter_topic={}", flow.broker.unusable_topic()),
    ]);
    arguments.extend(["--set", "ingest.kafka.properties.message.timeout.ms=1000"].map(str::to_owned));
    let running = start(&program, &arguments);
    flow.broker.publisher().publish(&flow.results, "nonsense");
    flow.publish(&[numbered(0)]);
    until(|| ready(&running).1.contains("the dead letter topic does not acknowledge"));
    assert_eq!(flow.broker.uncommitted(&flow.results, &flow.group), 2);
    running.signal("KILL");
    drop(running);

    let running = start(&program, &flow.arguments(&["serve", "--role", "ingest"], database.url()));
    until(|| flow.broker.uncommitted(&flow.results, &flow.group) == 0);
    assert_eq!(flow.broker.read(&flow.dead_letters).len(), 1);
    assert_eq!(database.processed(), expected(1));
    drop(running);
}
