//! Messages with one peculiarity each, and what becomes of them.

use gathering_domain::ids::OrganizationId;
use serde_json::json;

use super::*;
use crate::message::fixture::{
    ARRIVAL, CLUSTER, error, hits, message, outcome, parse, parse_text, received, with,
};

#[test]
fn a_good_message_is_stored_under_its_key() {
    let parsed = parse(&message());
    let Disposition::Stored(event) = &parsed.disposition else { panic!("{parsed:?}") };
    assert_eq!(event.key.organization.get(), 42);
    assert_eq!(event.key.cluster.to_string(), CLUSTER);
    assert_eq!(event.key.request.as_str(), "req1");
    assert_eq!(event.received_at.to_string(), "2026-03-01T11:29:00Z");
    assert_eq!(hits(&parsed), ["rules.disk_full|DISK_FULL"]);
    assert_eq!(parsed.warnings, []);
    assert_eq!(parsed.request.as_deref(), Some("req1"));
}

#[test]
fn attributes_that_nobody_needs_may_be_missing() {
    for pointer in ["/AccountNumber", "/Version", "/Metadata", "/Report/info", "/Report/skips"] {
        assert_eq!(outcome(&parse(&with(pointer, None))), "stored", "{pointer}");
    }
    for pointer in
        ["/AccountNumber", "/Version", "/Metadata", "/Metadata/gathering_time", "/Report/fingerprints"]
    {
        assert_eq!(outcome(&parse(&with(pointer, json!(null)))), "stored", "{pointer}");
    }
    for pointer in ["/Unknown", "/Metrics", "/Report/unknown", "/Metadata/unknown"] {
        assert_eq!(outcome(&parse(&with(pointer, json!({"a": [1, "x"]})))), "stored", "{pointer}");
    }
}

#[test]
fn content_that_is_not_usable_fails_the_request() {
    for (pointer, value, expected) in [
        ("/Report", None, "failed: the attribute 'Report' is missing"),
        ("/Report", Some(json!(null)), "failed: the attribute 'Report' is missing"),
        ("/Report", Some(json!([])), "failed: the attribute 'Report' is not an object"),
        ("/Report", Some(json!({})), "failed: the report is empty"),
        ("/Report/system", None, "failed: the report lacks the required key 'system'"),
        ("/Report/reports", Some(json!(null)), "failed: the attribute 'reports' is not a list"),
        ("/Report/reports", Some(json!("x")), "failed: the attribute 'reports' is not a list"),
        ("/Report/info", Some(json!(null)), "failed: the attribute 'info' is not a list"),
        ("/LastChecked", None, "failed: the attribute 'LastChecked' is missing"),
        ("/LastChecked", Some(json!(null)), "failed: the attribute 'LastChecked' is missing"),
        ("/LastChecked", Some(json!("")), "failed: the attribute 'LastChecked' is not an RFC 3339 time"),
        (
            "/LastChecked",
            Some(json!("2026-03-01T11:30:00")),
            "failed: the attribute 'LastChecked' is not an RFC 3339 time",
        ),
        (
            "/AccountNumber",
            Some(json!("7")),
            "failed: the attribute 'AccountNumber' is not a whole number from 0 to 4294967295",
        ),
        ("/Version", Some(json!(256)), "failed: the attribute 'Version' is not a whole number from 0 to 255"),
        ("/Version", Some(json!("2")), "failed: the attribute 'Version' is not a whole number from 0 to 255"),
        ("/Metadata", Some(json!([])), "failed: the attribute 'Metadata' is not an object"),
        (
            "/Metadata/gathering_time",
            Some(json!("")),
            "failed: the attribute 'Metadata.gathering_time' is not an RFC 3339 time",
        ),
        (
            "/Metadata/gathering_time",
            Some(json!(5)),
            "failed: the attribute 'Metadata.gathering_time' is not an RFC 3339 time",
        ),
        (
            "/Metadata/gathering_time",
            Some(json!("2026-03-01 11:29:00Z")),
            "failed: the attribute 'Metadata.gathering_time' is not an RFC 3339 time",
        ),
    ] {
        assert_eq!(error(&with(pointer, value.clone())), expected, "{pointer} {value:?}");
    }
}

#[test]
fn a_message_of_nobody_is_rejected() {
    for (pointer, value, expected) in [
        ("/OrgID", None, "rejected: the attribute 'OrgID' is missing"),
        ("/OrgID", Some(json!(null)), "rejected: the attribute 'OrgID' is missing"),
        (
            "/OrgID",
            Some(json!(0)),
            "rejected: the attribute 'OrgID' is not a whole number from 1 to 4294967295",
        ),
        (
            "/OrgID",
            Some(json!("42")),
            "rejected: the attribute 'OrgID' is not a whole number from 1 to 4294967295",
        ),
        (
            "/OrgID",
            Some(json!(42.0)),
            "rejected: the attribute 'OrgID' is not a whole number from 1 to 4294967295",
        ),
        (
            "/OrgID",
            Some(json!(4_294_967_296_u64)),
            "rejected: the attribute 'OrgID' is not a whole number from 1 to 4294967295",
        ),
        ("/ClusterName", None, "rejected: the attribute 'ClusterName' is missing"),
        ("/ClusterName", Some(json!("aaaa")), "rejected: the attribute 'ClusterName' is not a UUID"),
        ("/ClusterName", Some(json!(1)), "rejected: the attribute 'ClusterName' is not a UUID"),
        ("/RequestId", Some(json!(1)), "rejected: the attribute 'RequestId' is not a string"),
    ] {
        assert_eq!(error(&with(pointer, value.clone())), expected, "{pointer} {value:?}");
    }
}

