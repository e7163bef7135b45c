//! Many and slow questions: nobody pays for those of others.

use std::thread;
use std::time::{Duration, Instant};

use gathering_tests::{Behaviour, CLUSTER, Call, Message, TestDatabase, until};

use super::{
    ALL, FILTERED, FOR_CLUSTERS, SYSTEM_WIDE, aggregator, builder, message, reports, rules, rules_of,
};
use crate::fixture::report;
use crate::on_both;

on_both!(
    a_slow_aggregator_costs_its_time_limit_once,
    whoever_asks_the_same_shares_the_question,
    one_organization_is_asked_about_four_times_at_once,
    lists_of_one_organization_that_fail_cost_no_other_anything,
    lists_of_two_organizations_that_fail_cost_others_no_more,
    an_old_answer_serves_no_longer_because_a_question_takes_long,
    a_stop_does_not_wait_for_the_aggregator,
);

fn a_slow_aggregator_costs_its_time_limit_once(database: TestDatabase) {
    let aggregator = aggregator();
    aggregator.behave(FOR_CLUSTERS, Behaviour::Silent);
    let server = builder(database, &aggregator).set("report.filter.timeout=200ms").start();
    server.import(&[message(42, CLUSTER)]);
    let began = Instant::now();
    assert_eq!(rules(&server), ALL);
    assert!(began.elapsed() >= Duration::from_millis(200));
    for _ in 0..10 {
        assert_eq!(rules(&server), ALL);
    }
    let failed = server.metric("gathering_report_filter_questions_total{outcome=\"failed\"}");
    assert_eq!(failed, 1, "nobody waits for it in the pause");
}

fn whoever_asks_the_same_shares_the_question(database: TestDatabase) {
    let aggregator = aggregator();
    aggregator.behave(FOR_CLUSTERS, Behaviour::Silent);
    let server = builder(database, &aggregator).start();
    server.import(&[message(42, CLUSTER)]);
    let token = server.token(42);
    let ask =
        || server.get(&report(CLUSTER, "r")).bearer(&token).send().json()["report"].as_array().unwrap().len();
    let reports: Vec<usize> = thread::scope(|scope| {
        let asking: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
        until(|| aggregator.calls().len() == 2);
        // The question fails for all of them, or they come later, in the pause.
        aggregator.behave(FOR_CLUSTERS, Behaviour::Away);
        asking.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(reports, [ALL.len(); 8]);
    // A client may try a call again on a new connection if the one it used was closed.
    assert!(aggregator.calls().len() <= 3, "{:?}", aggregator.calls());
    assert_eq!(server.metric("gathering_report_filter_questions_total{outcome=\"failed\"}"), 1);
}

fn one_organization_is_asked_about_four_times_at_once(database: TestDatabase) {
    let aggregator = aggregator();
    aggregator.acknowledge(7, "rules.shown", "K");
    for list in [SYSTEM_WIDE, FOR_CLUSTERS] {
        aggregator.behave(&format!("organizations/42/{list}"), Behaviour::Silent);
    }
    let server = builder(database, &aggregator).start();
    let clusters: Vec<String> =
        (10..22).map(|number| format!("000000{number}-0000-0000-0000-000000000000")).collect();
    let mut messages: Vec<Message> = clusters.iter().map(|cluster| message(42, cluster)).collect();
    messages.push(message(7, CLUSTER));
    server.import(&messages);
    let calls_of = |organization: u32| {
        let part = format!("/organizations/{organization}/");
        aggregator.calls().iter().filter(|call| call.target.contains(&part)).count()
    };
    thread::scope(|scope| {
        let asking: Vec<_> =
            clusters.iter().map(|cluster| scope.spawn(|| rules_of(&server, 42, cluster))).collect();
        until(|| calls_of(42) == 8);
        let others = rules_of(&server, 7, CLUSTER);
        assert_eq!(
            others,
            ["rules.acked", "rules.disabled", "rules.shown.too"],
            "others are answered meanwhile"
        );
        assert_eq!(calls_of(42), 8, "two calls a question");
        aggregator.behave("", Behaviour::Away);
        for list in [SYSTEM_WIDE, FOR_CLUSTERS] {
            aggregator.behave(&format!("organizations/42/{list}"), Behaviour::Away);
        }
        for report in asking {
            assert_eq!(report.join().unwrap(), ALL);
        }
    });
}

fn lists_of_one_organization_that_fail_cost_no_other_anything(database: TestDatabase) {
    let aggregator = aggregator();
    aggregator.behave("organizations/7/disabled_system_wide", Behaviour::Away);
    let server = builder(database, &aggregator).start();
    server.import(&[message(42, CLUSTER), message(7, CLUSTER)]);
    for _ in 0..5 {
        assert_eq!(rules_of(&server, 7, CLUSTER), ALL);
        assert_eq!(rules(&server), FILTERED);
        server.advance(Duration::from_secs(31));
    }
    assert_eq!((reports(&server, "none"), reports(&server, "fresh")), (5, 5));
}

fn lists_of_two_organizations_that_fail_cost_others_no_more(database: TestDatabase) {
    let aggregator = aggregator();
    for organization in ["7", "8"] {
        let body = vec![b' '; 2 * 1024 * 1024];
        aggregator.behave(
            &format!("organizations/{organization}/disabled_system_wide"),
            Behaviour::Says { status: "200 OK", headers: "", body },
        );
    }
    let server = builder(database, &aggregator).start();
    server.import(&[message(42, CLUSTER), message(7, CLUSTER), message(8, CLUSTER)]);
    for _ in 0..5 {
        for organization in [7, 8] {
            assert_eq!(rules_of(&server, organization, CLUSTER), ALL);
        }
        assert_eq!(rules(&server), FILTERED);
        server.advance(Duration::from_secs(31));
    }
    assert_eq!((reports(&server, "none"), reports(&server, "stale"), reports(&server, "fresh")), (10, 0, 5));
}

fn an_old_answer_serves_no_longer_because_a_question_takes_long(database: TestDatabase) {
    let aggregator = aggregator();
    let server = builder(database, &aggregator).start();
    server.import(&[message(42, CLUSTER)]);
    assert_eq!(rules(&server), FILTERED);
    aggregator.behave("", Behaviour::Silent);
    server.advance(Duration::from_secs(30));
    let call = Call::new(server.address(), "GET", &report(CLUSTER, "r")).bearer(&server.token(42));
    let waiting = thread::spawn(move || call.send().json()["report"].as_array().unwrap().len());
    until(|| aggregator.calls().len() == 4);
    server.advance(Duration::from_secs(3600));
    aggregator.behave("", Behaviour::Away);
    assert_eq!((waiting.join().unwrap(), reports(&server, "none")), (ALL.len(), 1));
}

fn a_stop_does_not_wait_for_the_aggregator(database: TestDatabase) {
    let aggregator = aggregator();
    aggregator.behave("", Behaviour::Silent);
    let server = builder(database, &aggregator).start();
    server.import(&[message(42, CLUSTER)]);
    let call = Call::new(server.address(), "GET", &report(CLUSTER, "r")).bearer(&server.token(42));
    let waiting = thread::spawn(move || call.try_send().is_ok());
    until(|| aggregator.calls().len() == 2);
    let began = Instant::now();
    // The grace time of servers under test is two seconds, and the time limit of the question thirty.
    drop(server);
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    waiting.join().unwrap();
}
