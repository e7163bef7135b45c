//! Reports with one peculiarity each, inside a message that is good otherwise.

use serde_json::json;

use crate::message::fixture::{error, hits, message, outcome, parse, parse_text, with};

#[test]
fn elements_of_the_report_are_looked_at_one_by_one() {
    let hit = "an object whose 'component' and 'key' are strings";
    for element in
        [json!(1), json!("x"), json!([]), json!(["a", "b"]), json!({"key": 1}), json!({"component": []})]
    {
        let message = with("/Report/reports", json!([{}, element]));
        assert_eq!(
            error(&message),
            format!("failed: element 1 of the report's 'reports' is not {hit}"),
            "{element}"
        );
    }
    let info = "an object whose 'details' are strings";
    for element in [
        json!(1),
        json!([]),
        json!({"details": {"n": 1}}),
        json!({"details": "x"}),
        json!({"details": {"o": {}}}),
    ] {
        let message = with("/Report/info", json!([element]));
        assert_eq!(
            error(&message),
            format!("failed: element 0 of the report's 'info' is not {info}"),
            "{element}"
        );
    }
    for element in [json!(null), json!({}), json!({"details": null})] {
        assert_eq!(outcome(&parse(&with("/Report/info", json!([element])))), "stored", "{element}");
    }
}

#[test]
fn a_report_is_empty_when_it_lacks_a_key_and_says_nothing() {
    for report in [
        json!({"reports": [], "skips": [], "info": []}),
        json!({"system": {"hostname": null}, "fingerprints": []}),
        json!({"system": {"hostname": ""}, "pass": {}}),
        json!({"analysis_metadata": {"start": "x"}, "system": {"metadata": {"a": 1}}}),
    ] {
        assert_eq!(error(&with("/Report", report.clone())), "failed: the report is empty", "{report}");
    }
    for report in [
        json!({"system": {"hostname": "host"}}),
        json!({"system": {"hostname": 1}}),
        json!({"system": []}),
        json!({"reports": [{}]}),
        json!({"skips": [1]}),
        json!({"pass": null}),
        json!({"version": 1}),
    ] {
        assert!(error(&with("/Report", report.clone())).contains("lacks the required key"), "{report}");
    }
    let healthy = json!({"system": {}, "reports": [], "fingerprints": []});
    assert!(hits(&parse(&with("/Report", healthy))).is_empty());
}

#[test]
fn hits_lose_one_suffix_and_what_no_rule_has() {
    for (component, key, expected) in [
        ("m.rule.report", "KEY", &["m.rule|KEY"][..]),
        ("m.rule", "KEY", &["m.rule|KEY"]),
        ("m.rule.report.report", "KEY", &["m.rule.report|KEY"]),
        ("m.rule.REPORT", "KEY", &["m.rule.REPORT|KEY"]),
        ("m.rule", "A,n|B", &["m.rule|A", "n|B"]),
        ("m.rule", "A,B", &["m.rule|A"]),
        ("m.rule", "A-B", &[]),
        ("m rule", "KEY", &[]),
        ("m.rule", "", &[]),
        ("", "KEY", &[]),
        ("m.rule", "K\0", &[]),
        ("m|n", "KEY", &[]),
    ] {
        let parsed = parse(&with("/Report/reports", json!([{"component": component, "key": key}])));
        assert_eq!(hits(&parsed), expected, "{component} {key}");
        let pieces = key.split(',').count();
        assert_eq!(parsed.warnings.len(), pieces - expected.len(), "each dropped one is told of");
    }
    let hit = |key: &str| json!({"component": "m", "key": key});
    let message = with("/Report/reports", json!([hit("B"), null, hit("A"), {}, hit("B")]));
    assert_eq!(hits(&parse(&message)), ["m|B", "m|A"], "in the order of the message, each once");
}

#[test]
fn half_a_surrogate_pair_is_a_character_that_no_rule_has() {
    let with_half = |place: &str| parse_text(&message().to_string().replace(place, r#""half \udcff""#));
    assert_eq!(hits(&with_half("\"4.20.1\"")), ["rules.disk_full|DISK_FULL"]);
    let parsed = with_half("\"DISK_FULL\"");
    assert!(hits(&parsed).is_empty() && parsed.warnings.len() == 1);
    assert_eq!(outcome(&with_half("\"req1\"")), "skipped");
    assert_eq!(hits(&parse_text(&message().to_string().replace("\"skips\"", r#""\ud800""#))).len(), 1);
}
