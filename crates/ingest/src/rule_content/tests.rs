//! Trees written for one test each.

mod warnings;

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::*;

struct Tree(TempDir);

impl Tree {
    fn new() -> Self {
        let tree = Self(TempDir::new().unwrap());
        tree.file(
            "config.yaml",
            "impact:\n  null: 1\n  Severe: 4\n  Mild: 2\nresolution_risk:\n  Reboot: 3\n",
        );
        for part in ["external", "internal"] {
            fs::create_dir(tree.0.path().join(part)).unwrap();
        }
        tree
    }

    fn file(&self, path: &str, content: impl AsRef<[u8]>) -> &Self {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    /// A whole rule with one key.
    fn rule(&self, directory: &str, module: &str, metadata: &str) -> &Self {
        self.file(&format!("{directory}/plugin.yaml"), format!("name: A rule\npython_module: {module}\n"))
            .file(&format!("{directory}/generic.md"), format!("Generic text of {directory}.\n"))
            .file(&format!("{directory}/reason.md"), "Because.")
            .file(&format!("{directory}/KEY/metadata.yaml"), metadata)
    }

    fn load(&self) -> LoadedContent {
        load(self.0.path()).unwrap()
    }

    fn risk(metadata: &str) -> Option<i32> {
        let tree = Self::new();
        let loaded = tree.rule("external/r", "m.r", metadata).load();
        loaded.content.get(&"m.r|KEY".parse().unwrap()).map(|content| content.total_risk)
    }

    /// What is said of this rule with one key, beside its content.
    fn warnings(metadata: &str) -> Vec<String> {
        let tree = Self::new();
        let loaded = tree.rule("external/r", "m.r", metadata).load();
        assert_eq!((loaded.content.len(), loaded.left_out), (1, vec![]), "{metadata}");
        texts(&loaded.warnings)
    }

    fn left_out(metadata: &str) -> String {
        let tree = Self::new();
        let loaded = tree.rule("external/r", "m.r", metadata).load();
        assert!(loaded.content.is_empty());
        loaded.left_out.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    }
}

fn texts(found: &[impl ToString]) -> Vec<String> {
    found.iter().map(ToString::to_string).collect()
}

const GOOD: &str = "description: What it is\nimpact: Severe\nlikelihood: 3\nstatus: active\n\
    publish_date: '2020-04-08 00:42:00'\nresolution_risk: Reboot\ntags: [a, b]\n";

#[test]
fn texts_of_a_key_go_before_those_of_its_rule() {
    let tree = Tree::new();
    let loaded = tree
        .rule("external/deep/down/r", "m.r", GOOD)
        .file("external/deep/down/r/OWN/metadata.yaml", "")
        .file("external/deep/down/r/OWN/generic.md", "  Own {{text}}\n\n")
        .file("external/deep/down/r/OWN/reason.md", "")
        .load();
    let content = |hit: &str| loaded.content.get(&hit.parse().unwrap()).unwrap();
    assert_eq!(content("m.r|KEY").generic, "Generic text of external/deep/down/r.\n");
    assert_eq!(content("m.r|KEY").summary, "What it is");
    assert_eq!(content("m.r|OWN").generic, "  Own {{text}}\n\n", "byte for byte");
    assert_eq!((loaded.rules, loaded.left_out.len()), (1, 0));
}

#[test]
fn risk_is_the_mean_rounded_down() {
    for (metadata, risk) in [
        ("impact: Severe\nlikelihood: 4", 4),
        ("impact: Severe\nlikelihood: 3", 3),
        ("impact: Mild\nlikelihood: 3", 2),
        ("likelihood: 3", 2),
        ("impact: null\nlikelihood: 3", 2),
        ("impact: ''\nlikelihood: 2", 1),
        ("impact: Unknown\nlikelihood: 3", 1),
        ("impact: severe\nlikelihood: 3", 1),
        ("impact: 4\nlikelihood: 3", 1),
        ("impact: Severe", 2),
        ("impact: Severe\nlikelihood: 2.9", 3),
        ("impact: Severe\nlikelihood: 40", 22),
        ("impact: Unknown\nlikelihood: 1", 0),
        ("impact: Severe\nlikelihood: 9223372036854775807", i32::MAX),
    ] {
        assert_eq!(Tree::risk(metadata), Some(risk), "{metadata}");
    }
}

#[test]
fn plain_scalars_are_texts_as_they_are_written() {
    for (written, read) in [
        ("1.0", "1.0"),
        ("yes", "yes"),
        ("0x10", "0x10"),
        ("2020-01-01", "2020-01-01"),
        ("~", ""),
        ("'~'", "~"),
        ("null", ""),
        ("\"null\"", "null"),
    ] {
        let tree = Tree::new();
        let loaded = tree.rule("external/r", "m.r", &format!("description: {written}")).load();
        assert_eq!(loaded.content.get(&"m.r|KEY".parse().unwrap()).unwrap().summary, read, "{written}");
    }
}

#[test]
fn a_rule_with_a_broken_file_is_left_out_whole() {
    for (metadata, part) in [
        ("likelihood: '3'", "KEY/metadata.yaml cannot be read"),
        ("tags: one", "KEY/metadata.yaml cannot be read"),
        ("description: [a]", "KEY/metadata.yaml cannot be read"),
        ("a: b: c", "KEY/metadata.yaml cannot be read"),
    ] {
        assert!(Tree::left_out(metadata).contains(part), "{}", Tree::left_out(metadata));
    }
    let tree = Tree::new();
    tree.rule("external/r", "m.r", GOOD).file("external/r/BAD/generic.md", "no metadata here");
    assert!(tree.load().content.is_empty());
}

#[test]
fn a_rule_without_a_text_is_left_out_whole() {
    for file in ["generic.md", "reason.md"] {
        let tree = Tree::new();
        tree.rule("external/r", "m.r", GOOD).file(&format!("external/r/{file}"), "");
        let loaded = tree.load();
        let expected = LeftOutReason::NoText { key: "KEY".to_owned(), file };
        assert_eq!(loaded.left_out, [LeftOut { path: "external/r".into(), reason: expected }]);
    }
}

#[test]
fn a_key_with_odd_metadata_is_left_out_alone() {
    for (metadata, reason) in [
        ("status: retired", "the status 'retired' is neither active nor inactive"),
        ("publish_date: yesterday", "the publish_date 'yesterday' is neither"),
        ("publish_date: 2020-04-08", "the publish_date '2020-04-08' is neither"),
        ("description: \"a\\0b\"", "its texts hold a NUL character"),
    ] {
        let left_out = Tree::left_out(metadata);
        assert!(left_out.starts_with("external/r/KEY: ") && left_out.contains(reason), "{left_out}");
    }
    for fine in
        ["status: ' Active '", "status: inactive", "publish_date: 2020-04-08T00:42:00Z", "publish_date: ''"]
    {
        assert!(Tree::risk(fine).is_some(), "{fine}");
    }
}

#[test]
fn texts_that_no_database_takes_are_left_out() {
    for text in [b"NUL \0 inside".as_slice(), b"not UTF-8 \xff"] {
        let tree = Tree::new();
        tree.rule("external/r", "m.r", GOOD).file("external/r/KEY/generic.md", text);
        assert_eq!(tree.load().left_out[0].reason, LeftOutReason::Text);
    }
}

#[test]
fn names_that_no_hit_has_are_left_out() {
    for module in ["''", "'a b'", "a-b"] {
        let tree = Tree::new();
        let loaded = tree.rule("external/r", module, GOOD).load();
        assert!(matches!(loaded.left_out[..], [LeftOut { reason: LeftOutReason::Name(_), .. }]), "{module}");
    }
}

#[test]
fn the_later_of_two_rules_with_one_name_stays() {
    let tree = Tree::new();
    tree.rule("external/r", "m.first", GOOD).rule("internal/x/r", "m.second", GOOD);
    let loaded = tree.load();
    assert!(loaded.content.get(&"m.second|KEY".parse().unwrap()).is_some());
    assert_eq!(
        loaded.left_out,
        [LeftOut { path: "external/r".into(), reason: LeftOutReason::Replaced("internal/x/r".into()) }]
    );
    // One that cannot be read does not replace anything.
    tree.file("internal/x/r/KEY/metadata.yaml", "tags: x");
    assert!(tree.load().content.get(&"m.first|KEY".parse().unwrap()).is_some());
}

#[test]
fn two_rules_with_one_module_are_told_of() {
    let tree = Tree::new();
    let loaded = tree.rule("external/a", "m.same", GOOD).rule("external/b", "m.same", GOOD).load();
    assert_eq!((loaded.content.len(), loaded.rules), (1, 1));
    assert_eq!(loaded.left_out[0].reason, LeftOutReason::Duplicate("m.same|KEY".to_owned()));
}

#[test]
fn a_tree_needs_its_three_parts() {
    for part in ["config.yaml", "external", "internal"] {
        let tree = Tree::new();
        let path = tree.0.path().join(part);
        if path.is_dir() {
            fs::remove_dir(&path).unwrap();
        } else {
            fs::remove_file(&path).unwrap();
        }
        let error = load(tree.0.path()).unwrap_err();
        assert!(matches!(&error, TreeError::Read { path: missing, .. } if *missing == path), "{error}");
    }
    let tree = Tree::new();
    tree.file("config.yaml", "impact: [1]");
    assert!(matches!(load(tree.0.path()), Err(TreeError::Config { .. })));
    assert!(load(Path::new("/no/such/tree")).is_err());
}

#[test]
fn other_parts_of_the_tree_are_not_read() {
    let tree = Tree::new();
    tree.rule("ocs/r", "m.ocs", GOOD)
        .file("external/notes/readme.md", "x")
        .file("external/stray.yaml", "a: [");
    let loaded = tree.load();
    assert!(loaded.content.is_empty() && loaded.left_out.is_empty());
}