#[test]
fn what_can_be_read_of_the_identity_is_told() {
    let parsed = parse(&with("/ClusterName", json!("aaaa")));
    assert_eq!(parsed.organization.map(OrganizationId::get), Some(42));
    assert_eq!((parsed.cluster, parsed.request.as_deref()), (None, Some("req1")));
    let parsed = parse(&with("/OrgID", json!("x")));
    assert_eq!(parsed.cluster.map(|cluster| cluster.to_string()).as_deref(), Some(CLUSTER));
}

#[test]
fn a_good_or_empty_message_that_nobody_can_ask_for_is_skipped() {
    for value in [None, Some(json!(null)), Some(json!(""))] {
        let disposition = parse(&with("/RequestId", value)).disposition;
        assert_eq!(disposition, Disposition::Skipped(SkipReason::NoRequestId));
    }
    for value in [" ", "-b", "host/AbC-000001", "abc:def", &"x".repeat(129)] {
        let disposition = parse(&with("/RequestId", json!(value))).disposition;
        assert_eq!(disposition, Disposition::Skipped(SkipReason::UnusableRequestId), "{value}");
    }
    let mut empty = with("/Report", json!({}));
    empty["RequestId"] = json!(null);
    assert_eq!(outcome(&parse(&empty)), "skipped");
    let mut broken = with("/Report/reports", json!(7));
    broken["RequestId"] = json!(null);
    assert_eq!(outcome(&parse(&broken)), "rejected", "content is looked at before the missing ID");
}

#[test]
fn received_is_the_best_time_there_is() {
    assert_eq!(received(&message()), "2026-03-01T11:29:00Z");
    let offset = with("/Metadata/gathering_time", json!("2026-03-01T13:29:00.123456789+02:00"));
    assert_eq!(received(&offset), "2026-03-01T11:29:00.123456Z");
    assert_eq!(received(&with("/Metadata", None)), "2026-03-01T11:30:00.5Z");
    assert_eq!(received(&with("/Metadata", json!(7))), "2026-03-01T11:30:00.5Z");
    let mut neither = with("/Metadata", json!(null));
    neither["LastChecked"] = json!("yesterday");
    assert_eq!(received(&neither), ARRIVAL);
}

#[test]
fn oddities_are_told_of() {
    assert_eq!(parse(&with("/Version", json!(3))).warnings, [Warning::UnknownVersion(3)]);
    let future = with("/LastChecked", json!("2026-03-01T12:00:01Z"));
    assert_eq!(parse(&future).warnings, [Warning::FutureLastChecked]);
}

#[test]
fn every_spelling_of_a_cluster_is_the_cluster() {
    for spelling in [
        CLUSTER.to_uppercase(),
        CLUSTER.replace('-', ""),
        format!("{{{CLUSTER}}}"),
        format!("urn:uuid:{CLUSTER}"),
    ] {
        let parsed = parse(&with("/ClusterName", json!(spelling)));
        assert_eq!(parsed.cluster.map(|cluster| cluster.to_string()).as_deref(), Some(CLUSTER));
    }
}

#[test]
fn exactly_one_json_object_is_a_message() {
    for document in ["", " ", "{", "{}x", "{} {}", "\u{feff}{}", "nul", "{\"a\":1,}"] {
        let disposition = parse_text(document).disposition;
        assert!(
            matches!(disposition, Disposition::Rejected(MessageError::NotJson { .. })),
            "{document}: {disposition:?}"
        );
    }
    for document in ["null", "[]", "\"x\"", "7", "true"] {
        assert_eq!(
            parse_text(document).disposition,
            Disposition::Rejected(MessageError::NotAnObject),
            "{document}"
        );
    }
    assert_eq!(outcome(&parse_text(&format!("\n\t {}\r\n", message()))), "stored");
}

#[test]
fn of_a_key_that_comes_twice_the_later_one_counts() {
    let text = message().to_string();
    let twice = format!("{},\"OrgID\":43}}", &text[..text.len() - 1]);
    assert_eq!(parse_text(&twice).organization.map(OrganizationId::get), Some(43));
}

#[test]
fn numbers_and_depths_that_nobody_reads_do_no_harm() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for odd in ["1e99999", "123456789012345678901234567890", &deep] {
        let text = message().to_string().replace("{\"x\":1}", odd);
        assert!(text.contains(odd));
        assert_eq!(outcome(&parse_text(&text)), "stored");
    }
}

#[test]
fn reasons_and_ids_hold_nothing_that_a_database_refuses() {
    let parsed = parse(&with("/RequestId", json!(format!("a\0\n{}", "x".repeat(900)))));
    let request = parsed.request.unwrap();
    assert!(request.chars().count() == 500 && !request.chars().any(char::is_control));
}
