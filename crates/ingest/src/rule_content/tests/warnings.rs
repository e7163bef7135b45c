//! What a tree is warned of.

use std::fs;

use super::{GOOD, Tree, texts};

#[test]
fn what_makes_a_risk_odd_is_warned_of() {
    let risk = |risk, shown| {
        format!(
            "external/r/KEY: the total risk, half of impact and likelihood together, is {risk}; reports show {shown}"
        )
    };
    for (metadata, expected) in [
        ("impact: Severe\nlikelihood: 4", &[][..]),
        ("impact: null\nlikelihood: 1", &[]),
        ("impact: ''\nlikelihood: 1", &[]),
        ("impact: Severe\nlikelihood: 3.0", &[]),
        ("impact: Unheard\nlikelihood: 3", &["the impact 'Unheard' is not in config.yaml and counts as 0"]),
        (
            "impact: severe\nlikelihood: 3",
            &["the impact 'severe' is not in config.yaml and counts as 0; 'Severe' may be meant"],
        ),
        ("impact: 4\nlikelihood: 3", &["the impact '4' is not in config.yaml and counts as 0"]),
        ("likelihood: 3", &["no impact is given; it counts as 1"]),
        ("Impact: Severe\nlikelihood: 3", &["no impact is given; it counts as 1"]),
        ("impact: Severe", &["no likelihood is given; it counts as 0"]),
        ("impact: Severe\nlikelihood: null", &["no likelihood is given; it counts as 0"]),
        ("impact: Severe\nlikelyhood: 3", &["no likelihood is given; it counts as 0"]),
        ("impact: Severe\nlikelihood: 0", &["the likelihood 0 is not from 1 to 4"]),
        ("impact: Severe\nlikelihood: 5", &["the likelihood 5 is not from 1 to 4"]),
        ("impact: Severe\nlikelihood: 2.9", &["the likelihood is no whole number and counts as 2"]),
    ] {
        let mut expected: Vec<_> = expected.iter().map(|text| format!("external/r/KEY: {text}")).collect();
        // What is not told of the parts is not told of the whole.
        let total = Tree::risk(metadata).unwrap();
        if !(1..=4).contains(&total) {
            expected.push(risk(total, total.clamp(1, 4)));
        }
        assert_eq!(Tree::warnings(metadata), expected, "{metadata}");
    }
    let likelihood = "external/r/KEY: the likelihood 9 is not from 1 to 4".to_owned();
    assert_eq!(Tree::warnings("impact: Severe\nlikelihood: 9"), [likelihood, risk(6, 4)]);
    let unknown = "external/r/KEY: the impact 'X' is not in config.yaml and counts as 0".to_owned();
    assert_eq!(Tree::warnings("impact: X\nlikelihood: 1"), [unknown, risk(0, 1)]);
}

#[test]
fn odd_impacts_of_the_table_are_told_once() {
    let tree = Tree::new();
    tree.rule("external/r", "m.r", GOOD).file("config.yaml", "impact: {Severe: 3, Fatal: 9, None: 0}");
    let expected = [
        "config.yaml: the impact 'Fatal' is 9, which is not from 1 to 4",
        "config.yaml: the impact 'None' is 0, which is not from 1 to 4",
    ];
    assert_eq!(texts(&tree.load().warnings), expected);
    for none in ["", "impacts: {Severe: 4}", "impact: {}"] {
        tree.file("config.yaml", none);
        let expected = ["config.yaml: it names no impact, so that each counts as 0"];
        assert_eq!(texts(&tree.load().warnings), expected, "{none}");
    }
    tree.file("config.yaml", "impact: {Severe: 4}").file("external/r/KEY/metadata.yaml", "likelihood: 3");
    assert_eq!(texts(&tree.load().warnings), ["external/r/KEY: no impact is given; it counts as 0"]);
}

