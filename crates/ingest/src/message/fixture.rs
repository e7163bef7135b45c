//! A good message to be changed, and short words for what becomes of it.

use gathering_domain::{EventKind, FailureReason, RequestEvent, RuleHit};
use serde_json::{Value, json};

use super::judgement::{Judgement, Verdict};
use super::result::judge;

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

pub(crate) fn judged(message: &Value) -> Judgement {
    judge(message.to_string().as_bytes(), ARRIVAL.parse().unwrap())
}

pub(crate) fn raw(document: &str) -> Judgement {
    judge(document.as_bytes(), ARRIVAL.parse().unwrap())
}

pub(crate) fn outcome(judgement: &Judgement) -> &'static str {
    match judgement.verdict {
        Verdict::Stored(_) => "stored",
        Verdict::Failed(..) => "failed",
        Verdict::Skipped(_) => "skipped",
        Verdict::Rejected(_) => "rejected",
    }
}

pub(crate) fn hits(judgement: &Judgement) -> Vec<&str> {
    match &judgement.verdict {
        Verdict::Stored(RequestEvent { kind: EventKind::Processed(hits), .. }) => {
            hits.iter().map(RuleHit::as_str).collect()
        }
        other => panic!("{other:?}"),
    }
}

pub(crate) fn received(message: &Value) -> String {
    match judged(message).verdict {
        Verdict::Stored(event) | Verdict::Failed(event, _) => event.received_at.to_string(),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn problem(message: &Value) -> String {
    match judged(message).verdict {
        Verdict::Failed(event, problem) => {
            assert_eq!(event.kind, EventKind::Failed(FailureReason::new(&problem.to_string())));
            format!("failed: {problem}")
        }
        Verdict::Rejected(problem) => format!("rejected: {problem}"),
        other => panic!("{other:?}"),
    }
}
