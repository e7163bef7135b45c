//! `gathering show`: what is recorded of a cluster, for the person who runs the service. docs/RUNBOOK.md tells the causes apart
//! by it.

use gathering_tests::{Aggregator, Behaviour, CLUSTER, Message, OTHER_CLUSTER, Program, TestDatabase};
use serde_json::{Value, json};

use crate::refused;

struct Shown<'a> {
    program: &'a Program,
    url: String,
}

impl Shown<'_> {
    fn import(&self, messages: &[Message]) {
        let lines: String = messages.iter().map(|message| message.to_string() + "\n").collect();
        let all = ["import", "results", "-", "--set", &self.url];
        self.program.run_with_input(&all, lines.as_bytes()).ok();
    }

    fn text(&self, arguments: &[&str]) -> String {
        self.program.run(&[&["show", "--set", &self.url], arguments].concat()).ok().stdout
    }

    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.text(&[arguments, &["--json"]].concat())).unwrap()
    }
}

fn every_cause_is_told(database: &TestDatabase) {
    let program = Program::new();
    let shown = Shown { program: &program, url: format!("storage.url={}", database.url()) };
    program.run(&["migrate", "--set", &shown.url]).ok();
    assert_eq!(
        shown.text(&["--cluster", CLUSTER]),
        format!("nothing is recorded of cluster {CLUSTER}, in no organization\n")
    );

    program.file("rules/config.yaml", "impact:\n  Bad: 4\n");
    program.file("rules/external/disk/plugin.yaml", "python_module: rules.disk\n");
    program.file(
        "rules/external/disk/FULL/metadata.yaml",
        "description: A disk is full.\nimpact: Bad\nlikelihood: 4\n",
    );
    program.file("rules/external/disk/FULL/generic.md", "A disk is nearly full.\n");
    program.file("rules/external/disk/reason.md", "It is.\n");
    program.file("rules/internal/none.txt", "");
    program.run(&["import", "content", "rules", "--set", &shown.url]).ok();
    shown.import(&[
        Message::new(42, CLUSTER, "good").hit("rules.disk|FULL").hit("rules.new|UNKNOWN"),
        Message::new(42, CLUSTER, "bad").failed(),
        Message::new(43, CLUSTER, "elsewhere"),
        Message::new(42, OTHER_CLUSTER, "other"),
    ]);
    let all = shown.json(&["--cluster", CLUSTER]);
    let organizations = all["organizations"].as_array().unwrap();
    let numbers: Vec<_> = organizations.iter().map(|one| &one["organization"]).collect();
    assert_eq!(numbers, [42, 43], "whichever they are");
    let requests = organizations[0]["requests"].as_array().unwrap();
    let of = |name: &str| requests.iter().find(|request| request["requestID"] == name).unwrap();
    let good = of("good");
    assert_eq!(
        (&good["state"], &good["expired"], &good["hits"]),
        (&json!("processed"), &json!(false), &json!(2))
    );
    assert_eq!((&good["hits_without_content"], &good["hits_filtered"]), (&json!(1), &json!(0)));
    assert!(of("bad")["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{all}");
    assert!(organizations[0]["known_since"].is_string(), "{all}");

    let one = shown.text(&["--cluster", CLUSTER, "--request", "good"]);
    assert!(one.contains("rules.disk|FULL: shown\n"), "{one}");
    assert!(one.contains("rules.new|UNKNOWN: not shown: no rule content\n"), "{one}");
    assert!(one.contains("2 (1 without content)") && !one.contains("bad"), "{one}");
    assert!(
        one.contains("organization 43: known since") && one.contains("request good is not recorded"),
        "{one}"
    );

    let aggregator = Aggregator::start();
    aggregator.disable(42, CLUSTER, "rules.disk", "FULL");
    let filter = format!("report.filter.aggregator={}", aggregator.url());
    let filtered = shown.text(&["--cluster", CLUSTER, "--request", "good", "--set", &filter]);
    assert!(filtered.contains("rules.disk|FULL: not shown: report.filter\n"), "{filtered}");
    assert!(filtered.contains("2 (1 without content, 1 filtered)"), "{filtered}");
    assert!(!filtered.contains("gave no answer"), "{filtered}");
    aggregator.behave("", Behaviour::Away);
    let unfiltered = shown.text(&["--cluster", CLUSTER, "--request", "good", "--set", &filter]);
    assert!(unfiltered.contains("report.filter gave no answer"), "{unfiltered}");
    let json = shown.json(&["--cluster", CLUSTER, "--set", &filter]);
    assert_eq!(json["organizations"][0]["filter_unanswered"], true);

    database.execute("UPDATE requests SET expires_at = 1 WHERE request_id = 'good'");
    let expired = shown.text(&["--cluster", CLUSTER]);
    assert!(expired.contains("expired 1970-01-01T00:00:00Z"), "{expired}");
    assert_eq!(shown.json(&["--cluster", CLUSTER])["organizations"][0]["requests"][1]["expired"], true);

    let few = shown.text(&["--cluster", CLUSTER, "--limit", "1"]);
    assert!(few.contains("2 requests, the newest 1 of them:"), "{few}");
}

#[test]
fn every_cause_is_told_on_sqlite() {
    every_cause_is_told(&TestDatabase::sqlite());
}

#[test]
fn every_cause_is_told_on_postgres() {
    every_cause_is_told(&TestDatabase::postgres());
}

#[test]
fn a_look_changes_nothing() {
    let program = Program::new();
    let run = program.run(&["show", "--cluster", CLUSTER]);
    assert_eq!(refused(&run, 1), "there is no database at sqlite://data/gathering.db; check storage.url");
    assert!(!program.folder().join("data").exists());
    program.run(&["migrate"]).ok();
    program.run(&["migrate", "--revert"]).ok();
    let run = program.run(&["show", "--cluster", CLUSTER]);
    assert!(refused(&run, 1).contains("lacks the migrations 0003w_erasures"), "{run:?}");
}
