//! `gathering sample`: messages to test with. That Kafka takes them is in the suite of Kafka.

use gathering_tests::{CLUSTER, Program, until};
use serde_json::{Value, json};

use crate::secret;

const HIT: &str = "rules.a|KEY";

#[test]
fn what_is_printed_can_be_imported_and_posted() {
    let program = Program::new();
    let result = |arguments: &[&str]| {
        let run = program.run(&[&["sample", "result", "--cluster", CLUSTER], arguments].concat()).ok();
        assert_eq!((run.stdout.lines().count(), run.stderr.as_str()), (1, ""));
        run.stdout
    };
    let messages = [
        result(&["--request", "a", "--hit", HIT, "--hit", "rules.b|OTHER"]),
        result(&["--request", "b", "--failed"]),
        result(&["--request", "c", "--at", "2h", "--org", "42"]),
        result(&[]),
    ];
    let import = program.run_with_input(&["import", "results", "-"], messages.concat().as_bytes()).ok();
    assert_eq!(import.last_line(), "stored 3, failed 1, skipped 0, rejected 0");

    let secret = secret(&program);
    let running = program.serve(&["serve", "--set", &secret, "--set", "report.unknown_content=include"]);
    let token = program.run(&["token", "--org", "42", "--scope", "read,write", "--set", &secret]).ok();
    let token = token.last_line().to_owned();
    let get = |path: &str| running.call("GET", path).bearer(&token).send();
    let report = get(&format!("/cluster/{CLUSTER}/request/a/report")).json();
    let hits: Vec<_> = report["report"].as_array().unwrap().iter().map(|hit| &hit["rule_fqdn"]).collect();
    assert_eq!(hits, ["rules.a", "rules.b"]);
    assert_eq!(get(&format!("/cluster/{CLUSTER}/request/b/status")).json()["status"], "failed");

    let announced =
        program.run(&["sample", "announcement", "--cluster", CLUSTER, "--request", "d"]).ok().stdout;
    let post = |path: &str, body: &str| {
        let call = running.call("POST", path).bearer(&token).header("Content-Type", "application/json");
        call.body(body).send().json()["stored"].clone()
    };
    assert_eq!(post("/ingest/announcements", &announced), 1);
    assert_eq!(get(&format!("/cluster/{CLUSTER}/request/d/status")).json()["status"], "received");
    assert_eq!(post("/ingest/results", &result(&["--request", "d"])), 1);
    until(|| get(&format!("/cluster/{CLUSTER}/request/d/status")).json()["status"] == "processed");
}

#[test]
fn it_says_what_was_asked_for() {
    let program = Program::new();
    let run = |arguments: &[&str]| program.run(&[&["sample"], arguments].concat()).ok().stdout;
    let at = "2026-03-01T11:30:00Z";
    let printed =
        run(&["result", "--org", "7", "--cluster", CLUSTER, "--request", "a", "--hit", HIT, "--at", at]);
    let message: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(
        [&message["OrgID"], &message["ClusterName"], &message["RequestId"], &message["LastChecked"]],
        [&json!(7), &json!(CLUSTER), &json!("a"), &json!(at)]
    );
    assert_eq!(message["Metadata"]["gathering_time"], at);
    let hit = &message["Report"]["reports"][0];
    assert_eq!([&hit["component"], &hit["key"]], ["rules.a.report", "KEY"]);
    // Each time another request, with an ID as the platform gives them.
    let request = || serde_json::from_str::<Value>(&run(&["result"])).unwrap()["RequestId"].to_string();
    assert_ne!(request(), request());
}

#[test]
fn what_no_message_can_say_is_wrong_usage() {
    let program = Program::new();
    for arguments in [
        &["result", "--hit", "rules.a"][..],
        &["result", "--hit", "rules a|KEY"],
        &["result", "--hit", HIT, "--failed"],
        &["result", "--request", "a/b"],
        &["result", "--request", ""],
        &["result", "--cluster", "abc"],
        &["result", "--org", "0"],
        &["announcement", "--org", "x"],
        &["announcement", "--at", "yesterday"],
        &["announcement", "--hit", HIT],
    ] {
        let run = program.run(&[&["sample"], arguments].concat());
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{arguments:?}: {run:?}");
        assert!(run.stderr.starts_with("error: "), "{run:?}");
    }
}
