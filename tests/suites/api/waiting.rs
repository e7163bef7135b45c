//! Waiting for a result instead of polling for it.

mod connections;

use std::thread::{Scope, ScopedJoinHandle};
use std::time::Duration;

use gathering_auth::Scope as Permission;
use gathering_tests::{Answer, CLUSTER, Message, TestDatabase, TestServer, TokenRequest};

use crate::fixture::{report, status};
use crate::on_both;

on_both!(
    a_result_of_this_process_ends_the_wait_at_once,
    a_result_of_another_process_ends_the_wait,
    a_failure_ends_the_wait_and_an_announcement_does_not,
    a_wait_ends_with_its_time,
    who_does_not_ask_is_held_where_that_is_set,
    over_the_limit_answers_come_at_once_and_organizations_share_it,
    a_report_that_is_there_asks_nobody_to_come_back,
    a_stop_ends_all_waits_at_once,
    waits_outlast_a_database_that_was_away,
    what_is_not_pending_is_not_waited_for,
);

const WAITING: &str = "gathering_waiting_calls";
const APPLIED: &str = "preference-applied";

/// Never rechecks, so that only what the process itself records wakes anybody.
const NO_RECHECK: &str = "wait.recheck=1h";

fn until_waiting(server: &TestServer, count: u64) {
    server.until(|server| (server.metric(WAITING) == count).then_some(()));
}

fn writer(server: &TestServer) -> String {
    server.mint(&TokenRequest { scopes: vec![Permission::Write], ..TestServer::token_request(42) })
}

fn record(server: &TestServer, message: &Message) {
    let post = server.post("/ingest/results", message.to_string()).header("Content-Type", "application/json");
    assert_eq!(post.bearer(&writer(server)).send().status, 200);
}

/// Asks on another thread, which waits.
fn ask<'scope, 'env>(
    scope: &'scope Scope<'scope, 'env>,
    server: &'env TestServer,
    path: &str,
    wish: &'static str,
) -> ScopedJoinHandle<'scope, Answer> {
    let call = server.get(path).header("Prefer", wish).bearer(&server.token(42));
    scope.spawn(move || call.send())
}

fn a_result_of_this_process_ends_the_wait_at_once(database: TestDatabase) {
    let server =
        TestServer::builder(database).set(NO_RECHECK).content(&[("m.m|K", "a text that is long", 2)]).start();
    std::thread::scope(|scope| {
        let calls = [
            ask(scope, &server, &status(CLUSTER, "r"), "wait=20"),
            ask(scope, &server, &report(CLUSTER, "r"), "respond-async, Wait=\"20\""),
            ask(scope, &server, &status(CLUSTER, "r"), "wait=900"),
        ];
        until_waiting(&server, 3);
        record(&server, &Message::new(42, CLUSTER, "another"));
        assert_eq!(server.metric(WAITING), 3);
        record(&server, &Message::new(42, CLUSTER, "r").hit("m.m|K"));
        for (call, applied) in calls.into_iter().zip(["wait=20", "wait=20", "wait=25"]) {
            let answer = call.join().unwrap();
            assert_eq!((answer.status, answer.json()["status"].as_str()), (200, Some("processed")));
            assert_eq!((answer.header(APPLIED), answer.header("retry-after")), (applied, ""));
            if let Some(report) = answer.json()["report"].as_array() {
                assert_eq!(report.len(), 1);
            }
        }
    });
    assert_eq!((server.metric(WAITING), server.metric("gathering_waits_total{end=\"woken\"}")), (0, 3));
}

fn a_result_of_another_process_ends_the_wait(database: TestDatabase) {
    let server = TestServer::builder(database).set("wait.recheck=10ms").start();
    std::thread::scope(|scope| {
        let mut calls: Vec<_> =
            ["r", "r", "b"].map(|request| ask(scope, &server, &status(CLUSTER, request), "wait=20")).into();
        until_waiting(&server, 3);
        // It has a connection of its own, like another process.
        server.import(&[Message::new(42, CLUSTER, "r")]);
        let other = calls.pop().unwrap();
        for call in calls {
            assert_eq!(call.join().unwrap().json()["status"], "processed");
        }
        assert!(!other.is_finished());
        server.import(&[Message::new(42, CLUSTER, "b").failed()]);
        assert_eq!(other.join().unwrap().json()["status"], "failed");
    });
}

