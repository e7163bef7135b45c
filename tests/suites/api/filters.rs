//! Rules that are acknowledged or disabled: what reports show while the aggregator is right, away, slow, wrong and back, and that
//! nothing else asks it.

mod fairness;

use std::time::Duration;

use gathering_tests::{
    Aggregator, Behaviour, CLUSTER, Message, OTHER_CLUSTER, TestDatabase, TestServer, TestServerBuilder,
};

use crate::fixture::{UNKNOWN_CLUSTER, report, requests, status};
use crate::on_both;

on_both!(
    rules_are_left_out_that_the_aggregator_names,
    nothing_but_a_report_with_hits_asks,
    answers_are_kept_and_renewed,
    old_answers_serve_while_the_aggregator_is_away,
    without_an_answer_every_hit_is_shown,
    wrong_answers_count_as_none,
    a_404_for_the_cluster_is_an_empty_list,
);

const SYSTEM_WIDE: &str = "disabled_system_wide";
const FOR_CLUSTERS: &str = "disabled_for_clusters";

const CHUNKED: &str = "Transfer-Encoding: chunked\r\n";

const ALL: [&str; 4] = ["rules.acked", "rules.disabled", "rules.shown", "rules.shown.too"];

/// A server that filters with this aggregator, and knows every rule.
fn builder(database: TestDatabase, aggregator: &Aggregator) -> TestServerBuilder {
    let content: Vec<(String, String)> =
        ALL.iter().map(|rule| (format!("{rule}|K"), format!("What {rule} found."))).collect();
    let content: Vec<(&str, &str, i32)> =
        content.iter().map(|(hit, text)| (hit.as_str(), text.as_str(), 2)).collect();
    TestServer::builder(database)
        .content(&content)
        .set(&format!("report.filter.aggregator={}", aggregator.url()))
        // Longer than any answer takes that comes at all.
        .set("report.filter.timeout=30s")
}

/// A message with a hit of every rule.
fn message(organization: u32, cluster: &str) -> Message {
    ALL.iter()
        .fold(Message::new(organization, cluster, "r"), |message, rule| message.hit(&format!("{rule}|K")))
}

fn aggregator() -> Aggregator {
    let aggregator = Aggregator::start();
    aggregator.acknowledge(42, "rules.acked", "K");
    aggregator.disable(42, CLUSTER, "rules.disabled.report", "K");
    aggregator
}

/// The rules of a report.
fn rules_of(server: &TestServer, organization: u32, cluster: &str) -> Vec<String> {
    let answer = server.get(&report(cluster, "r")).bearer(&server.token(organization)).send();
    assert_eq!(answer.status, 200, "{answer:?}");
    let entries = answer.json()["report"].as_array().unwrap().clone();
    entries.iter().map(|entry| entry["rule_fqdn"].as_str().unwrap().to_owned()).collect()
}

fn rules(server: &TestServer) -> Vec<String> {
    rules_of(server, 42, CLUSTER)
}

fn reports(server: &TestServer, answer: &str) -> u64 {
    server.metric(&format!("gathering_report_filter_reports_total{{answer=\"{answer}\"}}"))
}

const FILTERED: [&str; 2] = ["rules.shown", "rules.shown.too"];

fn rules_are_left_out_that_the_aggregator_names(database: TestDatabase) {
    let aggregator = aggregator();
    // As they stand, these are no rules of the hits.
    aggregator.acknowledge(42, "rules.shown.report", "K");
    aggregator.acknowledge(42, "rules.shown", "OTHER");
    aggregator.acknowledge(42, "rules.shown", "");
    aggregator.disable(42, CLUSTER, "rules.shown.report.report", "K");
    aggregator.disable(42, CLUSTER, "", "K");
    // These are of others.
    aggregator.acknowledge(7, "rules.shown", "K");
    aggregator.disable(42, OTHER_CLUSTER, "rules.shown", "K");
    aggregator.disable(7, CLUSTER, "rules.shown", "K");
    let server = builder(database, &aggregator).start();
    server.import(&[message(42, CLUSTER), message(42, OTHER_CLUSTER), message(7, CLUSTER)]);
    assert_eq!(rules(&server), FILTERED);

    let mut calls = aggregator.calls();
    calls.sort_by(|one, other| one.target.cmp(&other.target));
    let seen: Vec<_> = calls.iter().map(|call| (call.target.as_str(), call.body.as_str())).collect();
    let (list, clusters) =
        (format!("[\"{CLUSTER}\"]"), "POST /api/v1/rules/organizations/42/disabled_for_clusters");
    let system_wide = "GET /api/v1/rules/organizations/42/disabled_system_wide";
    assert_eq!(seen, [(system_wide, ""), (clusters, list.as_str())]);
    let headers: Vec<&String> = calls.iter().flat_map(|call| &call.headers).collect();
    assert!(headers.contains(&&"content-type: application/json".to_owned()), "{headers:?}");
    let secret = |line: &&&String| {
        line.starts_with("authorization") || line.starts_with("cookie") || line.starts_with("x-")
    };
    assert_eq!(headers.iter().find(secret), None, "it is asked without credentials");

    assert_eq!(rules_of(&server, 42, OTHER_CLUSTER), ["rules.disabled", "rules.shown.too"]);
    assert_eq!(rules_of(&server, 7, CLUSTER), ["rules.acked", "rules.disabled", "rules.shown.too"]);
    assert_eq!((reports(&server, "fresh"), reports(&server, "stale"), reports(&server, "none")), (3, 0, 0));
    assert_eq!(server.metric("gathering_report_hits_disabled_total"), 5);
    assert_eq!(server.metric("gathering_report_hits_omitted_total"), 0);
}

