//! Events that fail, beside those of others.

use super::*;

#[test]
fn a_database_that_takes_nothing_makes_no_event_a_culprit() {
    run(async {
        for stage in [Stage::Violation, Stage::Refused, Stage::PartAway] {
            let subject = writer(MANY, vec![]);
            *lock(&subject.broken) = Some(stage);
            subject.fails(&["a", "b", "c"]).await;
            subject.fails(&["a"]).await;
            assert!(subject.all().is_empty());
            assert_eq!(subject.writer.stats().refused, 0);
        }
    });
}

#[test]
fn an_event_that_fails_alone_fails_for_its_caller_only() {
    run(async {
        let subject = writer(MANY, vec![]);
        let writer = &subject.writer;
        for _ in 0..3 {
            let (good, mixed, odd, late) = tokio::join!(
                writer.store(events(&["a", "b"])),
                writer.store(events(&["c", "odd1", "d"])),
                writer.store(events(&["odd2"])),
                writer.store(events(&["e"])),
            );
            assert_eq!((good.unwrap().len(), late.unwrap().len()), (2, 1));
            for error in [mixed.unwrap_err(), odd.unwrap_err()] {
                assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
            }
            let mut all = subject.all();
            all.sort();
            assert_eq!(all, ["a", "b", "c", "d", "e"], "whoever is beside it is recorded");
            lock(&subject.written).clear();
            assert_eq!((writer.stats().refused, writer.stats().failing), (0, 2));
        }
    });
}

#[test]
fn an_event_that_has_failed_alone_for_long_is_refused() {
    use EventOutcome::{Applied, Refused};
    run(async {
        let subject = writer(MANY, vec![]);
        for _ in 0..4 {
            subject.fails(&["a", "odd"]).await;
            subject.clock.advance(REFUSE_AFTER / 4);
        }
        assert_eq!(subject.writer.store(events(&["odd", "a"])).await.unwrap(), [Refused, Applied]);
        assert_eq!((subject.writer.stats().refused, subject.writer.stats().failing), (1, 0));
        subject.fails(&["odd"]).await;
    });
}

#[test]
fn an_event_whose_part_of_the_database_is_away_is_never_refused() {
    run(async {
        let subject = writer(MANY, vec![]);
        for is_the_harmless_one_away in [false, true] {
            for round in 0..8 {
                let good = format!("good{is_the_harmless_one_away}{round}");
                if is_the_harmless_one_away {
                    *lock(&subject.probe_fails) = Some(Stage::PartAway);
                }
                let away = events(&["away1", &good, "away2"]);
                let (away, beside) =
                    tokio::join!(subject.writer.store(away), subject.writer.store(events(&["beside"])));
                assert!(matches!(away, Err(StoreError::Unavailable { .. })), "{away:?}");
                assert_eq!(beside.unwrap(), [EventOutcome::Applied]);
                assert!(subject.all().contains(&good));
                subject.clock.advance(REFUSE_AFTER / 4);
            }
        }
        assert_eq!((subject.writer.stats().refused, subject.writer.stats().failing), (0, 2));
    });
}

#[test]
fn the_time_starts_anew_when_the_database_takes_nothing_or_the_event_after_all() {
    run(async {
        let subject = writer(MANY, vec![]);
        subject.fails(&["odd"]).await;
        *lock(&subject.broken) = Some(Stage::Refused);
        subject.fails(&["odd"]).await;
        *lock(&subject.broken) = None;
        subject.clock.advance(REFUSE_AFTER);
        subject.fails(&["odd"]).await;
        subject.clock.advance(REFUSE_AFTER * 3);
        subject.fails(&["odd"]).await;
        assert_eq!(subject.writer.stats().refused, 0, "it had not come for long");
    });
}

