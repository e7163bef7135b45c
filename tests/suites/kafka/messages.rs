//! What becomes of messages: recorded, kept as dead letters, told to the payload tracker.

use base64::Engine;
use gathering_tests::{CLUSTER, Message, Program, RequestState, TestDatabase, TestServer, until};
use serde_json::{Value, json};

use crate::fixture::{Flow, sample};

fn recorded(server: &TestServer, outcome: &str) -> u64 {
    ["result", "announcement"].iter().map(|kind| recorded_of(server, kind, outcome)).sum()
}

fn recorded_of(server: &TestServer, kind: &str, outcome: &str) -> u64 {
    let name = format!("gathering_records_total{{kind=\"{kind}\",outcome=\"{outcome}\",source=\"kafka\"}}");
    sample(&server.admin("/metrics").send().body, &name).unwrap()
}

fn every_message_has_its_outcome(database: TestDatabase) {
    let flow = Flow::new(3);
    let broken = "{\"OrgID\": 42, nonsense";
    let unusable = Message::new(42, CLUSTER, "unusable").with("Version", json!("x"));
    flow.publish(&[
        Message::new(42, CLUSTER, "good").hit("rules.a|KEY"),
        Message::new(42, CLUSTER, "empty").failed(),
    ]);
    flow.broker.publisher().publish_with(
        &flow.results,
        broken,
        "a key",
        &[("origin", "x"), ("gathering-reason", "an old one")],
    );
    flow.broker.publisher().publish(&flow.results, "");
    flow.publish(&[unusable.clone(), Message::new(42, CLUSTER, "x").with("RequestId", Value::Null)]);
    let server = flow.server(database).start();
    server.until(|server| (recorded(server, "skipped") + recorded(server, "rejected") >= 3).then_some(()));
    server.until(|server| (recorded(server, "stored") + recorded(server, "failed") >= 3).then_some(()));
    assert_eq!(server.state(42, CLUSTER, "good"), Some(RequestState::Processed));
    assert_eq!(server.state(42, CLUSTER, "empty"), Some(RequestState::Failed));
    assert_eq!(server.state(42, CLUSTER, "unusable"), Some(RequestState::Failed));
    for (outcome, count) in [("stored", 1), ("failed", 2), ("skipped", 1), ("rejected", 2)] {
        assert_eq!(recorded(&server, outcome), count, "{outcome}");
    }

    let letters = flow.broker.read(&flow.dead_letters);
    assert_eq!(letters.len(), 3, "{letters:?}");
    let letter = |value: &str| letters.iter().find(|letter| letter.value == value.as_bytes()).unwrap();
    let first = letter(broken);
    assert_eq!(first.key.as_deref(), Some(&b"a key"[..]), "as it came");
    assert_eq!(first.header("origin"), "x");
    assert_eq!(first.header("gathering-outcome"), "rejected");
    assert!(first.header("gathering-reason").starts_with("the message is not one JSON document"));
    assert_eq!(first.header("gathering-topic"), flow.results);
    for name in ["gathering-partition", "gathering-offset", "gathering-timestamp"] {
        assert!(first.header(name).parse::<i64>().is_ok(), "{name}");
    }
    assert_eq!(letter(&unusable.to_string()).header("gathering-outcome"), "failed");
    assert_eq!(letter("").header("gathering-outcome"), "rejected");
    assert_eq!(sample(&server.admin("/metrics").send().body, "gathering_kafka_dead_letters_total"), Some(3));

    until(|| flow.broker.uncommitted(&flow.results, &flow.group) == 0);
    server.until(|server| {
        let text = server.admin("/metrics").send().body;
        let lags: Vec<_> = text.lines().filter(|line| line.starts_with("gathering_kafka_lag{")).collect();
        (!lags.is_empty() && lags.iter().all(|line| line.ends_with(" 0"))).then_some(())
    });
}

#[test]
fn every_message_has_its_outcome_on_sqlite() {
    every_message_has_its_outcome(TestDatabase::sqlite());
}

#[test]
fn every_message_has_its_outcome_on_postgres() {
    every_message_has_its_outcome(TestDatabase::postgres());
}

#[test]
fn a_message_that_the_database_refuses_is_a_dead_letter_and_its_neighbours_are_recorded() {
    let flow = Flow::new(1);
    let database = TestDatabase::postgres();
    database.migrate();
    database.execute("ALTER TABLE requests ADD CHECK (request_id <> 'poison')");
    let server = flow.server(database).start();
    let message = |request: &str| Message::new(42, CLUSTER, request);
    flow.publish(&[message("before"), message("poison"), message("after")]);
    server.until(|server| (recorded(server, "stored") == 2).then_some(()));
    assert_eq!(recorded(&server, "rejected"), 1);
    let letters = flow.broker.read(&flow.dead_letters);
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].value, message("poison").to_string().as_bytes());
    assert_eq!(letters[0].header("gathering-reason"), "the database refuses the event");
    until(|| flow.broker.uncommitted(&flow.results, &flow.group) == 0);
}

