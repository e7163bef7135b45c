use super::*;

const CLUSTER: &str = "5d5892d3-1f74-4ccf-91af-548dfc9767aa";

type Read = fn(&[u8], ClusterKey) -> serde_json::Result<Vec<RuleHit>>;

fn texts(read: Read, json: &str) -> Option<Vec<String>> {
    let key = ClusterKey { organization: 42.try_into().unwrap(), cluster: CLUSTER.parse().unwrap() };
    read(json.as_bytes(), key).ok().map(|hits| hits.iter().map(ToString::to_string).collect())
}

fn system_wide(json: &str) -> Option<Vec<String>> {
    texts(super::system_wide, json)
}

fn for_cluster(json: &str) -> Option<Vec<String>> {
    texts(super::for_cluster, json)
}

#[test]
fn acknowledged_rules_count_as_they_stand() {
    let answer = r#"{"status":"ok","disabledRules":[
        {"org_id":42,"user_id":"7","rule_id":"rules.a","error_key":"K","justification":"","created_at":"2026-01-01T00:00:00Z",
         "updated_at":{"Time":"0001-01-01T00:00:00Z","Valid":false}},
        {"rule_id":"rules.b.report","error_key":"K"},
        {"rule_id":"","error_key":"K"}, {"rule_id":"rules.c","error_key":""}, {"rule_id":"rules.c"}, {"error_key":"K"},
        {"rule_id":null,"error_key":"K"}, {"RuleID":"rules.d","ErrorKey":"K"}, {}, null,
        {"rule_id":"rules|e","error_key":"K"}, {"rule_id":"rules e","error_key":"K"}]}"#;
    assert_eq!(system_wide(answer).unwrap(), ["rules.a|K", "rules.b.report|K"]);
}

#[test]
fn disabled_rules_count_without_one_report_at_their_end() {
    let answer = r#"{"status":"ok","rules":[
        {"ClusterID":"5d5892d3-1f74-4ccf-91af-548dfc9767aa","RuleID":"rules.a.report","ErrorKey":"K","Disabled":1,"DisabledAt":{"Time":"","Valid":true}},
        {"RuleID":"rules.b","ErrorKey":"K","Disabled":true}, {"RuleID":"rules.c.report.report","ErrorKey":"K"},
        {"RuleID":"rules.d","ErrorKey":"K","Disabled":null}, {"RuleID":"rules.e","ErrorKey":"K","Disabled":"yes"},
        {"RuleID":".report","ErrorKey":"K"}, {"RuleID":"","ErrorKey":"K"}, {"RuleID":"rules.f","ErrorKey":""},
        {"RuleID":"rules.g","ErrorKey":"K","Disabled":false}, {"RuleID":"rules.h","ErrorKey":"K","Disabled":0},
        {"rule_id":"rules.i","error_key":"K"}, {}, null]}"#;
    assert_eq!(
        for_cluster(answer).unwrap(),
        ["rules.a|K", "rules.b|K", "rules.c.report|K", "rules.d|K", "rules.e|K"]
    );
}

#[test]
fn entries_of_others_do_not_count() {
    for (org_id, counts) in [
        ("42", true),
        ("\"42\"", true),
        ("null", true),
        ("43", false),
        ("\"43\"", false),
        ("0", false),
        ("42.0", false),
        ("\"\"", false),
        ("[42]", false),
        ("{\"a\":42}", false),
    ] {
        let entry =
            format!(r#"{{"disabledRules":[{{"org_id":{org_id},"rule_id":"rules.a","error_key":"K"}}]}}"#);
        assert_eq!(system_wide(&entry).unwrap().len(), usize::from(counts), "{org_id}");
    }
    for (cluster, counts) in [
        (format!("\"{CLUSTER}\""), true),
        ("null".to_owned(), true),
        ("\"00000000-0000-0000-0000-000000000001\"".to_owned(), false),
        ("\"\"".to_owned(), false),
        ("\"c\"".to_owned(), false),
        ("7".to_owned(), false),
        (format!("[\"{CLUSTER}\"]"), false),
    ] {
        let entry = format!(
            r#"{{"rules":[{{"ClusterID":{cluster},"RuleID":"rules.a","ErrorKey":"K","Disabled":1}}]}}"#
        );
        assert_eq!(for_cluster(&entry).unwrap().len(), usize::from(counts), "{cluster}");
    }
}

#[test]
fn no_rules_may_be_null_and_must_not_be_missing() {
    assert_eq!(system_wide(r#"{"disabledRules":null}"#).unwrap(), [""; 0]);
    assert_eq!(for_cluster(r#"{"status":"ok","rules":null}"#).unwrap(), [""; 0]);
    assert_eq!(for_cluster(r#"{"rules":[]}"#).unwrap(), [""; 0]);
    for other in [
        "{}",
        r#"{"status":"ok"}"#,
        "null",
        "1",
        "[]",
        "[null]",
        "[[]]",
        "",
        "<html></html>",
        r#"{"rules":[]"#,
        r#"{"rules":[]}x"#,
    ] {
        assert_eq!((system_wide(other), for_cluster(other)), (None, None), "{other}");
    }
    assert_eq!((system_wide(r#"{"rules":[]}"#), for_cluster(r#"{"disabledRules":[]}"#)), (None, None));
}

#[test]
fn answers_of_another_form_are_refused_as_a_whole() {
    for rules in [
        "1",
        "\"a\"",
        "{}",
        "true",
        "[1]",
        "[[]]",
        "[[null]]",
        "[[null,null,null,null]]",
        r#"[[null,"rules.a","K",1]]"#,
        "[\"rules.a|K\"]",
        r#"[{"RuleID":1,"ErrorKey":"K"}]"#,
        r#"[{"RuleID":"rules.a","ErrorKey":["K"]}]"#,
        r#"[{"RuleID":"rules.a","RuleID":"rules.b","ErrorKey":"K"}]"#,
    ] {
        assert_eq!(for_cluster(&format!("{{\"rules\":{rules}}}")), None, "{rules}");
    }
    assert_eq!(for_cluster(r#"{"rules":[],"rules":[]}"#), None, "nobody knows which one counts");
}

#[test]
fn what_does_not_count_may_be_as_deep_as_it_likes() {
    let deep = format!("{}{}", "[".repeat(400_000), "]".repeat(400_000));
    let answer =
        format!(r#"{{"other":{deep},"rules":[{{"RuleID":"rules.a","ErrorKey":"K","Disabled":{deep}}}]}}"#);
    assert_eq!(for_cluster(&answer).unwrap(), ["rules.a|K"]);
    let open = "[".repeat(1_000_000);
    assert_eq!(for_cluster(&format!("{{\"rules\":{open}")), None);
    assert_eq!(for_cluster(&open), None);
}
