//! `gathering import content`

use gathering_tests::{Message, Program};
use serde_json::json;

use crate::refused;

const CLUSTER: &str = "5d5892d3-1f74-4ccf-91af-548dfc9767aa";

fn tree(program: &Program, generic: &str) {
    program.file("tree/config.yaml", "impact:\n  Severe: 4\n");
    program.file("tree/internal/readme.txt", "nothing here");
    program.file("tree/external/rule/plugin.yaml", "python_module: rules.a\n");
    program.file("tree/external/rule/reason.md", "because");
    program.file("tree/external/rule/KEY/generic.md", generic);
    program.file("tree/external/rule/KEY/metadata.yaml", "impact: Severe\nlikelihood: 2\nstatus: active\n");
    program.file("tree/external/broken/plugin.yaml", "python_module: [\n");
}

#[test]
fn a_tree_is_loaded_and_replaced_and_running_servers_follow() {
    let program = Program::new();
    tree(&program, "The first wording.");
    let run = program.run(&["import", "content", "tree"]).ok();
    assert_eq!(run.stdout, "loaded 1 error keys of 1 rules, left out 1\n");
    assert!(
        run.stderr.starts_with("external/broken: the rule is left out: plugin.yaml cannot be read"),
        "{run:?}"
    );
    program
        .run_with_input(
            &["import", "results", "-"],
            Message::new(1, CLUSTER, "a").hit("rules.a|KEY").to_string().as_bytes(),
        )
        .ok();

    let running = program.serve(&["serve", "--set", "auth.mode=disabled"]);
    let report = || {
        running.call("GET", &format!("/cluster/{CLUSTER}/request/a/report")).send().json()["report"].clone()
    };
    let expected = json!([{"rule_fqdn": "rules.a", "error_key": "KEY", "description": "The first wording.", "total_risk": 3}]);
    assert_eq!(report(), expected);
    tree(&program, "The second wording.");
    program.run(&["import", "content", "tree"]).ok();
    for _ in 0..120 {
        if report()[0]["description"] == "The second wording." {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(500));
    }
    panic!("the running server did not follow within a minute");
}

#[test]
fn a_tree_that_cannot_be_served_replaces_nothing() {
    let program = Program::new();
    tree(&program, "The text of the rule.");
    program.run(&["import", "content", "tree"]).ok();
    program.file("empty/config.yaml", "");
    program.file("empty/external/x.txt", "");
    let broken = program.run(&["import", "content", "empty"]);
    let expected = "empty/internal cannot be read (No such file or directory (os error 2)); a rule content tree has \
        config.yaml, external and internal";
    assert_eq!(refused(&broken, 1), expected);
    program.file("empty/internal/x.txt", "");
    let empty = program.run(&["import", "content", "empty"]);
    assert!(
        refused(&empty, 1).starts_with("empty holds no rule content that can be served; --allow-empty"),
        "{empty:?}"
    );

    program
        .run_with_input(
            &["import", "results", "-"],
            Message::new(1, CLUSTER, "a").hit("rules.a|KEY").to_string().as_bytes(),
        )
        .ok();
    let count = || {
        let running = program.serve(&["serve", "--set", "auth.mode=disabled"]);
        let report = running.call("GET", &format!("/cluster/{CLUSTER}/request/a/report")).send().json();
        report["report"].as_array().map(Vec::len)
    };
    assert_eq!(count(), Some(1));
    let allowed = program.run(&["import", "content", "--allow-empty", "empty"]).ok();
    assert_eq!(allowed.stdout, "loaded 0 error keys of 0 rules, left out 0\n");
    assert_eq!(count(), Some(0));
}
