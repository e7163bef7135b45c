//! `gathering import results`

use std::fs;

use gathering_tests::{CLUSTER, Message, Program, TestDatabase, TestServer};
use serde_json::{Value, json};

use crate::refused;

fn mixed() -> String {
    [
        Message::new(42, CLUSTER, "good").hit("rules.a|KEY").to_string(),
        Message::new(42, CLUSTER, "broken").failed().to_string(),
        Message::new(42, CLUSTER, "not_askable").to_string(),
        Message::new(0, CLUSTER, "nobody").to_string(),
        "[1, 2]".to_owned(),
        Message::new(43, CLUSTER, "good").to_string(),
    ]
    .join("\n")
}

fn on(database: &TestDatabase) -> String {
    format!("storage.url={}", database.url())
}

#[test]
fn the_summary_is_the_last_line_and_every_refusal_is_told() {
    for database in [TestDatabase::sqlite(), TestDatabase::postgres()] {
        let program = Program::new();
        program.file("mixed.ndjson", mixed());
        let run = program.run(&["import", "results", "mixed.ndjson", "--set", &on(&database)]);
        assert_eq!(
            (run.code, run.stdout.as_str()),
            (Some(1), "stored 2, failed 1, skipped 1, rejected 2\n"),
            "{run:?}"
        );
        let expected = [
            "mixed.ndjson:2: failed: the report is empty",
            "mixed.ndjson:3: skipped: the request ID is not 1 to 128 ASCII letters, digits or hyphens, with no hyphen at its start, so nobody can ask for it",
            "mixed.ndjson:4: rejected: the attribute 'OrgID' is not a whole number from 1 to 4294967295",
            "mixed.ndjson:5: rejected: the message is not a JSON object",
            "gathering: some records were rejected, 2 in all; each is named above with its reason",
        ];
        assert_eq!(run.stderr.lines().collect::<Vec<_>>(), expected);

        let server = TestServer::start(database);
        let now = gathering_domain::time::Clock::now(&gathering_domain::time::SystemClock).as_micros();
        let ahead = u64::try_from(now - server.now().as_micros()).unwrap();
        server.advance(std::time::Duration::from_micros(ahead));
        let token = server.token(42);
        let status = |request: &str| {
            server.get(&format!("/cluster/{CLUSTER}/request/{request}/status")).bearer(&token).send().json()["status"].clone()
        };
        assert_eq!((status("good"), status("broken")), (json!("processed"), json!("failed")));
    }
}

#[test]
fn json_is_one_object_a_record_and_nothing_else() {
    let program = Program::new();
    program.file("mixed.ndjson", mixed());
    program.file("other.json", Message::new(7, CLUSTER, "other").to_string());
    let run = program.run(&["import", "results", "--json", "mixed.ndjson", "other.json"]);
    assert_eq!(run.code, Some(1));
    assert_eq!(
        run.stderr,
        "gathering: some records were rejected, 2 in all; each is named above with its reason\n"
    );
    let lines: Vec<Value> = run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 7);
    assert_eq!(
        lines[0],
        json!({"file": "mixed.ndjson", "record": 1, "outcome": "stored", "organization": 42, "cluster": CLUSTER,
            "request_id": "good", "reason": null})
    );
    assert_eq!(
        lines[1],
        json!({"file": "mixed.ndjson", "record": 2, "outcome": "failed", "organization": 42, "cluster": CLUSTER,
            "request_id": "broken", "reason": "the report is empty"})
    );
    assert_eq!((&lines[2]["outcome"], &lines[2]["request_id"]), (&json!("skipped"), &json!("not_askable")));
    assert_eq!((&lines[3]["outcome"], &lines[3]["organization"]), (&json!("rejected"), &json!(null)));
    assert_eq!(
        lines[4],
        json!({"file": "mixed.ndjson", "record": 5, "outcome": "rejected", "organization": null, "cluster": null,
            "request_id": null, "reason": "the message is not a JSON object"})
    );
    assert_eq!((&lines[6]["file"], &lines[6]["record"]), (&json!("other.json"), &json!(1)));
}

