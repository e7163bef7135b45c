//! Rule content.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use gathering_domain::content::{ContentRevision, RuleContent, RuleContentSet};
use gathering_domain::store::{ContentStore, Purge, StoreError};
use gathering_domain::time::ManualClock;
use gathering_storage::{Settings, Storage};
use gathering_tests::{Proxy, TestDatabase};

use crate::fixture::START;

fn set(entries: &[(&str, &str, i32)]) -> RuleContentSet {
    entries
        .iter()
        .map(|(hit, generic, total_risk)| {
            let content = RuleContent {
                generic: (*generic).to_owned(),
                summary: format!("summary of {hit}"),
                total_risk: *total_risk,
            };
            (hit.parse().unwrap(), content)
        })
        .collect()
}

/// As many findings as there are of all rules, and texts as long as theirs.
fn large() -> RuleContentSet {
    let content = |number: usize| RuleContent {
        generic: format!("{number} {}", "text ".repeat(200)),
        summary: format!("summary of {number}"),
        total_risk: 1 + i32::try_from(number % 4).unwrap(),
    };
    (0..2000)
        .map(|number| (format!("rules.of_a_kind|KEY_{number}").parse().unwrap(), content(number)))
        .collect()
}

#[test]
fn a_long_way_is_gone_in_steps_each_with_a_time_limit_of_its_own() {
    let database = TestDatabase::postgres();
    database.migrate();
    let proxy = Proxy::to(database.server_address());
    // A round trip for each finding would take more than three minutes, all steps together take longer than the limit.
    proxy.delay(Duration::from_millis(50));
    let (pool_timeout, query_timeout) = (Duration::from_millis(900), Duration::from_millis(900));
    let url = database.url_by(&proxy).parse().unwrap();
    let settings = Settings { url, pool_timeout, query_timeout, ..database.settings() };
    let store = Storage::open(&settings, Arc::new(ManualClock::at(START))).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let (told, written) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (count, sum) = (Arc::clone(&told), Arc::clone(&written));
        let replaced = store.replace_content_telling(large(), move |step| {
            count.fetch_add(usize::from(step > 0), Ordering::SeqCst);
            sum.fetch_add(step, Ordering::SeqCst);
        });
        assert_eq!(replaced.await.unwrap(), ContentRevision(1));
        assert_eq!(written.load(Ordering::SeqCst), 2000);
        assert!((2..50).contains(&told.load(Ordering::SeqCst)), "few statements, and progress");
        assert_eq!(store.content().await.unwrap(), (ContentRevision(1), large()));
    });
}

#[test]
fn a_step_that_takes_too_long_ends_it() {
    use diesel::Connection;
    use diesel::connection::SimpleConnection;
    let database = TestDatabase::postgres();
    database.migrate();
    let (pool_timeout, query_timeout) = (Duration::from_secs(5), Duration::from_millis(300));
    let settings = Settings { pool_timeout, query_timeout, ..database.settings() };
    let store = Storage::open(&settings, Arc::new(ManualClock::at(START))).unwrap();
    let mut holder = diesel::PgConnection::establish(database.url()).unwrap();
    holder.batch_execute("BEGIN; LOCK TABLE rule_content IN ACCESS EXCLUSIVE MODE").unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let error = store.replace_content(large()).await.unwrap_err();
        // Whoever is faster says so: the server, or this side of it.
        assert!(matches!(error, StoreError::Timeout { .. } | StoreError::Unavailable { .. }), "{error:?}");
        holder.batch_execute("ROLLBACK").unwrap();
        assert_eq!(store.content().await.unwrap(), (ContentRevision(0), RuleContentSet::default()));
        assert_eq!(store.replace_content(large()).await.unwrap(), ContentRevision(1));
    });
}

#[test]
fn an_import_waits_for_another_one_that_takes_longer_than_a_statement_may() {
    let database = TestDatabase::postgres();
    database.migrate();
    let proxy = Proxy::to(database.server_address());
    proxy.delay(Duration::from_millis(50));
    let (pool_timeout, query_timeout) = (Duration::from_millis(900), Duration::from_millis(900));
    let url = database.url_by(&proxy).parse().unwrap();
    let slow = Settings { url, pool_timeout, query_timeout, ..database.settings() };
    let quick = Settings { pool_timeout, query_timeout, ..database.settings() };
    let open = |settings| Storage::open(settings, Arc::new(ManualClock::at(START))).unwrap();
    let (slow, quick) = (open(&slow), open(&quick));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let (began, has_begun) = tokio::sync::oneshot::channel();
        let began = std::sync::Mutex::new(Some(began));
        let first = slow.replace_content_telling(large(), move |step| {
            if step > 0
                && let Some(began) = began.lock().unwrap().take()
            {
                began.send(()).unwrap();
            }
        });
        let second = async {
            has_begun.await.unwrap();
            quick.replace_content(set(&[("m.b|K", "second", 4)])).await
        };
        let (first, second) = tokio::join!(first, second);
        assert_eq!((first.unwrap(), second.unwrap()), (ContentRevision(1), ContentRevision(2)));
        assert_eq!(quick.content().await.unwrap().1, set(&[("m.b|K", "second", 4)]));
    });
}

#[test]
fn an_import_that_nobody_waits_for_any_more_is_not_committed() {
    let database = TestDatabase::sqlite();
    database.migrate();
    let (pool_timeout, query_timeout) = (Duration::from_secs(2), Duration::from_millis(500));
    let settings = Settings { pool_timeout, query_timeout, ..database.settings() };
    let store = Storage::open(&settings, Arc::new(ManualClock::at(START))).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        for is_dropped in [false, true] {
            let (go_on, goes_on) = std::sync::mpsc::channel::<()>();
            let (reached, is_reached) = tokio::sync::oneshot::channel();
            let held = std::sync::Mutex::new(Some((reached, goes_on)));
            let import = store.replace_content_telling(set(&[("m.a|K", "late", 3)]), move |step| {
                if step > 0
                    && let Some((reached, goes_on)) = held.lock().unwrap().take()
                {
                    reached.send(()).unwrap();
                    goes_on.recv().unwrap();
                }
            });
            if is_dropped {
                tokio::select! {
                    result = import => panic!("{result:?}"),
                    reached = is_reached => reached.unwrap(),
                }
            } else {
                let error = import.await.unwrap_err();
                assert!(matches!(error, StoreError::Timeout { .. }), "{error:?}");
            }
            go_on.send(()).unwrap();
            // It has the one connection that writes until it is over.
            while store.purge().await.is_err() {}
            assert_eq!(store.content_revision().await.unwrap(), ContentRevision(0));
        }
        assert_eq!(store.replace_content(set(&[("m.a|K", "x", 3)])).await.unwrap(), ContentRevision(1));
    });
}
