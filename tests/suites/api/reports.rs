//! What reports say, and that they stay within what the operator takes.

use gathering_tests::{CLUSTER, Message, TestDatabase, TestServer};
use serde_json::{Value, json};

use crate::fixture::report;
use crate::on_both;

on_both!(
    hits_are_worded_and_ordered,
    limits_of_the_operator_are_kept,
    hits_without_content_can_be_shown,
    new_content_is_taken_while_running,
    new_content_is_taken_when_files_are_read_again,
);

/// The report, once the server has taken the content.
fn hits(server: &TestServer, request: &str, count: usize) -> Vec<Value> {
    let token = server.token(42);
    server.until(|server| {
        let answer = server.get(&report(CLUSTER, request)).bearer(&token).send().json();
        let hits = answer["report"].as_array().unwrap().clone();
        (hits.len() == count).then_some(hits)
    })
}

fn hits_are_worded_and_ordered(database: TestDatabase) {
    let server = TestServer::start(database);
    server.content(&[
        ("rules.low|KEY", "Low: a text with \"quotes\" & <tags>.\n", 1),
        ("rules.high.a|Z", "High, the first rule.", 4),
        ("rules.high.b|A", "High, the second rule, first key.", 4),
        ("rules.high.b|B", "High, the second rule, second key.", 4),
        ("rules.not.hit|KEY", "Nobody reads this one.", 4),
    ]);
    server.import(&[Message::new(42, CLUSTER, "r")
        .hit("rules.low|KEY")
        .hit("rules.high.b|B")
        .hit("rules.high.a|Z")
        .hit("rules.unknown|KEY")
        .hit("rules.high.b|A")
        .hit("rules.low|KEY")]);
    let entry = |rule: &str, key: &str, description: &str, risk: u8| json!({"rule_fqdn": rule, "error_key": key, "description": description, "total_risk": risk});
    assert_eq!(
        hits(&server, "r", 4),
        [
            entry("rules.high.a", "Z", "High, the first rule.", 4),
            entry("rules.high.b", "A", "High, the second rule, first key.", 4),
            entry("rules.high.b", "B", "High, the second rule, second key.", 4),
            entry("rules.low", "KEY", "Low: a text with \"quotes\" & <tags>.\n", 1),
        ]
    );
}

fn limits_of_the_operator_are_kept(database: TestDatabase) {
    let server = TestServer::start(database);
    let long = "\u{e9}".repeat(3000);
    let names: Vec<String> = (0..150).map(|number| format!("rules.r{number:03}|KEY")).collect();
    let mut content: Vec<(&str, &str, i32)> =
        names.iter().map(|name| (name.as_str(), "An ordinary text.", 2)).collect();
    content.extend([
        ("rules.top|LONG", long.as_str(), 9),
        ("rules.top|SHORT", "tiny", 3),
        ("rules.top|NONE", "A text.....", 0),
    ]);
    server.content(&content);
    let all = names.iter().fold(Message::new(42, CLUSTER, "many"), |message, name| message.hit(name));
    server.import(&[
        all.hit("rules.top|LONG"),
        Message::new(42, CLUSTER, "few").hit("rules.top|LONG").hit("rules.top|SHORT").hit("rules.top|NONE"),
    ]);
    let many = hits(&server, "many", 100);
    assert_eq!(many[0]["error_key"], "LONG", "the highest risk stays");
    let few = hits(&server, "few", 3);
    let text = few[0]["description"].as_str().unwrap();
    assert!(text.chars().count() == 2048 && text.ends_with('\u{2026}'));
    assert_eq!(few[1]["description"], "rules.top|SHORT", "a text that is too short gives way");
    assert_eq!([&few[0], &few[1], &few[2]].map(|hit| hit["total_risk"].as_u64().unwrap()), [4, 3, 1]);
}

fn hits_without_content_can_be_shown(database: TestDatabase) {
    let server = TestServer::builder(database).set("report.unknown_content=include").start();
    server.import(&[Message::new(42, CLUSTER, "r").hit("rules.unknown|KEY")]);
    let expected = json!({"rule_fqdn": "rules.unknown", "error_key": "KEY", "description": "rules.unknown|KEY", "total_risk": 1});
    assert_eq!(hits(&server, "r", 1), [expected]);
}

fn new_content_is_taken_while_running(database: TestDatabase) {
    let server = TestServer::start(database);
    server.import(&[Message::new(42, CLUSTER, "r").hit("rules.a|KEY")]);
    assert_eq!(hits(&server, "r", 0), [Value::Null; 0]);
    server.content(&[("rules.a|KEY", "The first wording.", 2)]);
    assert_eq!(hits(&server, "r", 1)[0]["description"], "The first wording.");
    server.content(&[("rules.a|KEY", "The second wording.", 2)]);
    let token = server.token(42);
    server.until(|server| {
        let answer = server.get(&report(CLUSTER, "r")).bearer(&token).send().json();
        (answer["report"][0]["description"] == "The second wording.").then_some(())
    });
}

fn new_content_is_taken_when_files_are_read_again(database: TestDatabase) {
    let server = TestServer::builder(database).without_content_refresh().start();
    server.import(&[Message::new(42, CLUSTER, "r").hit("rules.a|KEY")]);
    // It returns once the server has taken it, which does not look by itself.
    server.content(&[("rules.a|KEY", "The first wording.", 2)]);
    assert_eq!(hits(&server, "r", 1)[0]["description"], "The first wording.");
}