fn nothing_but_a_report_with_hits_asks(database: TestDatabase) {
    let aggregator = aggregator();
    // Whoever asked would wait.
    aggregator.behave("", Behaviour::Silent);
    let server = builder(database, &aggregator).start();
    server.import(&[
        message(42, CLUSTER),
        Message::new(42, CLUSTER, "healthy"),
        Message::new(42, CLUSTER, "bad").failed(),
    ]);
    server.announce(42, CLUSTER, "pending");
    let token = server.token(42);
    for (path, expected) in [
        (status(CLUSTER, "r"), 200),
        (status(CLUSTER, "unknown"), 404),
        (requests(CLUSTER), 200),
        (requests(UNKNOWN_CLUSTER), 404),
        (report(CLUSTER, "healthy"), 200),
        (report(CLUSTER, "bad"), 200),
        (report(CLUSTER, "pending"), 200),
        (report(CLUSTER, "unknown"), 404),
        (report(OTHER_CLUSTER, "r"), 404),
    ] {
        assert_eq!(server.get(&path).bearer(&token).send().status, expected, "{path}");
    }
    assert_eq!(server.post(&requests(CLUSTER), "[\"r\",\"unknown\"]").bearer(&token).send().status, 200);
    assert_eq!(server.get(&report(CLUSTER, "r")).bearer(&server.token(7)).send().status, 404);
    assert_eq!(server.get(&report(CLUSTER, "r")).send().status, 401);
    assert_eq!(server.admin("/readyz").send().status, 200);
    assert_eq!(aggregator.calls(), []);
    assert_eq!(["fresh", "stale", "none"].map(|answer| reports(&server, answer)), [0; 3]);
}

fn answers_are_kept_and_renewed(database: TestDatabase) {
    let aggregator = aggregator();
    let server = builder(database, &aggregator).start();
    server.import(&[message(42, CLUSTER), message(42, OTHER_CLUSTER)]);
    for _ in 0..3 {
        assert_eq!(rules(&server), FILTERED);
    }
    aggregator.acknowledge(42, "rules.shown", "K");
    server.advance(Duration::from_secs(29));
    assert_eq!(rules(&server), FILTERED, "it is fresh for 30 seconds");
    assert_eq!(aggregator.calls().len(), 2);
    assert_eq!(
        rules_of(&server, 42, OTHER_CLUSTER),
        ["rules.disabled", "rules.shown.too"],
        "it is asked of each cluster"
    );
    server.advance(Duration::from_secs(1));
    assert_eq!(rules(&server), ["rules.shown.too"]);
    assert_eq!(aggregator.calls().len(), 6);
}

fn old_answers_serve_while_the_aggregator_is_away(database: TestDatabase) {
    let aggregator = aggregator();
    let server = builder(database, &aggregator).start();
    server.import(&[message(42, CLUSTER)]);
    assert_eq!(rules(&server), FILTERED);
    aggregator.acknowledge(42, "rules.shown", "K");
    aggregator.behave("", Behaviour::Away);
    server.advance(Duration::from_secs(30));
    for _ in 0..20 {
        assert_eq!(rules(&server), FILTERED, "what it said before counts");
    }
    let failed = || server.metric("gathering_report_filter_questions_total{outcome=\"failed\"}");
    assert_eq!((failed(), reports(&server, "stale")), (1, 20), "it is not asked for each report");
    for (pause, questions) in [(1, 2), (1, 2), (1, 3), (3, 3), (1, 4), (60, 5), (60, 6)] {
        server.advance(Duration::from_secs(pause));
        assert_eq!((rules(&server).len(), failed()), (2, questions), "after {pause} s more");
    }
    assert_eq!(server.admin("/readyz").send().status, 200, "it is no matter of being ready");

    aggregator.behave("", Behaviour::Right);
    assert_eq!(rules(&server), FILTERED, "it is asked again after a pause only");
    server.advance(Duration::from_secs(30));
    assert_eq!(rules(&server), ["rules.shown.too"], "it is back");

    aggregator.behave("", Behaviour::Away);
    server.advance(Duration::from_secs(3600));
    assert_eq!(rules(&server), ["rules.shown.too"], "an hour is not too old");
    server.advance(Duration::from_micros(1));
    assert_eq!(rules(&server), ALL, "more than that is");
    assert_eq!(reports(&server, "none"), 1);
}

