//! `gathering demo`: what `make run` shows, and what programs start that test clients.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use gathering_tests::{CLUSTER, Message, Program, Timestamp, signal, until, until_some};
use serde_json::{Value, json};

use crate::started::{Started, command, entries, start, temporary};

/// Starts the demo, pastes every `curl` line that it prints into a shell, and returns what they print.
fn pasted(program: &Program) -> Vec<String> {
    let mut child = command(program, &[]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let lines: Vec<String> = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap)
        .take_while(|line| !line.starts_with("Data: "))
        .collect();
    let page = lines.iter().position(|line| line.starts_with("http://")).unwrap();
    assert!(lines[page].ends_with("/ui#/cluster/3f0a1c52-8a0e-4c3b-9a57-6d1f0c2b7e11"), "{}", lines[page]);
    assert!(lines[page + 1..].iter().any(|line| line.split('.').count() == 3 && !line.contains(' ')));
    // Where curl is not installed, the last folder has something that does the same with these lines.
    let stand_in = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/stand-in");
    let path = format!("{}:{stand_in}", std::env::var("PATH").unwrap());
    let answers = lines
        .iter()
        .filter(|line| line.starts_with("curl "))
        .map(|line| {
            let mut shell = Command::new("sh");
            shell.args(["-c", &format!("{line} --fail")]).env("PATH", &path).current_dir("/");
            let output = shell.output().unwrap();
            assert!(output.status.success(), "{line}: {output:?}");
            String::from_utf8(output.stdout).unwrap()
        })
        .collect();
    child.kill().unwrap();
    child.wait().unwrap();
    answers
}