#[test]
fn announcements_for_this_service_are_recorded() {
    let flow = Flow::new(1);
    let announcements = flow.broker.topic(2);
    let identity = json!({"identity": {"internal": {"org_id": "42"}, "system": {"cluster_id": CLUSTER}}});
    let announcement = |request: &str, service: &str| {
        let identity = base64::engine::general_purpose::STANDARD.encode(identity.to_string());
        json!({"request_id": request, "service": service, "b64_identity": identity}).to_string()
    };
    let publish = |request: &str, service: &str| {
        flow.broker.publisher().publish_with(
            &announcements,
            announcement(request, service),
            "",
            &[("service", service)],
        );
    };
    publish("foreign", "compliance");
    flow.broker.publisher().publish_with(&announcements, "not even JSON", "", &[("service", "compliance")]);
    publish("ours", "openshift");
    flow.broker.publisher().publish(&announcements, announcement("bare", "openshift"));
    flow.broker.publisher().publish_with(&announcements, "{}", "", &[("service", "openshift")]);
    flow.broker.publisher().flush();
    let setting = format!("ingest.kafka.announcements_topic={announcements}");
    let server = flow.server(TestDatabase::sqlite()).set(&setting).start();
    server.until(|server| (recorded(server, "stored") + recorded(server, "rejected") == 3).then_some(()));
    assert_eq!(server.state(42, CLUSTER, "ours"), Some(RequestState::Received));
    assert_eq!(server.state(42, CLUSTER, "bare"), Some(RequestState::Received));
    assert_eq!(recorded(&server, "skipped"), 0, "what is for others is not even counted");
    assert_eq!(recorded_of(&server, "announcement", "stored"), 2, "apart from results");
    assert_eq!(flow.broker.read(&flow.dead_letters).len(), 1);
    flow.publish(&[Message::new(42, CLUSTER, "ours")]);
    server.until(|server| (server.state(42, CLUSTER, "ours") == Some(RequestState::Processed)).then_some(()));
    until(|| flow.broker.uncommitted(&announcements, &flow.group) == 0);
}

#[test]
fn the_payload_tracker_is_told_as_today() {
    let flow = Flow::new(1);
    let tracker = flow.broker.topic(1);
    let message = |request: &str| Message::new(42, CLUSTER, request);
    flow.publish(&[
        message("good").with("AccountNumber", json!(7)),
        message("bad").with("Version", json!("x")),
        message("unasked").with("RequestId", Value::Null),
        message("none").failed().with("AccountNumber", Value::Null),
    ]);
    let server = flow
        .server(TestDatabase::sqlite())
        .set(&format!("ingest.kafka.payload_tracker_topic={tracker}"))
        .set("ingest.kafka.service_name=the-service")
        .start();
    server.until(|server| (recorded(server, "failed") == 2).then_some(()));
    let read = || flow.broker.read(&tracker);
    until(|| read().len() >= 8);
    let told: Vec<Value> =
        read().iter().map(|message| serde_json::from_slice(&message.value).unwrap()).collect();
    let of = |request: &str| -> Vec<&str> {
        let of = told.iter().filter(|message| message["request_id"] == request);
        of.map(|message| message["status"].as_str().unwrap()).collect()
    };
    assert_eq!(of("good"), ["received", "processed", "success"]);
    assert_eq!(of("bad"), ["processed", "error"]);
    assert_eq!(of("none"), ["received", "processed", "success"]);
    assert_eq!(told.len(), 8);
    assert_eq!(
        told[0],
        json!({
            "service": "the-service", "request_id": "good", "status": "received", "org_id": "42", "account": "7",
            "date": "2026-03-01T13:00:00Z"
        })
    );
    let without = told.iter().find(|message| message["request_id"] == "none").unwrap();
    assert_eq!(without.get("account"), None);
}

#[test]
fn the_last_good_allow_list_stays() {
    let flow = Flow::new(1);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "Organization\n42\n").unwrap();
    let setting = format!("ingest.allowlist_file={}", file.path().display());
    let server = flow.server(TestDatabase::sqlite()).set(&setting).start();
    let both = |round: u64| {
        for organization in [42, 43] {
            flow.publish(&[Message::new(organization, CLUSTER, &format!("r{round}"))]);
        }
        server.until(|server| {
            (recorded(server, "stored") == round && recorded(server, "rejected") == round).then_some(())
        });
    };
    both(1);
    std::fs::write(file.path(), "Organization\nbroken, and longer than before\n").unwrap();
    server.until(|server| {
        let text = server.admin("/metrics").send().body;
        let name = "gathering_changed_files_unusable{files=\"allow list\"}";
        (sample(&text, name) == Some(1)).then_some(())
    });
    both(2);
    until(|| flow.broker.uncommitted(&flow.results, &flow.group) == 0);
    assert_eq!(flow.broker.read(&flow.dead_letters).len(), 2);
}

