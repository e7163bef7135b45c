//! The audit: who read or wrote what, apart from all other lines and whatever the log is set to.

use gathering_tests::{CLUSTER, Message, OTHER_CLUSTER, Program};
use serde_json::Value;

use crate::secret;

const AUDIT: [&str; 2] = ["--set", "log.audit=true"];

/// The lines of the audit; every other line is passed over.
fn audited(stderr: &str) -> Vec<Value> {
    let lines = stderr.lines().filter(|line| line.contains("gathering::audit"));
    lines.map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"))).collect()
}

fn token(program: &Program, arguments: &[&str]) -> String {
    program.run(&[&["token"], arguments].concat()).ok().stdout.trim().to_owned()
}

#[test]
fn each_read_and_write_has_a_line_that_no_filter_keeps_out() {
    let program = Program::new();
    let key = secret(&program);
    let mint = |arguments: &[&str]| token(&program, &[arguments, &["--set", &key]].concat());
    let writer = mint(&["--org", "42", "--scope", "write", "--subject", "pipeline"]);
    let reader = mint(&["--org", "42", "--subject", "alice"]);
    let bound = mint(&["--org", "42", "--cluster", OTHER_CLUSTER, "--subject", "bob"]);
    let running = program.serve_with(
        &[&["serve", "--set", &key][..], &AUDIT].concat(),
        // All that says where the service answers, and nothing else.
        &[("RUST_LOG", "off,gathering_server=info")],
    );
    let id = |call: gathering_tests::Call, id: &str| call.header("x-rh-insights-request-id", id);
    let lines = [
        Message::new(42, CLUSTER, "r1"),
        Message::new(42, CLUSTER, "r2").failed(),
        Message::new(43, CLUSTER, "r3"),
    ];
    let body = lines.map(|line| line.to_string() + "\n").concat();
    let call = running
        .call("POST", "/ingest/results")
        .bearer(&writer)
        .header("content-type", "application/x-ndjson");
    assert_eq!(id(call.body(body), "w1").send().status, 200);
    let path = format!("/cluster/{CLUSTER}/request/r1");
    assert_eq!(id(running.call("GET", &format!("{path}/status")).bearer(&reader), "s1").send().status, 200);
    assert_eq!(id(running.call("GET", &format!("{path}/report")).bearer(&reader), "p1").send().status, 200);
    let requests = format!("/cluster/{CLUSTER}/requests");
    assert_eq!(id(running.call("GET", &requests).bearer(&reader), "l1").send().status, 200);
    assert_eq!(id(running.call("POST", &requests).bearer(&reader).body("[\"r1\"]"), "l2").send().status, 200);
    assert_eq!(id(running.call("GET", &requests).bearer(&bound), "f1").send().status, 403);
    assert_eq!(id(running.call("GET", &requests).bearer("nonsense"), "u1").send().status, 401);
    assert_eq!(running.call("GET", "/openapi.json").send().status, 200);
    running.signal("TERM");
    let stderr = running.wait().stderr;
    let lines = audited(&stderr);
    let told: Vec<_> = lines
        .iter()
        .map(|line| {
            let text = |name: &str| line[name].as_str().unwrap_or("-").to_owned();
            [text("call_id"), text("action"), text("caller"), text("request"), text("outcome")].join(" ")
        })
        .collect();
    assert_eq!(
        told,
        [
            "w1 write.request pipeline r1 stored",
            "w1 write.request pipeline r2 failed",
            "w1 write.results pipeline - answered",
            "s1 read.status alice r1 answered",
            "p1 read.report alice r1 answered",
            "l1 read.list alice - answered",
            "l2 read.selection alice - answered",
            "f1 read.list bob - refused",
            "u1 read.list - - refused",
        ]
    );
    assert_eq!((&lines[0]["organization"], &lines[0]["cluster"]), (&"42".into(), &CLUSTER.into()));
    assert_eq!(lines[2]["messages"], "stored 1, failed 1, skipped 0, rejected 1");
    assert_eq!((&lines[3]["caller_organization"], &lines[3]["cluster"]), (&"42".into(), &CLUSTER.into()));
    assert_eq!((&lines[7]["status"], &lines[8]["status"]), (&403.into(), &401.into()));
    assert!(lines.iter().all(|line| line["time"].is_string()), "{lines:?}");
    for token in [&writer, &reader, &bound] {
        assert!(!stderr.contains(token.rsplit('.').next().unwrap()), "no part of a token");
    }
}

