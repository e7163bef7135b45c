//! Reading while others write.

use std::sync::atomic::{AtomicBool, Ordering};

use gathering_tests::{CLUSTER, Message, TestDatabase, TestServer};
use serde_json::json;

use crate::fixture::{report, status};
use crate::on_both;

on_both!(whoever_has_seen_processed_gets_the_report);

const ROUNDS: usize = 60;

/// One thread imports, first the failure, then the result and then a late failure of many requests; others poll each
/// request as the operator does. Nobody sees `processed` and then a report without its hits, and what was processed
/// stays so.
fn whoever_has_seen_processed_gets_the_report(database: TestDatabase) {
    let server = TestServer::builder(database).set("report.unknown_content=include").start();
    let token = server.token(42);
    let state = |round: usize| {
        let answer = server.get(&status(CLUSTER, &format!("r{round}"))).bearer(&token).send();
        (answer.status == 200).then(|| answer.json()["status"].as_str().unwrap().to_owned())
    };
    let assert_whole = |round: usize| {
        let report = server.get(&report(CLUSTER, &format!("r{round}"))).bearer(&token).send().json();
        let hits = report["report"].as_array().map(Vec::len);
        assert_eq!((&report["status"], hits), (&json!("processed"), Some(2)), "{report}");
    };
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for round in 0..ROUNDS {
                    loop {
                        let is_last_try = done.load(Ordering::SeqCst);
                        if state(round).as_deref() == Some("processed") {
                            assert_whole(round);
                            break;
                        }
                        assert!(!is_last_try, "r{round} was imported and is not processed");
                    }
                }
            });
        }
        for round in 0..ROUNDS {
            let message = || Message::new(42, CLUSTER, &format!("r{round}"));
            server.import(&[message().failed()]);
            server.import(&[message().hit("rules.a|ONE").hit("rules.a|TWO")]);
            server.import(&[message().failed()]);
        }
        done.store(true, Ordering::SeqCst);
    });
    for round in 0..ROUNDS {
        assert_eq!(state(round).as_deref(), Some("processed"));
        assert_whole(round);
    }
}
