//! `gathering import content`

use gathering_tests::{CLUSTER, Message, Program, until};
use serde_json::json;

use crate::refused;

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
    until(|| report()[0]["description"] == "The second wording.");
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

#[test]
fn what_is_odd_and_what_is_lost_is_told() {
    let program = Program::new();
    tree(&program, "The text of the rule.");
    program.file("tree/external/rule/GONE/generic.md", "The text of another key.");
    program.file("tree/external/rule/GONE/metadata.yaml", "impact: Severe\nlikelihood: 2");
    let run = program.run(&["import", "content", "tree"]).ok();
    assert_eq!(run.stderr.lines().count(), 1, "only the broken rule: {run:?}");

    std::fs::remove_dir_all(program.folder().join("tree/external/rule/GONE")).unwrap();
    program.file("tree/external/rule/KEY/metadata.yaml", "impact: Sever\nlikelihood: 9");
    program.file("tree/external/lost/KEY/metadata.yaml", "impact: Severe\nlikelihood: 2");
    let told = |run: &gathering_tests::Finished| {
        for line in [
            "external/lost: the rule is left out: it has no plugin.yaml",
            "warning: external/rule/KEY: the impact 'Sever' is not in config.yaml and counts as 0",
            "warning: external/rule/KEY: the likelihood 9 is not from 1 to 4",
        ] {
            assert!(run.stderr.lines().any(|told| told == line), "{line}: {run:?}");
        }
        run.stderr.contains("no longer served, 1 of 2 error keys: rules.a|GONE\n")
    };
    // Neither of these changes anything: what would be lost is still there for the last.
    let checked = program.run(&["import", "content", "--check", "tree"]).ok();
    assert!(told(&checked), "{checked:?}");
    assert_eq!(checked.stdout, "would load 1 error keys of 1 rules, left out 2\n");
    for arguments in [
        &["import", "content", "--strict", "tree"][..],
        &["import", "content", "--strict", "--check", "tree"],
    ] {
        let strict = program.run(arguments);
        assert!(!told(&strict), "nothing is replaced: {strict:?}");
        assert_eq!((strict.code, strict.stdout.as_str()), (Some(1), ""));
        let last = strict.stderr.lines().last().unwrap();
        assert!(last.starts_with("gathering: tree is not in order: 2 left out, 2 warned of"), "{last}");
    }
    let run = program.run(&["import", "content", "tree"]).ok();
    assert!(told(&run), "{run:?}");
    assert_eq!(run.stdout, "loaded 1 error keys of 1 rules, left out 2\n");
    assert!(!told(&program.run(&["import", "content", "tree"]).ok()), "it is gone by now");
}

#[test]
fn a_check_needs_no_database_and_makes_none() {
    let program = Program::new();
    tree(&program, "The text of the rule.");
    std::fs::remove_dir_all(program.folder().join("tree/external/broken")).unwrap();
    let run = program.run(&["import", "content", "--check", "--strict", "tree"]).ok();
    assert_eq!(run.stdout, "would load 1 error keys of 1 rules, left out 0\n");
    assert_eq!(
        run.stderr,
        "the database sqlite://data/gathering.db is yet to be made or migrated; there is nothing to compare with\n"
    );
    assert!(!program.folder().join("data").exists());
    let empty = program.folder().join("tree/external/rule");
    std::fs::remove_dir_all(empty).unwrap();
    program.file("tree/external/x.txt", "");
    assert_eq!(program.run(&["import", "content", "--check", "tree"]).code, Some(1), "as an import would");
    program.run(&["import", "content", "--check", "--allow-empty", "tree"]).ok();
}

#[test]
fn hits_without_content_are_counted_and_told_of() {
    let program = Program::new();
    let messages = [
        Message::new(1, CLUSTER, "a").hit("rules.a|KEY").hit("rules.a|OTHER"),
        Message::new(1, CLUSTER, "b").hit("rules.a|OTHER"),
    ];
    let lines = messages.map(|message| message.to_string()).join("\n");
    program.run_with_input(&["import", "results", "-"], lines.as_bytes()).ok();
    let serve = || program.serve(&["serve", "--set", "auth.mode=disabled"]);
    let metrics = |running: &gathering_tests::Running| {
        for request in ["a", "b", "b"] {
            let path = format!("/cluster/{CLUSTER}/request/{request}/report");
            assert_eq!(running.call("GET", &path).send().status, 200);
        }
        let text = running.admin("/metrics").send().body;
        ["gathering_content_keys ", "gathering_report_hits_omitted_total "].map(|name| {
            text.lines().find_map(|line| line.strip_prefix(name)).unwrap().parse::<u64>().unwrap()
        })
    };
    let running = serve();
    assert!(running.stderr().contains("the database has no rule content"), "{}", running.stderr());
    assert_eq!(metrics(&running), [0, 4]);
    drop(running);

    tree(&program, "The text of the rule.");
    program.run(&["import", "content", "tree"]).ok();
    let running = serve();
    assert!(!running.stderr().contains("the database has no rule content"), "{}", running.stderr());
    assert_eq!(metrics(&running), [1, 3]);
    let line = "reports leave out hits without rule content, or with a name of more than 1900 characters: rules.a|OTHER\n";
    for _ in 0..120 {
        if running.stderr().contains(line) {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(500));
    }
    panic!("the log does not tell of them: {}", running.stderr());
}