fn without_an_answer_every_hit_is_shown(database: TestDatabase) {
    let aggregator = aggregator();
    aggregator.behave("", Behaviour::Away);
    let server = builder(database, &aggregator).start();
    server.import(&[message(42, CLUSTER), message(42, OTHER_CLUSTER)]);
    assert_eq!(
        (rules(&server), rules(&server)),
        (ALL.map(str::to_owned).into(), ALL.map(str::to_owned).into())
    );
    assert_eq!(rules_of(&server, 42, OTHER_CLUSTER), ALL, "the pause holds for it, too");
    assert_eq!(reports(&server, "none"), 3);
    assert_eq!(server.metric("gathering_report_filter_questions_total{outcome=\"failed\"}"), 1);
    aggregator.behave("", Behaviour::Right);
    server.advance(Duration::from_secs(1));
    assert_eq!(rules(&server), FILTERED);
}

fn wrong_answers_count_as_none(database: TestDatabase) {
    let says = |status, headers, body: &str| Behaviour::Says { status, headers, body: body.into() };
    let json = "Content-Type: application/json\r\n";
    let rules_text = r#"{"status":"ok","disabledRules":[{"rule_id":"rules.acked","error_key":"K"}]}"#;
    let (half, _) = rules_text.split_at(rules_text.len() - 2);
    let chunks = "1\r\n \r\n".repeat((1 << 20) + 1);
    let huge = format!("{{\"disabledRules\":[],\"rules\":[],\"other\":\"{}\"}}", "x".repeat(2 << 20));
    let redirect = "Location: /api/v1/elsewhere/disabled_system_wide\r\n";
    let behaviours = [
        ("500", says("500 Internal Server Error", json, rules_text)),
        ("503", says("503 Service Unavailable", "Retry-After: 5\r\n", "")),
        ("204", says("204 No Content", "", "")),
        ("401", says("401 Unauthorized", json, r#"{"status":"no"}"#)),
        ("a page", says("200 OK", "Content-Type: text/html\r\n", "<html><body>Sign in</body></html>")),
        ("nothing", says("200 OK", json, "")),
        ("half a text", says("200 OK", json, half)),
        ("no whole body", says("200 OK", CHUNKED, "5\r\n{\"a\"")),
        ("no HTTP", says("two hundred", json, rules_text)),
        ("another object", says("200 OK", json, r#"{"status":"ok"}"#)),
        (
            "another type",
            says("200 OK", json, r#"{"disabledRules":{"rules.acked":"K"},"rules":"rules.acked|K"}"#),
        ),
        ("other types", says("200 OK", json, r#"{"disabledRules":[{"rule_id":1}],"rules":[{"RuleID":{}}]}"#)),
        ("a redirect", says("302 Found", redirect, "")),
        ("another redirect", says("307 Temporary Redirect", redirect, "")),
        ("too much", says("200 OK", json, &huge)),
        (
            "too much in small pieces",
            Behaviour::Says { status: "200 OK", headers: CHUNKED, body: chunks.into() },
        ),
        ("no end", Behaviour::Endless),
    ];
    let aggregator = aggregator();
    let server = builder(database, &aggregator).set("report.filter.timeout=1s").start();
    server.import(&[message(42, CLUSTER)]);
    for end in [SYSTEM_WIDE, FOR_CLUSTERS] {
        for (name, behaviour) in behaviours.clone() {
            aggregator.behave(end, behaviour);
            // Whatever pause there was, it is over.
            server.advance(Duration::from_secs(31));
            assert_eq!(rules(&server), ALL, "{name} of {end}");
        }
        aggregator.behave(end, Behaviour::Right);
    }
    aggregator.behave(SYSTEM_WIDE, says("404 Not Found", json, r#"{"status":"no such organization"}"#));
    server.advance(Duration::from_secs(31));
    assert_eq!(rules(&server), ALL, "only the list of a cluster may not be there");
    let calls = aggregator.calls();
    assert!(!calls.iter().any(|call| call.target.contains("elsewhere")), "no redirect is followed");
    let count = 2 * behaviours.len() as u64 + 1;
    assert_eq!((reports(&server, "none"), reports(&server, "fresh")), (count, 0));
    aggregator.behave(SYSTEM_WIDE, Behaviour::Right);
    server.until(|server| {
        server.advance(Duration::from_secs(31));
        (rules(server) == FILTERED).then_some(())
    });
}

fn a_404_for_the_cluster_is_an_empty_list(database: TestDatabase) {
    let aggregator = aggregator();
    let body = br#"{"status":"no rules"}"#.to_vec();
    aggregator.behave(FOR_CLUSTERS, Behaviour::Says { status: "404 Not Found", headers: "", body });
    let server = builder(database, &aggregator).start();
    server.import(&[message(42, CLUSTER)]);
    assert_eq!(rules(&server), ["rules.disabled", "rules.shown", "rules.shown.too"]);
    assert_eq!(reports(&server, "fresh"), 1);
}