#[test]
fn one_that_takes_all_the_time_is_found_out_call_by_call() {
    use EventOutcome::Applied;
    run(async {
        let subject = writer(MANY, vec![]);
        let requests: Vec<String> = (0..16)
            .map(|number| if number == 11 { "slow".to_owned() } else { format!("r{number}") })
            .collect();
        let requests: Vec<&str> = requests.iter().map(String::as_str).collect();
        for _ in 0..8 {
            assert!(subject.writer.store(events(&requests)).await.is_err());
            // Others do not go into a batch with them.
            assert_eq!(subject.writer.store(events(&["other"])).await.unwrap(), [Applied]);
        }
        assert_eq!(subject.writer.stats().failing, 1);
        subject.clock.advance(REFUSE_AFTER / 4);
        let mut all = subject.all();
        all.retain(|request| request != "other");
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 15, "all but the one are recorded: {all:?}");
        for _ in 0..3 {
            assert!(subject.writer.store(events(&["slow"])).await.is_err());
            subject.clock.advance(REFUSE_AFTER / 4);
        }
        let outcomes = subject.writer.store(events(&requests)).await.unwrap();
        assert_eq!(outcomes[11], EventOutcome::Refused);
        assert_eq!(outcomes.iter().filter(|outcome| **outcome == Applied).count(), 15);
    });
}

#[test]
fn events_of_one_request_keep_their_order_beside_suspects() {
    run(async {
        let subject = writer(MANY, vec![]);
        subject.fails(&["odd1", "x"]).await;
        lock(&subject.written).clear();
        let (first, second) = tokio::join!(
            subject.writer.store(events(&["k", "odd1", "k"])),
            subject.writer.store(events(&["l", "k"]))
        );
        assert!(first.is_err() && second.is_ok());
        assert_eq!(subject.all(), ["k", "k", "l", "k"]);
    });
}

#[test]
fn an_event_is_not_blamed_for_a_probe_that_had_no_turn_and_is_for_itself() {
    run(async {
        let subject = writer(MANY, vec![]);
        for _ in 0..3 {
            subject.fails(&["odd"]).await;
            subject.clock.advance(REFUSE_AFTER / 4);
        }
        subject.fails(&["odd"]).await;
        *lock(&subject.broken) = Some(Stage::NotBegun);
        assert!(subject.writer.store(events(&["slow"])).await.is_err());
        *lock(&subject.broken) = None;
        subject.clock.advance(REFUSE_AFTER / 4);
        assert_eq!(subject.writer.store(events(&["odd"])).await.unwrap(), [EventOutcome::Refused]);
    });
}

#[test]
fn one_that_does_not_come_again_is_forgotten_though_nobody_writes() {
    run(async {
        let subject = patient_writer(MANY, vec![], Duration::from_millis(200));
        while subject.writer.stats().failing == 0 {
            assert!(subject.writer.store(events(&["odd"])).await.is_err());
        }
        subject.clock.advance(REFUSE_AFTER * 3);
        while subject.writer.stats().failing > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
}

#[test]
fn a_batch_ends_before_the_first_of_its_callers_gives_up() {
    run(async {
        let Subject { writer, gate, ends, .. } = writer(0, vec![]);
        let start = |request: &'static str| {
            let writer = writer.clone();
            tokio::spawn(async move { writer.store(events(&[request])).await })
        };
        let in_hand = start("slow");
        while lock(&ends).is_empty() {
            tokio::task::yield_now().await;
        }
        let early = start("a");
        while writer.stats().waiting < 2 {
            tokio::task::yield_now().await;
        }
        let latest = Instant::now() + QUERY_TIMEOUT;
        tokio::time::sleep(Duration::from_millis(20)).await;
        let late = start("b");
        while writer.stats().waiting < 3 {
            tokio::task::yield_now().await;
        }
        gate.add_permits(MANY);
        assert!(in_hand.await.unwrap().is_err());
        assert!(early.await.unwrap().is_ok() && late.await.unwrap().is_ok());
        assert_eq!(lock(&ends).len(), 2, "they shared a batch");
        assert!(lock(&ends)[1] <= latest);
    });
}
