//! Retention: 24 hours from the last change, whether anything was purged or not.

use std::time::Duration;

use gathering_tests::{CLUSTER, Message, RequestState, TestDatabase, TestServer};
use serde_json::json;

use crate::fixture::{CLUSTER_NOT_FOUND, REQUEST_NOT_FOUND, report, requests, status};
use crate::on_both;

on_both!(
    an_expired_request_is_unknown_purged_or_not,
    a_change_sets_the_retention_anew_and_an_ignored_event_does_not,
    a_cluster_without_records_stays_known_for_long,
);

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const ALMOST_HALF_A_DAY: Duration = Duration::from_secs(12 * 60 * 60 - 1);

fn an_expired_request_is_unknown_purged_or_not(database: TestDatabase) {
    let server = TestServer::start(database);
    server.import(&[Message::new(42, CLUSTER, "old")]);
    server.advance(DAY / 2);
    server.import(&[Message::new(42, CLUSTER, "young")]);
    server.advance(ALMOST_HALF_A_DAY);
    assert_eq!(server.state(42, CLUSTER, "old"), Some(RequestState::Processed));
    server.advance(SECOND);
    for purged in [false, true] {
        if purged {
            server.purge();
        }
        let token = server.token(42);
        for path in [status, report] {
            let answer = server.get(&path(CLUSTER, "old")).bearer(&token).send();
            assert_eq!((answer.status, answer.sentence().as_str()), (404, REQUEST_NOT_FOUND));
        }
        let list = server.get(&requests(CLUSTER)).bearer(&token).send().json();
        assert_eq!(list["requests"].as_array().unwrap().len(), 1);
        assert_eq!(list["requests"][0]["requestID"], "young");
        let selected = server.post(&requests(CLUSTER), "[\"old\"]").bearer(&token).send().json();
        let unknown = json!([{"requestID": "old", "valid": false, "received": null, "processed": null, "status": null, "expires": null}]);
        assert_eq!(selected["requests"], unknown);
    }
}

fn a_change_sets_the_retention_anew_and_an_ignored_event_does_not(database: TestDatabase) {
    let server = TestServer::start(database);
    server.import(&[Message::new(42, CLUSTER, "again"), Message::new(42, CLUSTER, "ignored")]);
    server.advance(DAY / 2);
    server.import(&[Message::new(42, CLUSTER, "again"), Message::new(42, CLUSTER, "ignored").failed()]);
    server.announce(42, CLUSTER, "ignored");
    server.advance(DAY / 2);
    assert_eq!(server.state(42, CLUSTER, "again"), Some(RequestState::Processed));
    assert_eq!(server.state(42, CLUSTER, "ignored"), None);
    // An expired record counts as absent: even an announcement takes its place.
    server.announce(42, CLUSTER, "ignored");
    assert_eq!(server.state(42, CLUSTER, "ignored"), Some(RequestState::Received));
}

fn a_cluster_without_records_stays_known_for_long(database: TestDatabase) {
    let server = TestServer::start(database);
    server.import(&[Message::new(42, CLUSTER, "r")]);
    let list = || server.get(&requests(CLUSTER)).bearer(&server.token(42)).send();
    server.advance(DAY * 365);
    for purged in [false, true] {
        if purged {
            server.purge();
        }
        assert_eq!((list().status, &list().json()["requests"]), (200, &json!([])), "purged: {purged}");
    }
    server.advance(DAY);
    for purged in [false, true] {
        if purged {
            server.purge();
        }
        assert_eq!((list().status, list().sentence().as_str()), (404, CLUSTER_NOT_FOUND), "purged: {purged}");
    }
}