fn a_failure_ends_the_wait_and_an_announcement_does_not(database: TestDatabase) {
    let server = TestServer::builder(database).set(NO_RECHECK).start();
    std::thread::scope(|scope| {
        let call = ask(scope, &server, &status(CLUSTER, "r"), "wait=20");
        until_waiting(&server, 1);
        server.announce(42, CLUSTER, "r");
        assert_eq!(server.state(42, CLUSTER, "r").unwrap().as_str(), "received");
        assert!(!call.is_finished());
        record(&server, &Message::new(42, CLUSTER, "r").failed());
        let answer = call.join().unwrap();
        assert_eq!(answer.json()["reason"], "the report is empty");
        assert_eq!(answer.header("retry-after"), "");
    });
}

fn a_wait_ends_with_its_time(database: TestDatabase) {
    let server = TestServer::builder(database).set(NO_RECHECK).start();
    server.announce(42, CLUSTER, "pending");
    std::thread::scope(|scope| {
        let calls = [
            ("pending", ask(scope, &server, &status(CLUSTER, "pending"), "wait=7"), 200, "received"),
            ("unknown", ask(scope, &server, &status(CLUSTER, "unknown"), "wait=7"), 404, ""),
        ];
        let late = ask(scope, &server, &status(CLUSTER, "late"), "wait=8");
        until_waiting(&server, 3);
        // Found at the end, although nobody was told of it.
        server.import(&[Message::new(42, CLUSTER, "late")]);
        server.advance(Duration::from_secs(7));
        for (request, call, code, state) in calls {
            let answer = call.join().unwrap();
            assert_eq!((answer.status, answer.header(APPLIED)), (code, "wait=7"), "{request}");
            let retry_after: u64 = answer.header("retry-after").parse().unwrap();
            assert!((5..=8).contains(&retry_after), "{retry_after}");
            assert!(state.is_empty() || answer.json()["status"] == state);
        }
        assert!(!late.is_finished());
        server.advance(Duration::from_secs(1));
        assert_eq!(late.join().unwrap().json()["status"], "processed");
    });
}

fn who_does_not_ask_is_held_where_that_is_set(database: TestDatabase) {
    let server = TestServer::builder(database).set(NO_RECHECK).set("wait.hold=20s").start();
    let token = server.token(42);
    std::thread::scope(|scope| {
        let held = server.get(&status(CLUSTER, "r")).bearer(&token);
        let held = scope.spawn(move || held.send());
        until_waiting(&server, 1);
        // Neither who wishes not to wait, nor who asks for a report, which operators do once.
        let at_once = server.get(&status(CLUSTER, "r")).header("Prefer", "wait=0").bearer(&token).send();
        assert_eq!((at_once.status, at_once.header(APPLIED)), (404, "wait=0"));
        assert_eq!(server.get(&report(CLUSTER, "r")).bearer(&token).send().status, 404);
        record(&server, &Message::new(42, CLUSTER, "r"));
        let answer = held.join().unwrap();
        assert_eq!((answer.status, answer.header(APPLIED)), (200, ""));
    });
}

fn over_the_limit_answers_come_at_once_and_organizations_share_it(database: TestDatabase) {
    let server = TestServer::builder(database).set(NO_RECHECK).set("wait.max_waiters=2").start();
    std::thread::scope(|scope| {
        let first = ["a", "b"].map(|request| ask(scope, &server, &status(CLUSTER, request), "wait=20"));
        until_waiting(&server, 2);
        let refused = server.get(&status(CLUSTER, "c")).header("Prefer", "wait=20").bearer(&server.token(42));
        let refused = refused.send();
        assert_eq!((refused.status, refused.header(APPLIED)), (404, ""));
        let report = server.get(&report(CLUSTER, "c")).header("Prefer", "wait=20").bearer(&server.token(42));
        let report = report.send();
        assert_eq!((report.status, report.header(APPLIED)), (404, ""));
        assert!(!report.header("retry-after").is_empty(), "it would come back at once");
        let other = server.get(&status(CLUSTER, "a")).header("Prefer", "wait=20").bearer(&server.token(7));
        let other = scope.spawn(move || other.send());
        server.until(|server| (server.metric("gathering_waits_total{end=\"cut_short\"}") == 1).then_some(()));
        assert_eq!(server.metric(WAITING), 2, "each organization has one place");
        server.advance(Duration::from_secs(20));
        assert_eq!(other.join().unwrap().header(APPLIED), "wait=20");
        let applied = first.map(|call| call.join().unwrap().header(APPLIED).to_owned());
        assert_eq!(applied.iter().filter(|applied| applied.is_empty()).count(), 1);
    });
}

