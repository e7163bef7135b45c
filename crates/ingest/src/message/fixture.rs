//! A good message to be changed, and short words for what becomes of it.

use gathering_domain::event::{EventKind, FailureReason, RequestEvent};
use gathering_domain::rule::RuleHit;
use serde_json::{Value, json};

use super::parsed::{Disposition, ParsedMessage};
use super::result::parse_result;

pub(crate) const CLUSTER: &str = "5d5892d3-1f74-4ccf-91af-548dfc9767aa";
pub(crate) const ARRIVAL: &str = "2026-03-01T12:00:00Z";

pub(crate) fn message() -> Value {
    json!({
        "OrgID": 42,
        "AccountNumber": 7,
        "ClusterName": CLUSTER,
        "Report": {
            "system": {"metadata": {}, "hostname": null},
            "reports": [{"rule_id": "ignored", "component": "rules.disk_full.report", "key": "DISK_FULL", "details": {"x": 1}}],
            "fingerprints": [],
            "info": [{"info_id": "v", "details": {"version": "4.20.1", "other": null}}],
            "skips": []
        },
        "LastChecked": "2026-03-01T11:30:00.5+00:00",
        "Version": 2,
        "RequestId": "req1",
        "Metadata": {"gathering_time": "2026-03-01T11:29:00Z"}
    })
}

/// The message with the value at a JSON pointer replaced, or removed.
pub(crate) fn with(pointer: &str, value: impl Into<Option<Value>>) -> Value {
    let mut message = message();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let parent = message.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    match value.into() {
        Some(value) => parent.insert(key.to_owned(), value),
        None => parent.remove(key),
    };
    message
}

pub(crate) fn parse(message: &Value) -> ParsedMessage {
    parse_result(message.to_string().as_bytes(), ARRIVAL.parse().unwrap())
}

pub(crate) fn parse_text(document: &str) -> ParsedMessage {
    parse_result(document.as_bytes(), ARRIVAL.parse().unwrap())
}

pub(crate) fn outcome(parsed: &ParsedMessage) -> &'static str {
    match parsed.disposition {
        Disposition::Stored(_) => "stored",
        Disposition::Failed(..) => "failed",
        Disposition::Skipped(_) => "skipped",
        Disposition::Rejected(_) => "rejected",
    }
}

pub(crate) fn hits(parsed: &ParsedMessage) -> Vec<&str> {
    match &parsed.disposition {
        Disposition::Stored(RequestEvent { kind: EventKind::Processed(hits), .. }) => {
            hits.iter().map(RuleHit::as_str).collect()
        }
        other => panic!("{other:?}"),
    }
}

pub(crate) fn received(message: &Value) -> String {
    match parse(message).disposition {
        Disposition::Stored(event) | Disposition::Failed(event, _) => event.received_at.to_string(),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn error(message: &Value) -> String {
    match parse(message).disposition {
        Disposition::Failed(event, error) => {
            assert_eq!(event.kind, EventKind::Failed(FailureReason::new(&error.to_string())));
            format!("failed: {error}")
        }
        Disposition::Rejected(error) => format!("rejected: {error}"),
        other => panic!("{other:?}"),
    }
}