#[test]
fn strangers_cause_few_lines_and_known_callers_have_all_of_theirs() {
    const CALLS: usize = 400;
    let program = Program::new();
    let key = secret(&program);
    let reader = token(&program, &["--org", "42", "--subject", "alice", "--set", &key]);
    let running = program.serve(&[&["serve", "--set", &key][..], &AUDIT].concat());
    let path = format!("/cluster/{CLUSTER}/requests");
    for number in 0..CALLS {
        assert_eq!(running.call("GET", &path).send().status, 401);
        if number % 10 == 0 {
            assert_eq!(running.call("GET", &path).bearer(&reader).send().status, 404);
        }
    }
    running.signal("TERM");
    let lines = audited(&running.wait().stderr);
    let (strangers, known): (Vec<_>, Vec<_>) = lines.iter().partition(|line| line["caller"].is_null());
    assert_eq!(known.len(), CALLS / 10);
    let unsaid: usize = strangers
        .iter()
        .map(|line| usize::try_from(line["unsaid"].as_u64().unwrap_or_default()).unwrap())
        .sum();
    // One a second: on the slowest machine far fewer than there were calls.
    assert!((20..CALLS / 2).contains(&strangers.len()), "{}", strangers.len());
    assert!(strangers.len() + unsaid <= CALLS);
}

#[test]
fn it_is_off_unless_it_is_set_whatever_the_filter_says() {
    let program = Program::new();
    let running = program.serve_with(
        &["serve", "--set", "auth.mode=disabled"],
        &[("RUST_LOG", "info,gathering::audit=trace")],
    );
    assert_eq!(running.call("GET", &format!("/cluster/{CLUSTER}/requests")).send().status, 404);
    running.signal("TERM");
    assert!(!running.wait().stderr.contains("gathering::audit"));
}

#[test]
fn commands_of_the_machine_are_in_it() {
    let program = Program::new();
    let message = Message::new(42, CLUSTER, "a").to_string();
    let import = ["import", "results", "-", "--set", "log.audit=true"];
    let run = program.run_with_input(&import, message.as_bytes()).ok();
    assert_eq!(audited(&run.stderr)[0]["action"], "import.results");
    for (command, action, outcome) in [
        (&["show", "--cluster", CLUSTER][..], "show", "answered"),
        (&["backup", "copy.db"], "backup", "bytes"),
        (&["erase", "--org", "42", "--dry-run"], "count", "1 requests and 1 clusters"),
        (&["erase", "--org", "42"], "erase", "1 requests and 1 clusters"),
    ] {
        let run = program.run(&[command, &AUDIT, &["--set", "log.filter=off"]].concat()).ok();
        let lines = audited(&run.stderr);
        let last = lines.last().unwrap();
        assert!(lines.iter().all(|line| line["action"] == action && line["user"].is_u64()), "{run:?}");
        assert!(last["outcome"].as_str().unwrap().contains(outcome), "{run:?}");
        assert_eq!(lines.len() == 2 && lines[0]["outcome"] == "begun", action == "erase", "{run:?}");
    }
    for name in ["config.yaml", "external/none", "internal/none"] {
        program.file(&format!("content/{name}"), "");
    }
    let import = ["import", "content", "content", "--allow-empty"];
    let run = program.run(&[&import[..], &AUDIT].concat()).ok();
    assert_eq!(audited(&run.stderr)[0]["action"], "import.content");
    let run = program.run(&[&["migrate", "--revert"][..], &AUDIT].concat()).ok();
    let lines = audited(&run.stderr);
    assert_eq!(
        (&lines[0]["action"], &lines[0]["outcome"]),
        (&"migrate.revert".into(), &"0003w_erasures".into()),
        "{run:?}"
    );
    let run = program.run(&[
        "backup",
        "copy.db",
        "--overwrite",
        "--set",
        "log.audit=true",
        "--set",
        "storage.url=sqlite://copy.db",
    ]);
    assert_eq!(run.code, Some(2), "what is refused before it begins did nothing");
}