fn a_report_that_is_there_asks_nobody_to_come_back(database: TestDatabase) {
    let server = TestServer::builder(database).set(NO_RECHECK).set("wait.max_waiters=2").start();
    std::thread::scope(|scope| {
        let stays = ask(scope, &server, &status(CLUSTER, "a"), "wait=20");
        until_waiting(&server, 1);
        let makes_room = ask(scope, &server, &report(CLUSTER, "b"), "wait=20");
        until_waiting(&server, 2);
        // Recorded as by another process, so that nobody is woken.
        server.import(&[Message::new(42, CLUSTER, "b")]);
        let other = server.get(&status(CLUSTER, "a")).header("Prefer", "wait=20").bearer(&server.token(7));
        let other = scope.spawn(move || other.send());
        let answer = makes_room.join().unwrap();
        assert_eq!((answer.status, answer.json()["status"].as_str()), (200, Some("processed")));
        assert_eq!((answer.header(APPLIED), answer.header("retry-after")), ("", ""));
        server.advance(Duration::from_secs(20));
        assert_eq!([stays, other].map(|call| call.join().unwrap().status), [404, 404]);
    });
}

fn a_stop_ends_all_waits_at_once(database: TestDatabase) {
    let server = TestServer::builder(database).set(NO_RECHECK).set("http.shutdown_grace=60s").start();
    let calls: Vec<_> = (0..20)
        .map(|number| {
            let call = server.get(&status(CLUSTER, &format!("r{number}"))).header("Prefer", "wait=25");
            let call = call.bearer(&server.token(42));
            std::thread::spawn(move || call.send())
        })
        .collect();
    until_waiting(&server, 20);
    // The clock stands still: nothing but the stop can end them.
    drop(server);
    for call in calls {
        let answer = call.join().unwrap();
        assert_eq!((answer.status, answer.header(APPLIED)), (404, ""));
    }
}

fn waits_outlast_a_database_that_was_away(database: TestDatabase) {
    let server = TestServer::builder(database)
        .set("wait.recheck=10ms")
        .set("storage.pool_timeout=100ms")
        .set("storage.query_timeout=300ms")
        .start();
    std::thread::scope(|scope| {
        let call = ask(scope, &server, &status(CLUSTER, "r"), "wait=20");
        until_waiting(&server, 1);
        let outage = server.outage();
        server.until(|server| {
            let answer = server.get(&report(CLUSTER, "other")).bearer(&server.token(42)).send();
            (answer.status == 503).then_some(())
        });
        assert!(!call.is_finished());
        drop(outage);
        server.import(&[Message::new(42, CLUSTER, "r")]);
        assert_eq!(call.join().unwrap().json()["status"], "processed");
    });
}

fn what_is_not_pending_is_not_waited_for(database: TestDatabase) {
    let server = TestServer::start(database);
    server.import(&[Message::new(42, CLUSTER, "done"), Message::new(42, CLUSTER, "broken").failed()]);
    for request in ["done", "broken"] {
        for path in [status(CLUSTER, request), report(CLUSTER, request)] {
            let answer = server.get(&path).header("Prefer", "wait=20").bearer(&server.token(42)).send();
            assert_eq!((answer.status, answer.header(APPLIED)), (200, "wait=20"));
        }
    }
    for (path, code) in [(status("nonsense", "r"), 400), (status(CLUSTER, "-"), 400)] {
        let answer = server.get(&path).header("Prefer", "wait=20").bearer(&server.token(42)).send();
        assert_eq!(answer.status, code);
    }
    assert_eq!(server.get(&status(CLUSTER, "r")).header("Prefer", "wait=20").send().status, 401);
}
