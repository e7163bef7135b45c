//! Reading while others write.

use std::sync::atomic::{AtomicBool, Ordering};

use gathering_tests::{Message, TestDatabase, TestServer};
use serde_json::json;

use crate::fixture::{CLUSTER, report, status};
use crate::on_both;

on_both!(whoever_has_seen_processed_gets_the_report);

const ROUNDS: usize = 60;

/// One thread imports, first the failures and then the results of many requests; others poll each request as the
/// operator does. Nobody sees `processed` and then a report without its hits, and nobody sees a state go back.
fn whoever_has_seen_processed_gets_the_report(database: TestDatabase) {
    let server = TestServer::builder(database).set("report.unknown_content=include").start();
    let token = server.token(42);
    let name = |round: usize| format!("r{round}");
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let mut seen = 0;
                    for round in 0..ROUNDS {
                        let mut was_processed = false;
                        loop {
                            let last_try = done.load(Ordering::SeqCst);
                            let answer = server.get(&status(CLUSTER, &name(round))).bearer(&token).send();
                            if answer.status == 200 && answer.json()["status"] == "processed" {
                                was_processed = true;
                            } else {
                                assert!(!was_processed && !last_try, "{answer:?}");
                            }
                            if was_processed {
                                let report =
                                    server.get(&report(CLUSTER, &name(round))).bearer(&token).send().json();
                                let keys: Vec<_> = report["report"].as_array().unwrap().iter().collect();
                                assert_eq!(
                                    (&report["status"], keys.len()),
                                    (&json!("processed"), 2),
                                    "{report}"
                                );
                                seen += 1;
                                break;
                            }
                        }
                    }
                    seen
                })
            })
            .collect();
        for round in 0..ROUNDS {
            server.import(&[Message::new(42, CLUSTER, &name(round)).empty()]);
            server.import(&[Message::new(42, CLUSTER, &name(round)).hit("rules.a|ONE").hit("rules.a|TWO")]);
            // Late and repeated messages must not hide what was recorded.
            server.import(&[Message::new(42, CLUSTER, &name(round)).empty()]);
        }
        done.store(true, Ordering::SeqCst);
        for reader in readers {
            assert_eq!(reader.join().unwrap(), ROUNDS);
        }
    });
}