#[test]
fn somebody_who_stops_reading_does_not_stop_the_import() {
    let program = Program::new();
    program.file("a.ndjson", Message::new(1, CLUSTER, "a").to_string() + "\n[]");
    program.file("b.ndjson", Message::new(1, CLUSTER, "b").to_string());
    for json in [&["--json"][..], &[]] {
        let mut command = program.command(&["import", "results"]);
        let mut child = command
            .args(json)
            .args(["a.ndjson", "b.ndjson"])
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(1), "a record was rejected: {output:?}");
    }
    let running = program.serve(&["serve", "--set", "auth.mode=disabled"]);
    let list = running.call("GET", &format!("/cluster/{CLUSTER}/requests")).send().json();
    assert_eq!(list["requests"].as_array().map(Vec::len), Some(2));
}

#[test]
fn without_rejected_records_it_succeeds() {
    let program = Program::new();
    let input =
        format!("{}\n{}", Message::new(42, CLUSTER, "broken").failed(), Message::new(42, CLUSTER, ""));
    let run = program.run_with_input(&["import", "results", "-"], input.as_bytes()).ok();
    assert_eq!(run.last_line(), "stored 0, failed 1, skipped 1, rejected 0");
    assert!(run.stderr.starts_with("-:1: failed: the report is empty\n-:2: skipped: "), "{run:?}");
    assert!(program.folder().join("data/gathering.db").is_file(), "the default database is in data/");
}

#[test]
fn an_unreadable_document_ends_its_file_and_not_the_next() {
    let program = Program::new();
    let good = |request: &str| Message::new(42, CLUSTER, request).to_string();
    program.file("a.json", format!("{}\n{{\"cut\": \n", good("one")));
    program.file("b.json", format!("{}{{}}", good("two")));
    program.file("empty.json", "");
    let run = program.run(&["import", "results", "a.json", "missing.json", "empty.json", ".", "b.json"]);
    assert_eq!(
        (run.code, run.last_line()),
        (Some(1), "stored 2, failed 0, skipped 0, rejected 4"),
        "{run:?}"
    );
    for part in [
        "a.json:2: rejected: not a JSON document (line 3, column 0); the rest of the file is not read",
        "missing.json:1: rejected: the file cannot be read: ",
        ".:1: rejected: the file cannot be read: ",
        "b.json:2: rejected: no white space after the document before; the rest of the file is not read",
    ] {
        assert!(run.stderr.contains(part), "{part}: {}", run.stderr);
    }
}

#[test]
fn a_database_that_is_away_is_one_sentence() {
    let program = Program::new();
    program.file("a.json", Message::new(42, CLUSTER, "a").to_string());
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("storage.url=postgres://u:secret@{nobody}/d");
    let run = program.run(&["import", "results", "a.json", "--set", &url]);
    let sentence = refused(&run, 1);
    assert!(
        sentence.starts_with(&format!("the database postgres://u:***@{nobody}/d cannot be opened")),
        "{run:?}"
    );
    assert!(sentence.contains("check that it runs") && !sentence.contains("secret"), "{sentence}");
}

#[test]
fn a_schema_that_is_behind_is_told_when_it_must_not_be_changed() {
    let program = Program::new();
    program.file("a.json", Message::new(42, CLUSTER, "a").to_string());
    let arguments = ["import", "results", "a.json", "--set", "storage.migrate_on_start=false"];
    let run = program.run(&arguments);
    assert!(refused(&run, 1).contains("apply them with `gathering migrate`"), "{run:?}");
    program.run(&["migrate"]).ok();
    program.run(&arguments).ok();
}

#[test]
fn importing_again_changes_nothing() {
    let program = Program::new();
    program.file("a.json", Message::new(42, CLUSTER, "a").hit("rules.a|KEY").to_string());
    for _ in 0..2 {
        program.run(&["import", "results", "a.json"]).ok();
    }
    let running = program.serve(&["serve", "--set", "auth.mode=disabled", "--set", "auth.disabled_org=42"]);
    let list = running.call("GET", &format!("/cluster/{CLUSTER}/requests")).send().json();
    assert_eq!(list["requests"].as_array().map(Vec::len), Some(1));
    assert!(fs::metadata(program.folder().join("data/gathering.db")).is_ok());
}
