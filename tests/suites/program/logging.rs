//! Log lines: text or JSON, with the ID of the call.

use gathering_tests::Program;
use serde_json::Value;

use crate::secret;

const CLUSTER: &str = "5d5892d3-1f74-4ccf-91af-548dfc9767aa";

#[test]
fn json_is_one_object_a_line_with_the_id_of_the_call() {
    let program = Program::new();
    let mut running = vec!["serve".to_owned(), "--set".to_owned(), secret(&program)];
    running.extend(["--set".to_owned(), "log.format=json".to_owned()]);
    let arguments: Vec<&str> = running.iter().map(String::as_str).collect();
    let running = program.serve_with(&arguments, &[("RUST_LOG", "info,gathering::access=debug")]);
    running
        .call("GET", &format!("/cluster/{CLUSTER}/requests"))
        .header("x-rh-insights-request-id", "my-call")
        .send();
    running.signal("TERM");
    let finished = running.wait();
    assert_eq!(finished.code, Some(0));
    let lines: Vec<Value> =
        finished.stderr.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let access =
        lines.iter().find(|line| line["target"] == "gathering::access").expect("a line for the call");
    assert_eq!(access["request_id"], "my-call");
    assert_eq!(
        (&access["method"], &access["status"], &access["level"]),
        (&"GET".into(), &401.into(), &"debug".into())
    );
    assert!(lines.iter().all(|line| line["time"].is_string() && line["message"].is_string()));
}

#[test]
fn every_line_of_a_call_has_its_id() {
    let program = Program::new();
    let running = program.serve(&["serve", "--set", "auth.mode=disabled"]);
    // The table goes away behind the service's back, so that the call has something to complain about.
    gathering_tests::execute_on_sqlite(&program.folder().join("data/gathering.db"), "DROP TABLE requests");
    let path = format!("/cluster/{CLUSTER}/request/a/status");
    let answer = running.call("GET", &path).header("x-rh-insights-request-id", "my-call").send();
    assert_eq!(answer.status, 503);
    running.signal("TERM");
    let finished = running.wait();
    let line =
        finished.stderr.lines().find(|line| line.contains(" WARN ") && line.contains(&path)).expect("a line");
    assert!(line.contains("request_id=my-call") && line.contains("no such table"), "{line}");
}