#[test]
fn a_rule_that_lost_its_plugin_is_left_out_and_told_of() {
    let lost = |path: &str| format!("{path}: the rule is left out: it has no plugin.yaml");
    let tree = Tree::new();
    tree.rule("external/a/lost", "m.lost", GOOD).rule("external/a/whole", "m.whole", GOOD);
    tree.rule("external/a/lost/within", "m.within", GOOD);
    fs::remove_file(tree.0.path().join("external/a/lost/plugin.yaml")).unwrap();
    // Keys alone, texts alone, and a key that lies in no rule.
    tree.file("external/b/KEY/metadata.yaml", GOOD).file("external/c/generic.md", "A text.");
    tree.file("internal/KEY/metadata.yaml", GOOD);
    let loaded = tree.load();
    let expected = ["external/a/lost", "external/b", "external/c", "internal/KEY"].map(lost);
    assert_eq!(texts(&loaded.left_out), expected);
    assert_eq!((loaded.content.len(), loaded.rules), (2, 2), "a rule below one that is lost is still one");

    for almost in ["Plugin.yaml", "PLUGIN.YAML", "plugin.yml", "Plugin.YML"] {
        let tree = Tree::new();
        tree.file(&format!("external/r/{almost}"), "python_module: m.r");
        assert_eq!(texts(&tree.load().left_out), [lost("external/r")], "{almost}");
    }
    let tree = Tree::new();
    tree.rule("external/r", "m.r", GOOD).file("external/odd/plugin.yaml/generic.md", "a directory");
    assert_eq!(texts(&tree.load().left_out), [lost("external/odd/plugin.yaml")]);
}

#[test]
fn links_to_directories_are_not_followed_and_told_of() {
    use std::os::unix::fs::symlink;
    let tree = Tree::new();
    tree.rule("external/r", "m.r", GOOD).rule("elsewhere/s", "m.s", GOOD);
    let root = tree.0.path();
    symlink(root.join("elsewhere/s"), root.join("external/s")).unwrap();
    symlink(root.join("elsewhere/s/KEY"), root.join("external/r/LINKED")).unwrap();
    symlink("nowhere", root.join("internal/broken")).unwrap();
    symlink(root.join("external"), root.join("external/r/KEY/circle")).unwrap();
    symlink(root.join("config.yaml"), root.join("external/file")).unwrap();
    let loaded = tree.load();
    let expected = ["external/r/LINKED", "external/s", "internal/broken"]
        .map(|path| format!("{path}: what it leads to is left out: links to directories are not followed"));
    assert_eq!(texts(&loaded.left_out), expected);
    assert_eq!((loaded.content.len(), loaded.warnings), (1, vec![]));
}

#[test]
fn names_that_are_almost_read_are_warned_of() {
    let tree = Tree::new();
    tree.rule("external/r", "m.r", GOOD)
        .file("external/r/KEY/Generic.md", "Meant to be the text of this key.");
    tree.file("external/r/plugin.yml", "also here, and no harm");
    let expected = ["external/r/KEY: the file Generic.md is not read; generic.md would be"];
    assert_eq!(texts(&tree.load().warnings), expected);

    let tree = Tree::new();
    tree.rule("external/r", "m.r", GOOD).file("external/r/OTHER/metadata.YAML", GOOD);
    let loaded = tree.load();
    assert!(loaded.content.is_empty() && loaded.left_out.len() == 1);
    let expected = ["external/r/OTHER: the file metadata.YAML is not read; metadata.yaml would be"];
    assert_eq!(texts(&loaded.warnings), expected);
}

#[test]
fn rules_that_say_nothing_are_warned_of() {
    let tree = Tree::new();
    tree.rule("external/r", "m.r.report", GOOD).file("external/r/KEY/generic.md", "   \n \n \n \n \n");
    tree.file("external/empty/plugin.yaml", "python_module: m.empty")
        .file("external/r/SHORT/metadata.yaml", GOOD);
    tree.file("external/r/SHORT/generic.md", "nine char");
    let warnings = texts(&tree.load().warnings);
    for part in [
        "external/empty: the rule has no error key",
        "external/r: no hit has this content: python_module is 'm.r.report'",
        "external/r/KEY: generic.md is blank",
        "external/r/SHORT: generic.md has fewer than 10 characters",
    ] {
        assert!(warnings.iter().any(|warning| warning.starts_with(part)), "{part}: {warnings:?}");
    }
    assert_eq!(warnings.len(), 4, "{warnings:?}");
}
