//! Messages with odd texts anywhere in them.

use serde::de::IgnoredAny;
use serde_json::{Value, json};

use super::*;
use crate::message::fixture::{hits, message, outcome, parse, parse_text, with};
use crate::message::parsed::Disposition;

/// Texts for any place of a message, some of them no JSON.
const ODD: [&str; 32] = [
    "null",
    "7",
    "-1",
    "1e99999",
    "\"x\"",
    "\"\"",
    "[]",
    "{}",
    "[null]",
    "[1]",
    "[[]]",
    "[{},{\"component\":\"m.report\",\"key\":\"A,B\"}]",
    "[{\"component\":\"m\",\"component\":\"m\"}]",
    "[{\"\\u006bey\":\"K\",\"x\":[[]]}]",
    "[{\"\\udcff\":1}]",
    "[{\"details\":{\"a\":null,\"\\udcff\":\"\\udcff\"}}]",
    "[{\"details\":{\"a\":1,\"a\":\"x\"}}]",
    "[{\"details\":[]}]",
    "{\"reports\":[]}",
    "{\"reports\":1,\"reports\":[],\"system\":0,\"\\u0066ingerprints\":0}",
    "{\"system\":0,\"reports\":[],\"fingerprints\":0,\"reports\":1}",
    "\"\\udcff\"",
    "\"\\u0001\"",
    "\"\u{1}\"",
    "\"a\tb\"",
    "{\"a\u{1}\":1}",
    "{\"a\":1,}",
    "\"\\x\"",
    "\"\u{e9}\"",
    "01",
    "",
    "1,\"reports\":[{}]",
];

/// The JSON pointers to everything inside a value.
fn places(value: &Value, place: &str) -> Vec<String> {
    let members: Vec<(String, &Value)> = match value {
        Value::Object(members) => members.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Value::Array(elements) => (0..).map(|index: u8| index.to_string()).zip(elements).collect(),
        _ => Vec::new(),
    };
    let inside = members.into_iter().flat_map(|(key, value)| places(value, &format!("{place}/{key}")));
    std::iter::once(place.to_owned()).chain(inside).collect()
}

/// The good message with this text in place of the value at a JSON pointer.
fn with_text(pointer: &str, text: &str) -> String {
    let mut message = message();
    *message.pointer_mut(pointer).unwrap() = json!("here");
    message.to_string().replace("\"here\"", text)
}

#[test]
fn whatever_is_odd_in_one_place_the_rest_is_read() {
    let (mut total, mut refused) = (0, 0);
    for place in places(&message(), "").into_iter().filter(|place| !place.is_empty()) {
        for odd in ODD {
            let text = with_text(&place, odd);
            let parsed = parse_text(&text);
            let is_json = serde_json::from_str::<IgnoredAny>(&text).is_ok();
            let is_refused =
                matches!(parsed.disposition, Disposition::Rejected(MessageError::NotJson { .. }));
            assert_eq!(is_refused, !is_json, "a message is JSON, whatever is done with its parts: {text}");
            if !is_json {
                continue;
            }
            total += 1;
            refused += usize::from(outcome(&parsed) != "stored");
            for (name, is_known) in [
                ("/OrgID", parsed.organization.is_some()),
                ("/ClusterName", parsed.cluster.is_some()),
                ("/RequestId", parsed.request.is_some()),
            ] {
                assert!(is_known || place == name, "{name} is not read: {text}");
            }
        }
    }
    assert!(refused > 150 && refused + 150 < total, "{refused} of {total} are refused");
}

#[test]
fn values_that_the_parser_cannot_skip_are_named() {
    let hit = "element 0 of the report's 'reports' is not an object whose 'component' and 'key' are strings";
    let info = "element 0 of the report's 'info' is not an object whose 'details' are strings";
    for odd in ["1e99999", r#""\udcff""#] {
        for (pointer, expected) in [
            ("/Report", Some("the attribute 'Report' is not an object")),
            ("/Report/reports", Some("the attribute 'reports' is not a list")),
            ("/Report/reports/0", Some(hit)),
            ("/Report/info", Some("the attribute 'info' is not a list")),
            ("/Report/info/0", Some(info)),
            ("/Report/info/0/details", Some(info)),
            ("/Report/system", None),
        ] {
            let parsed = parse_text(&with_text(pointer, odd));
            assert_eq!(parsed.record().reason.as_deref(), expected, "{odd} for {pointer}");
            assert_eq!(outcome(&parsed), if expected.is_some() { "failed" } else { "stored" });
        }
    }
    let incomplete = with_text("/Report", r#"{"reports": "\udcff", "system": {}}"#);
    let reason = parse_text(&incomplete).record().reason;
    assert_eq!(reason.as_deref(), Some("the report lacks the required key 'fingerprints'"));
}

#[test]
fn what_is_skipped_has_to_be_json() {
    for odd in ["\"\u{1}\"", "{\"\u{1}\":1}", "[1,]", "\"\\x\""] {
        for place in ["\"DISK_FULL\"", "\"ignored\"", "\"4.20.1\"", "{\"x\":1}", "\"v\"", "{}"] {
            let text = message().to_string().replace(place, odd);
            assert_eq!(outcome(&parse_text(&text)), "rejected", "{odd} for {place}");
        }
    }
    let mut bytes = message().to_string().replace("ignored", "?").into_bytes();
    let place = bytes.iter().position(|byte| *byte == b'?').unwrap();
    bytes[place] = 0xff;
    assert!(matches!(Envelope::parse(&bytes), Err(MessageError::NotJson { .. })));
}

#[test]
fn keys_may_be_spelled_with_escapes() {
    let text = message().to_string();
    for (key, spelled) in
        [("Report", r"\u0052eport"), ("reports", r"report\u0073"), ("component", r"c\u006fmponent")]
    {
        let text = text.replace(&format!("\"{key}\""), &format!("\"{spelled}\""));
        assert_eq!(hits(&parse_text(&text)), ["rules.disk_full|DISK_FULL"], "{spelled}");
    }
}

#[test]
fn of_a_report_or_list_that_comes_twice_the_later_one_counts() {
    let text = message().to_string();
    for key in ["\"Report\":", "\"reports\":"] {
        for other in ["7", "null", "[]", "{}", "[7]"] {
            let before = text.replace(key, &format!("{key}{other},{key}"));
            assert_eq!(hits(&parse_text(&before)), ["rules.disk_full|DISK_FULL"], "{before}");
        }
    }
    let after = format!("{},\"Report\":{{}}}}", &text[..text.len() - 1]);
    assert_eq!(parse_text(&after).disposition, parse(&with("/Report", json!({}))).disposition);
}
