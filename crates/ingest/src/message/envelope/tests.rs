//! Both ways of reading a message, against each other.

use serde_json::{Value, json};

use super::*;
use crate::message::fixture::{hits, message, outcome, parse, parse_text, with};

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

/// All that is read of an envelope.
fn content(mut envelope: Envelope<'_>) -> impl PartialEq + std::fmt::Debug {
    let mut warnings = crate::message::warning::Warnings::default();
    let hits = envelope.take_hits(&mut warnings);
    let identity = (envelope.organization(), envelope.cluster(), envelope.request(), envelope.account());
    let request = identity.2.map(|request| request.map(Cow::into_owned));
    let times = (envelope.gathering_time(), envelope.last_checked());
    (hits, warnings, identity.0, identity.1, request, identity.3, envelope.version(), times)
}

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

#[test]
fn what_is_read_at_once_is_what_is_read_step_by_step() {
    let (mut at_once, mut step_by_step) = (0, 0);
    for place in places(&message(), "") {
        let mut message = message();
        *message.pointer_mut(&place).unwrap() = json!("here");
        for odd in ODD {
            let text = message.to_string().replace("\"here\"", odd);
            match Envelope::at_once(text.as_bytes()) {
                Some(envelope) => {
                    let expected = Envelope::step_by_step(text.as_bytes());
                    assert_eq!(Some(content(envelope)), expected.ok().map(content), "{text}");
                    at_once += 1;
                }
                None => step_by_step += 1,
            }
        }
    }
    assert!(at_once > 200 && step_by_step > 200, "{at_once} and {step_by_step}: one way is hardly tried");
}

#[test]
fn a_usual_message_is_read_at_once() {
    for message in [message(), with("/Report/info", None), with("/Report/reports", json!([]))] {
        assert!(Envelope::at_once(message.to_string().as_bytes()).is_some());
    }
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
    assert!(matches!(Envelope::parse(&bytes).map(content), Err(MessageError::NotJson { .. })));
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