#[test]
fn a_message_that_is_too_large_for_the_dead_letter_topic_is_in_the_log() {
    let flow = Flow::new(1);
    let database = TestDatabase::sqlite();
    let mut arguments = flow.arguments(&["serve", "--role", "ingest"], database.url());
    arguments.extend(["--set", "ingest.kafka.properties.message.max.bytes=1000"].map(str::to_owned));
    let running = Program::new().serve(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    flow.broker.publisher().publish(&flow.results, format!("nonsense {}", "x".repeat(2_000)));
    flow.broker.publisher().publish(&flow.results, "small nonsense");
    flow.broker.publisher().flush();
    until(|| flow.broker.uncommitted(&flow.results, &flow.group) == 0);
    let text = running.admin("/metrics").send().body;
    assert_eq!(sample(&text, "gathering_kafka_refused_without_dead_letter_total"), Some(1));
    assert_eq!(flow.broker.read(&flow.dead_letters).len(), 1, "the other is kept");
    let stderr = running.stderr();
    let line = stderr.lines().find(|line| line.contains("too large for the dead letter topic")).unwrap();
    assert!(line.contains(": nonsense xxx"), "{line}");
}

#[test]
fn a_flood_of_dead_letters_keeps_none_that_is_too_large_for_their_topic_out_of_the_log() {
    let flow = Flow::new(1);
    let database = TestDatabase::sqlite();
    for number in 0..500 {
        flow.broker.publisher().publish(&flow.results, format!("nonsense {number}"));
    }
    flow.broker.publisher().publish(&flow.results, format!("the last copy {}", "x".repeat(2_000)));
    flow.broker.publisher().flush();
    let mut arguments = flow.arguments(&["serve", "--role", "ingest"], database.url());
    arguments.extend(["--set", "ingest.kafka.properties.message.max.bytes=1000"].map(str::to_owned));
    let running = Program::new().serve(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    until(|| flow.broker.uncommitted(&flow.results, &flow.group) == 0);
    assert_eq!(flow.broker.read(&flow.dead_letters).len(), 500);
    let stderr = running.stderr();
    assert!(stderr.contains(": the last copy xxx"), "it is nowhere else: {stderr}");
}

#[test]
fn what_waits_shows_as_lag() {
    let flow = Flow::new(1);
    let server = flow.server(TestDatabase::sqlite()).start();
    flow.publish(&[Message::new(42, CLUSTER, "r0")]);
    until(|| flow.broker.committed(&flow.results, &flow.group, 1) == [Some(1)]);
    server.database().execute("ALTER TABLE requests RENAME TO elsewhere");
    let waiting: Vec<_> = (0..50).map(|number| Message::new(42, CLUSTER, &format!("w{number}"))).collect();
    flow.publish(&waiting);
    let name = format!("gathering_kafka_lag{{partition=\"0\",topic=\"{}\"}}", flow.results);
    let lag = |expected: u64| {
        server.until(|server| {
            let text = server.admin("/metrics").send().body;
            (sample(&text, &name) == Some(expected)).then_some(())
        });
    };
    lag(50);
    server.database().execute("ALTER TABLE elsewhere RENAME TO requests");
    lag(0);
}

#[test]
fn what_waits_shows_as_lag_where_nothing_was_ever_recorded() {
    let flow = Flow::new(1);
    let server = flow.server(TestDatabase::sqlite()).start();
    server.database().execute("ALTER TABLE requests RENAME TO elsewhere");
    flow.publish(&(0..7).map(|number| Message::new(42, CLUSTER, &format!("w{number}"))).collect::<Vec<_>>());
    let name = format!("gathering_kafka_lag{{partition=\"0\",topic=\"{}\"}}", flow.results);
    server.until(|server| {
        let text = server.admin("/metrics").send().body;
        (sample(&text, &name) == Some(7)).then_some(())
    });
}

#[test]
fn samples_are_taken() {
    let (flow, program) = (Flow::new(1), Program::new());
    let announcements = flow.broker.topic(1);
    let print = |arguments: &[&str]| {
        let common = ["--cluster", CLUSTER, "--at", "2026-03-01T12:00:00Z"];
        program.run(&[&["sample"], arguments, &common].concat()).ok().last_line().to_owned()
    };
    let publisher = flow.broker.publisher();
    publisher.publish(&announcements, print(&["announcement", "--request", "announced"]));
    publisher.publish(&flow.results, print(&["result", "--request", "done", "--hit", "rules.a|KEY"]));
    publisher.publish(&flow.results, print(&["result", "--request", "broken", "--failed"]));
    publisher.flush();
    let topic = format!("ingest.kafka.announcements_topic={announcements}");
    let server = flow.server(TestDatabase::sqlite()).set(&topic).start();
    for (request, state) in [
        ("announced", RequestState::Received),
        ("done", RequestState::Processed),
        ("broken", RequestState::Failed),
    ] {
        server.until(|server| (server.state(42, CLUSTER, request) == Some(state)).then_some(()));
    }
}