#[test]
fn the_printed_lines_work_when_pasted_and_again_the_next_time() {
    let program = Program::new();
    let first = pasted(&program);
    assert!(first.len() >= 3, "{first:?}");
    let all = first.join("\n");
    for part in [
        "\"status\":\"received\"",
        "\"status\":\"processed\"",
        "\"status\":\"failed\"",
        "\"total_risk\":4",
        "\"total_risk\":1",
        "\"valid\":false",
        "\"stored\":1",
        "gathering_build_info",
    ] {
        assert!(all.contains(part), "{part}: {all}");
    }
    assert!(
        all.contains("gathering_records_total{kind=\"result\",outcome=\"stored\",source=\"file\"}"),
        "the import is counted: {all}"
    );
    // The first one was killed, after a result had been posted to it.
    let second = pasted(&program);
    let states = |text: &str| {
        let list: Value = serde_json::from_str(text).unwrap();
        let requests = list["requests"].as_array().unwrap().iter();
        requests.map(|request| request["status"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(states(&second[0]), states(&first[0]), "the second start begins anew");
    assert_eq!(entries(program.folder()), 1, "nothing but the place for temporary files");
}

const DEMO_CLUSTER: &str = "3f0a1c52-8a0e-4c3b-9a57-6d1f0c2b7e11";

#[test]
fn its_data_has_every_state_and_risk_over_the_whole_retention_time() {
    let program = Program::new();
    let demo = start(&program, &[]);
    let list = demo.get(&format!("/cluster/{DEMO_CLUSTER}/requests")).json();
    let requests = list["requests"].as_array().unwrap();
    for state in ["received", "failed", "processed"] {
        assert!(requests.iter().any(|request| request["status"] == state), "{state}: {list}");
    }
    let expires = |request: &Value| request["expires"].as_str().unwrap().parse::<Timestamp>().unwrap();
    let (newest, oldest) = (requests.iter().map(expires).max(), requests.iter().map(expires).min());
    let apart = newest.unwrap().saturating_duration_since(oldest.unwrap()).as_secs();
    assert!(apart > 23 * 3600, "the oldest is about to expire: {apart}");

    let report = |request: &Value| {
        let id = request["requestID"].as_str().unwrap();
        demo.get(&format!("/cluster/{DEMO_CLUSTER}/request/{id}/report")).json()["report"].clone()
    };
    let reports: Vec<_> =
        requests.iter().filter(|request| request["status"] == "processed").map(report).collect();
    let risks: Vec<_> = reports.iter().flat_map(|report| report.as_array().unwrap()).collect();
    for risk in 1..=4 {
        assert!(risks.iter().any(|hit| hit["total_risk"] == risk), "{risk}: {risks:?}");
    }
    assert!(reports.contains(&json!([])), "one without hits");
    // A cluster that is known, and has no request any more; one of another organization.
    let silent = demo.get("/cluster/e1946f2d-7ab8-4d70-a5f1-92c3b60e8d44/requests");
    assert_eq!((silent.status, silent.json()["requests"].clone()), (200, json!([])));
    assert_eq!(demo.get("/cluster/9d27b4a6-06ce-4f8b-8c1d-35e2f7d91a55/requests").status, 404);
}

#[test]
fn time_can_be_made_short() {
    let program = Program::new();
    let demo = start(&program, &["--messages", "/dev/null", "--set", "storage.retention=2s"]);
    assert_eq!(demo.line["organization"], 42, "there is no message to take one from");
    demo.post(&Message::new(42, CLUSTER, "r").to_string());
    let path = format!("/cluster/{CLUSTER}/request/r/status");
    until(|| demo.get(&path).status == 404);
}

#[test]
fn it_serves_messages_and_content_of_ones_own() {
    let program = Program::new();
    let first = Message::new(7, CLUSTER, "a").hit("rules.a|KEY");
    program.file("one.ndjson", format!("{first}\n{}", Message::new(7, CLUSTER, "b").failed()));
    program.file("two.json", Message::new(8, CLUSTER, "c").to_string());
    program.file("tree/config.yaml", "impact:\n  Severe: 4\n");
    program.file("tree/internal/readme.txt", "nothing here");
    program.file("tree/external/rule/plugin.yaml", "python_module: rules.a\n");
    program.file("tree/external/rule/reason.md", "because");
    program.file("tree/external/rule/KEY/generic.md", "The text of the rule.");
    program.file("tree/external/rule/KEY/metadata.yaml", "impact: Severe\nlikelihood: 2\nstatus: active\n");
    let demo = start(&program, &["--messages", "one.ndjson", "two.json", "--content", "tree"]);
    assert_eq!(demo.line["organization"], 7);
    let report = demo.get(&format!("/cluster/{CLUSTER}/request/a/report")).json();
    assert_eq!(report["report"][0]["description"], "The text of the rule.");
    let list = demo.get(&format!("/cluster/{CLUSTER}/requests")).json();
    assert_eq!(
        list["requests"].as_array().unwrap().len(),
        2,
        "those of one's own organization, nothing else"
    );

    // What is imported meanwhile is there as well.
    program.file("tree/external/rule/KEY/generic.md", "Another text of the rule.");
    let database = until_some(|| {
        let folder = temporary(&program).read_dir().unwrap().next()?.unwrap().path();
        Some(folder.join("demo.db"))
    });
    let url = format!("storage.url=sqlite://{}", database.display());
    program.run(&["import", "content", "tree", "--set", &url]).ok();
    until(|| {
        let report = demo.get(&format!("/cluster/{CLUSTER}/request/a/report")).json();
        report["report"][0]["description"] == "Another text of the rule."
    });
}

/// What the demo prints for people.
fn introduction(program: &Program, arguments: &[&str]) -> String {
    let mut child = command(program, arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let text: Vec<_> = lines.take_while(|line| !line.starts_with("Data: ")).collect();
    child.kill().unwrap();
    child.wait().unwrap();
    text.join("\n")
}

#[test]
fn people_are_shown_a_request_of_their_messages() {
    let program = Program::new();
    program.file("one.json", Message::new(7, CLUSTER, "mine").to_string());
    let text = introduction(&program, &["--messages", "one.json"]);
    assert!(text.contains(&format!("/ui#/cluster/{CLUSTER}\n")), "{text}");
    assert!(text.contains(&format!("/cluster/{CLUSTER}/request/mine/report\n")), "{text}");
    assert!(text.contains("organization 7 "), "{text}");
}

#[test]
fn where_nobody_is_asked_callers_are_of_the_organization_of_the_messages() {
    let program = Program::new();
    program.file("one.json", Message::new(7, CLUSTER, "mine").to_string());
    let arguments = ["--messages", "one.json", "--set", "auth.mode=disabled"];
    let demo = start(&program, &arguments);
    assert_eq!(demo.line["organization"], 7);
    assert_eq!(demo.get(&format!("/cluster/{CLUSTER}/requests")).status, 200);
    let text = introduction(&program, &arguments);
    assert!(text.contains("every call is one of organization 7.") && !text.contains("oken"), "{text}");
    let named = start(&program, &["--set", "auth.mode=disabled", "--set", "auth.disabled_org=43"]);
    assert_eq!(named.line["organization"], 43);
    assert_eq!(named.get("/cluster/9d27b4a6-06ce-4f8b-8c1d-35e2f7d91a55/requests").status, 200);
}

#[test]
fn no_line_is_printed_that_would_be_refused() {
    let program = Program::new();
    let text = introduction(&program, &["--set", "ingest.http.enabled=false"]);
    assert!(text.contains("/report\n") && !text.contains("/ingest/"), "{text}");
    let gateway = ["--set", "auth.mode=identity-header", "--set", "auth.trusted_proxies=[\"127.0.0.1/32\"]"];
    let text = introduction(&program, &gateway);
    assert!(text.contains("without a token") && !text.contains("/requests\n"), "{text}");
    let demo = Started::of(command(&program, &gateway).arg("--json").stderr(Stdio::null()));
    assert_eq!(demo.line.get("token"), None);
}

#[test]
fn people_are_not_sent_to_a_page_that_is_switched_off() {
    let text = introduction(&Program::new(), &["--set", "ui.enabled=false"]);
    assert!(text.contains("A token for organization 42 ") && !text.contains("/ui"), "{text}");
}

#[test]
fn what_cannot_be_served_is_told_in_a_sentence() {
    let program = Program::new();
    let run = |arguments: &[&str]| {
        let finished = command(&program, arguments).arg("--json").output().unwrap();
        assert_eq!(String::from_utf8_lossy(&finished.stdout), "", "{finished:?}");
        assert_eq!(entries(&temporary(&program)), 0, "{finished:?}");
        (finished.status.code(), String::from_utf8(finished.stderr).unwrap())
    };
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    for key in ["http.bind", "admin.bind"] {
        let (code, told) = run(&["--set", &format!("{key}={address}")]);
        assert_eq!(code, Some(1), "{told}");
        assert!(told.starts_with(&format!("gathering: cannot listen on {address} (")), "{told}");
        assert!(told.contains(key), "{told}");
    }
    program.file("bad.json", "{\"OrgID\": 1}");
    program.file("empty/x", "");
    for (arguments, start) in [
        (["--messages", "bad.json"], "bad.json:1: rejected: "),
        (["--messages", "none.json"], "none.json:1: rejected: the file cannot be read: No such file"),
        (["--content", "none"], "gathering: none/config.yaml cannot be read (No such file"),
        (["--content", "empty"], "gathering: empty/config.yaml cannot be read (No such file"),
    ] {
        let (code, told) = run(&arguments);
        assert_eq!(code, Some(1), "{told}");
        assert!(told.starts_with(start), "{told}");
    }
    let (code, told) = run(&["--until-eof", "--messages", "-"]);
    assert_eq!(code, Some(2), "{told}");

    let mut nowhere = command(&program, &["--json"]);
    let finished = nowhere.env("TMPDIR", program.folder().join("none")).output().unwrap();
    let told = String::from_utf8(finished.stderr).unwrap();
    assert_eq!(finished.status.code(), Some(1), "{told}");
    assert!(told.starts_with("gathering: no temporary folder can be made in "), "{told}");
    assert!(told.trim_end().ends_with("; the variable TMPDIR names another place"), "{told}");
}

#[test]
fn a_database_that_is_named_is_kept() {
    let program = Program::new();
    let kept = ["--set", "storage.url=sqlite://kept.db"];
    for count in [1, 2] {
        let demo = start(&program, &kept);
        let list = demo.get(&format!("/cluster/{CLUSTER}/requests"));
        assert_eq!(list.status, if count == 1 { 404 } else { 200 });
        demo.post(&Message::new(42, CLUSTER, "mine").to_string());
        signal(&demo.child, "TERM");
        demo.ended();
    }
    assert!(program.folder().join("kept.db").is_file());
}
