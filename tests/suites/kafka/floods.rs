//! Lines in the log that brokers, topics and messages can cause: bounded, and the number of those left out is told.

use std::time::Instant;

use gathering_tests::{Broker, CLUSTER, Message, Program, Running, TestDatabase, until};
use serde_json::json;

use crate::fixture::{Flow, sample};

fn start(program: &Program, flow: &Flow, database: &TestDatabase, settings: &[&str]) -> Running {
    let mut arguments = flow.arguments(&["serve", "--role", "ingest"], database.url());
    for setting in settings {
        arguments.extend(["--set".to_owned(), (*setting).to_owned()]);
    }
    program.serve(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
}

/// What one kind of line may come to in a time: twenty at once, then one a second.
fn bound(since: Instant) -> usize {
    usize::try_from(since.elapsed().as_secs()).unwrap() + 22
}

fn count(running: &Running, part: &str) -> usize {
    running.stderr().lines().filter(|line| line.contains(part)).count()
}

#[cfg(not(feature = "apache-kafka"))]
#[test]
fn brokers_that_are_away_are_told_of_and_do_not_fill_the_log() {
    let flow = Flow::new(4);
    let database = TestDatabase::sqlite();
    let tracker = flow.broker.topic(1);
    let program = Program::new();
    let started = Instant::now();
    let tracker = format!("ingest.kafka.payload_tracker_topic={tracker}");
    let quick = "ingest.kafka.properties.reconnect.backoff.max.ms=100";
    let running = start(&program, &flow, &database, &[&tracker, quick]);
    flow.publish(&[Message::new(42, CLUSTER, "x"), Message::new(42, "no cluster", "x")]);
    until(|| !database.processed().is_empty());
    until(|| flow.broker.read(&flow.dead_letters).len() == 1);
    flow.broker.set_up(false);
    std::thread::sleep(std::time::Duration::from_secs(10));
    let lines = running.stderr().lines().count();
    // Connections and the group, and what is told once.
    assert!(lines <= 2 * bound(started) + 20, "{lines} lines: {}", running.stderr());
    until(|| running.stderr().contains("more before it are not in the log"));
    flow.broker.set_up(true);
    flow.publish(&[Message::new(42, CLUSTER, "y")]);
    until(|| database.processed().len() == 2);
}

#[cfg(not(feature = "apache-kafka"))]
#[test]
fn brokers_that_are_away_or_silent_show_and_come_back() {
    let flow = Flow::new(1);
    let database = TestDatabase::sqlite();
    let program = Program::new();
    let running = start(&program, &flow, &database, &[]);
    let shows = |status: u16, stalled: u64| {
        let is_stalled = sample(&running.admin("/metrics").send().body, "gathering_kafka_stalled");
        running.admin("/readyz").send().status == status && is_stalled == Some(stalled)
    };
    until(|| shows(200, 0));
    flow.broker.set_up(false);
    until(|| shows(503, 1));
    flow.broker.set_up(true);
    until(|| shows(200, 0));
    // Connections stay, and nothing comes.
    flow.broker.set_delay(std::time::Duration::from_secs(3600));
    until(|| shows(503, 1));
    flow.broker.set_delay(std::time::Duration::ZERO);
    until(|| shows(200, 0));
    flow.publish(&[Message::new(42, CLUSTER, "x")]);
    until(|| !database.processed().is_empty());
}

/// It answers for what is recorded.
#[cfg(not(feature = "apache-kafka"))]
#[test]
fn a_service_with_an_api_stays_ready_without_brokers() {
    let flow = Flow::new(1);
    flow.broker.set_up(false);
    let server = flow.server(TestDatabase::sqlite()).start();
    server.until(|server| {
        let text = server.admin("/metrics").send().body;
        (sample(&text, "gathering_kafka_stalled") == Some(1)).then_some(())
    });
    server.until(|server| (server.admin("/readyz").send().status == 200).then_some(()));
}

#[test]
fn messages_that_are_refused_are_all_counted_and_some_told() {
    const REFUSED: usize = 3_000;
    let flow = Flow::new(1);
    let database = TestDatabase::sqlite();
    for number in 0..REFUSED {
        flow.broker.publisher().publish(&flow.results, format!("nonsense {number}"));
    }
    flow.publish(&[Message::new(42, CLUSTER, "x")]);
    let program = Program::new();
    let started = Instant::now();
    let running = start(&program, &flow, &database, &["ingest.kafka.dead_letter_topic="]);
    until(|| flow.broker.uncommitted(&flow.results, &flow.group) == 0);
    let name = "gathering_kafka_refused_without_dead_letter_total";
    assert_eq!(sample(&running.admin("/metrics").send().body, name), Some(REFUSED as u64));
    let told = count(&running, ": refused: ");
    assert!((1..=bound(started)).contains(&told), "{told}");
    drop(running);

    // With a topic for them all are kept, and as many told.
    let group = Broker::name();
    let started = Instant::now();
    let running = start(&program, &flow, &database, &[&format!("ingest.kafka.group={group}")]);
    until(|| flow.broker.uncommitted(&flow.results, &group) == 0);
    assert_eq!(flow.broker.read(&flow.dead_letters).len(), REFUSED);
    let told = count(&running, "kept as a dead letter");
    assert!((1..=bound(started)).contains(&told), "{told}");
}

#[test]
fn what_is_odd_about_messages_is_told_of_some() {
    const ODD: usize = 1_000;
    let flow = Flow::new(1);
    let database = TestDatabase::sqlite();
    for number in 0..ODD {
        let odd = Message::new(42, CLUSTER, &format!("r{number}")).with("Version", json!(3));
        flow.broker.publisher().publish(&flow.results, odd.to_string());
    }
    flow.broker.publisher().flush();
    let started = Instant::now();
    let running = start(&Program::new(), &flow, &database, &[]);
    until(|| flow.broker.uncommitted(&flow.results, &flow.group) == 0);
    let told = count(&running, " WARN ");
    assert!((1..=bound(started)).contains(&told), "{told}: {}", running.stderr());
}

#[test]
fn what_the_tracker_does_not_get_is_counted_and_told_of_some() {
    const MESSAGES: usize = 500;
    let flow = Flow::new(1);
    let database = TestDatabase::sqlite();
    let messages: Vec<_> = (0..MESSAGES).map(crate::fixture::numbered).collect();
    flow.publish(&messages);
    let tracker = format!("ingest.kafka.payload_tracker_topic={}", flow.broker.unusable_topic());
    let timeout = "ingest.kafka.properties.message.timeout.ms=1000";
    let started = Instant::now();
    let running = start(&Program::new(), &flow, &database, &[&tracker, timeout]);
    until(|| {
        let text = running.admin("/metrics").send().body;
        // Three for each: received, processed, success.
        sample(&text, "gathering_kafka_tracker_failures_total") == Some(3 * MESSAGES as u64)
    });
    assert_eq!(database.processed().len(), MESSAGES, "nobody waits for it");
    let told = count(&running, "the payload tracker does not get");
    assert!((1..=bound(started)).contains(&told), "{told}");
}
