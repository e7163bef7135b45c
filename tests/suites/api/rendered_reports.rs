//! Reports as HTML, for who prefers it. What Markdown becomes is tested beside its code.

use std::time::Duration;

use gathering_tests::{Answer, CLUSTER, Message, TestDatabase, TestServer};

use crate::fixture::{REQUEST_NOT_FOUND, report, status};
use crate::on_both;

on_both!(
    the_same_report_as_html,
    who_does_not_prefer_html_gets_json_as_ever,
    states_without_hits_say_so,
    what_is_known_is_not_sent_again,
    who_waits_gets_html_as_well,
);

const HTML: &str = "text/html";

fn ask(server: &TestServer, request: &str, accept: &str) -> Answer {
    server.get(&report(CLUSTER, request)).bearer(&server.token(42)).header("Accept", accept).send()
}

fn the_same_report_as_html(database: TestDatabase) {
    let server = TestServer::builder(database)
        .content(&[
            (
                "rules.a|KEY",
                "# Full\n\nA **disk** is <b>full</b>, see [this](https://example.com/?a&b).\n",
                4,
            ),
            (
                "rules.b|OTHER",
                "<script>alert(1)</script> [x](javascript:alert(1)) ![](https://example.com/i.png)",
                1,
            ),
        ])
        .start();
    server.import(&[Message::new(42, CLUSTER, "r").hit("rules.b|OTHER").hit("rules.a|KEY")]);
    let answer = ask(&server, "r", "text/html,application/xhtml+xml,*/*;q=0.8");
    assert_eq!((answer.status, answer.header("content-type")), (200, "text/html; charset=utf-8"));
    for (name, value) in [
        ("vary", "accept"),
        ("cache-control", "private, no-cache"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        (
            "content-security-policy",
            "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox",
        ),
    ] {
        assert_eq!(answer.header(name), value, "{name}");
    }
    let html = &answer.body;
    assert!(html.contains(&format!("<main data-cluster=\"{CLUSTER}\" data-request=\"r\" data-state=\"processed\" data-expires=\"2026-")), "{html}");
    let (first, second) = (html.find("data-key=\"KEY\"").unwrap(), html.find("data-key=\"OTHER\"").unwrap());
    assert!(first < second, "the highest risk comes first");
    assert!(
        html.contains("<section data-risk=\"4\" data-rule=\"rules.a\" data-key=\"KEY\">\n<h2>Critical</h2>")
    );
    assert!(html.contains(
        "<h3>Full</h3>\n<p>A <strong>disk</strong> is &lt;b&gt;full&lt;/b&gt;, see \
         <a rel=\"noopener noreferrer nofollow\" href=\"https://example.com/?a&amp;b\">this</a>.</p>"
    ));
    assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    for bad in ["<script", "<b>", "<img", "href=\"javascript"] {
        assert!(!html.contains(bad), "{bad}: {html}");
    }
}

fn who_does_not_prefer_html_gets_json_as_ever(database: TestDatabase) {
    let server = TestServer::builder(database).content(&[("rules.a|KEY", "A text.", 2)]).start();
    server.import(&[Message::new(42, CLUSTER, "r").hit("rules.a|KEY")]);
    let plain = server.get(&report(CLUSTER, "r")).bearer(&server.token(42)).send();
    assert!(plain.body.starts_with("{\"cluster\":\"") && plain.body.ends_with("}\n"), "{}", plain.body);
    assert_eq!(plain.header("vary"), "accept");
    for accept in [
        "*/*",
        "application/json",
        "application/json, text/html",
        "text/html;q=0.5, */*",
        // Java's, where nobody sets another.
        "text/html, image/gif, image/jpeg, */*; q=0.2",
        "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2",
        "text/plain",
        "x",
    ] {
        let answer = ask(&server, "r", accept);
        assert_eq!((answer.status, &answer.body), (200, &plain.body), "{accept}");
        for name in ["content-type", "etag", "cache-control", "vary", "content-security-policy"] {
            assert_eq!(answer.header(name), plain.header(name), "{accept} {name}");
        }
    }
    let state = server.get(&status(CLUSTER, "r")).bearer(&server.token(42)).header("Accept", HTML).send();
    assert_eq!(state.json()["status"], "processed", "the status has one form");
    let unknown = ask(&server, "nope", HTML);
    assert_eq!((unknown.status, unknown.sentence().as_str()), (404, REQUEST_NOT_FOUND));
    let refused = server.get(&report(CLUSTER, "r")).header("Accept", HTML).send();
    assert_eq!((refused.status, refused.header("content-type")), (401, "application/json; charset=utf-8"));
}

fn states_without_hits_say_so(database: TestDatabase) {
    let server = TestServer::start(database);
    server.import(&[Message::new(42, CLUSTER, "healthy"), Message::new(42, CLUSTER, "broken").failed()]);
    server.announce(42, CLUSTER, "pending");
    for (request, state, says) in [
        ("healthy", "processed", "<p>The analysis found nothing.</p>"),
        ("broken", "failed", "<p data-reason dir=\"auto\">"),
        ("pending", "received", "The request is received."),
    ] {
        let html = ask(&server, request, HTML).body;
        assert!(html.contains(&format!(" data-state=\"{state}\"")) && html.contains(says), "{html}");
        assert!(!html.contains("<section"), "{html}");
    }
}

fn what_is_known_is_not_sent_again(database: TestDatabase) {
    let server = TestServer::start(database);
    server.import(&[Message::new(42, CLUSTER, "r")]);
    let tags = [HTML, "*/*"].map(|accept| ask(&server, "r", accept).header("etag").to_owned());
    assert_ne!(tags[0], tags[1], "two forms are two answers");
    for (accept, known) in [(HTML, 0), ("*/*", 1)] {
        for (index, tag) in tags.iter().enumerate() {
            let call = server.get(&report(CLUSTER, "r")).bearer(&server.token(42)).header("Accept", accept);
            let answer = call.header("If-None-Match", tag).send();
            assert_eq!(answer.status, if index == known { 304 } else { 200 }, "{accept} {tag}");
            assert_eq!(answer.header("vary"), "accept", "{accept} {tag}");
        }
    }
}

fn who_waits_gets_html_as_well(database: TestDatabase) {
    let server = TestServer::start(database);
    server.announce(42, CLUSTER, "r");
    let call = server.get(&report(CLUSTER, "r")).bearer(&server.token(42)).header("Accept", HTML);
    let call = call.header("Prefer", "wait=20");
    let waiting = std::thread::spawn(move || call.send());
    server.until(|server| (server.metric("gathering_waiting_calls") == 1).then_some(()));
    server.import(&[Message::new(42, CLUSTER, "r")]);
    let answer = waiting.join().unwrap();
    assert_eq!((answer.status, answer.header("preference-applied")), (200, "wait=20"));
    assert!(answer.body.contains(" data-state=\"processed\""), "{}", answer.body);
    server.advance(Duration::from_secs(24 * 60 * 60));
    assert_eq!(ask(&server, "r", HTML).status, 404, "it has expired");
}
