//! One organization never sees what another has, nor that it has it.

use gathering_tests::{Answer, CLUSTER, Message, OTHER_CLUSTER, TestDatabase, TestServer};
use serde_json::json;

use crate::fixture::{UNKNOWN_CLUSTER, report, requests, status};
use crate::on_both;

on_both!(
    the_same_ids_in_two_organizations_are_two_records,
    what_another_organization_has_is_as_unknown_as_what_nobody_has,
);

fn the_same_ids_in_two_organizations_are_two_records(database: TestDatabase) {
    let server = TestServer::start(database);
    server.content(&[("rules.a|KEY", "The text of rule a.", 2), ("rules.b|KEY", "The text of rule b.", 3)]);
    server.import(&[
        Message::new(1, CLUSTER, "r").hit("rules.a|KEY").gathered("2026-03-01T01:00:00Z"),
        Message::new(2, CLUSTER, "r").hit("rules.b|KEY").gathered("2026-03-01T02:00:00Z"),
        Message::new(2, CLUSTER, "second"),
    ]);
    for (organization, rule, received, count) in
        [(1, "rules.a", "2026-03-01T01:00:00Z", 1), (2, "rules.b", "2026-03-01T02:00:00Z", 2)]
    {
        let token = server.token(organization);
        let hits = server.until(|server| {
            let hits = server.get(&report(CLUSTER, "r")).bearer(&token).send().json()["report"].clone();
            (hits != json!([])).then_some(hits)
        });
        assert_eq!((hits.as_array().unwrap().len(), &hits[0]["rule_fqdn"]), (1, &json!(rule)));
        let list = server.get(&requests(CLUSTER)).bearer(&token).send().json();
        assert_eq!(list["requests"].as_array().unwrap().len(), count);
        let selected = server.post(&requests(CLUSTER), "[\"r\"]").bearer(&token).send().json();
        assert_eq!(selected["requests"][0]["received"], json!(received));
    }
    let absent = server.post(&requests(CLUSTER), "[\"second\"]").bearer(&server.token(1)).send().json();
    assert_eq!(absent["requests"][0]["valid"], json!(false));
}

fn what_another_organization_has_is_as_unknown_as_what_nobody_has(database: TestDatabase) {
    let server = TestServer::start(database);
    server.import(&[
        Message::new(1, OTHER_CLUSTER, "own"),
        Message::new(2, CLUSTER, "theirs"),
        Message::new(2, OTHER_CLUSTER, "theirs"),
    ]);
    let token = server.token(1);
    let ask = |cluster: &str, request: &str| {
        [
            server.get(&status(cluster, request)),
            server.get(&report(cluster, request)),
            server.get(&requests(cluster)),
        ]
        .map(|call| seen(&call.bearer(&token).send()))
    };
    assert_eq!(ask(CLUSTER, "theirs"), ask(UNKNOWN_CLUSTER, "never"));
    assert_eq!(ask(OTHER_CLUSTER, "theirs"), ask(OTHER_CLUSTER, "never"));
}

/// All that a caller sees, but for what differs in every answer.
fn seen(answer: &Answer) -> (u16, Vec<(String, String)>, String) {
    let mut headers: Vec<_> = answer
        .headers
        .iter()
        // The advice when to come back is random within bounds.
        .filter(|(name, _)| !["date", "retry-after", "x-rh-insights-request-id"].contains(&name.as_str()))
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    // The library sends them in any order.
    headers.sort();
    (answer.status, headers, answer.body.clone())
}
