//! What passes is blamed on no event, whatever it is called and however often it comes; what a constraint says is.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use gathering_domain::event::{EventOutcome, RequestEvent};
use gathering_domain::ids::{ClusterId, OrganizationId, RequestKey};
use gathering_domain::request::RequestState;
use gathering_domain::store::{EventSink, Purge, RequestStore, StoreError};
use gathering_domain::time::ManualClock;
use gathering_domain::wait::Waiters;
use gathering_storage::{BatchWriter, Settings, Storage};
use gathering_tests::TestDatabase;

use crate::fixture::{START, cluster, event, failed, key, processed};

pub(crate) struct Subject {
    pub(crate) database: TestDatabase,
    storage: Storage,
    pub(crate) writer: BatchWriter,
    pub(crate) clock: Arc<ManualClock>,
}

/// Runs a check with a writer to PostgreSQL whose URL has these options beside the schema.
pub(crate) fn on_postgres(options: &str, query_timeout: Duration, check: impl AsyncFnOnce(&Subject)) {
    let database = TestDatabase::postgres();
    database.migrate();
    let url = format!("{}{options}", database.url()).parse().unwrap();
    let clock = Arc::new(ManualClock::at(START));
    let settings = Settings { url, query_timeout, ..database.settings() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let storage = Storage::open(&settings, Arc::clone(&clock) as _).unwrap();
        let writer = storage.batch_writer(&Waiters::nobody());
        check(&Subject { database, storage, writer, clock }).await;
    });
    runtime.shutdown_background();
}

impl Subject {
    /// Another client of the same database.
    fn other(&self) -> PgConnection {
        PgConnection::establish(self.database.url()).unwrap()
    }

    async fn records(&self, requests: &[&str]) {
        let events = requests.iter().map(|request| event(key(request), processed(&[]))).collect();
        let outcomes = self.writer.store(events).await.unwrap();
        assert!(outcomes.iter().all(|outcome| *outcome == EventOutcome::Applied), "{outcomes:?}");
    }
}

pub(crate) fn is_passing(error: &StoreError) -> bool {
    matches!(error, StoreError::Unavailable { .. } | StoreError::Timeout { .. })
}

/// Under so many cancellations, connections can be hard to get as well.
fn is_passing_for_anyone(error: &StoreError) -> bool {
    is_passing(error) || matches!(error, StoreError::PoolExhausted { .. })
}

pub(crate) fn of_another_tenant(request: &str) -> RequestEvent {
    let organization = OrganizationId::try_from(43).unwrap();
    event(
        RequestKey { organization, cluster: ClusterId::from_bytes([9; 16]), ..key(request) },
        processed(&[]),
    )
}

/// Somebody holds one row for longer than every limit, beside events of others.
async fn a_row_that_is_locked(subject: &Subject) {
    subject.records(&["a"]).await;
    let mut other = subject.other();
    other.batch_execute("BEGIN; UPDATE requests SET rule_hits = rule_hits WHERE request_id = 'a'").unwrap();
    for round in 0..3 {
        let good = || vec![of_another_tenant(&format!("good{round}"))];
        let stuck = vec![event(key("a"), processed(&["m|NEW"])), event(key("beside"), processed(&[]))];
        let (stuck, good, late) =
            tokio::join!(subject.writer.store(stuck), subject.writer.store(good()), async {
                tokio::time::sleep(Duration::from_millis(50)).await;
                subject.writer.store(good()).await
            });
        let error = stuck.unwrap_err();
        assert!(is_passing(&error), "{error:?}");
        assert_eq!(good.unwrap(), [EventOutcome::Applied], "round {round}");
        assert_eq!(late.unwrap(), [EventOutcome::Applied], "round {round}");
    }
    let state = subject.writer.stats();
    assert_eq!((state.refused, state.failing), (0, 1));
    assert_eq!(subject.storage.state(&key("beside")).await.unwrap(), Some(RequestState::Processed));
    other.batch_execute("ROLLBACK").unwrap();
    subject.records(&["a", "beside"]).await;
    assert_eq!(subject.writer.stats().failing, 0);
}

#[test]
fn a_row_that_is_locked_with_a_lock_timeout() {
    on_postgres("%20-clock_timeout%3D100", Duration::from_secs(8), a_row_that_is_locked);
}

#[test]
fn a_row_that_is_locked_without_a_lock_timeout() {
    on_postgres("", Duration::from_secs(4), a_row_that_is_locked);
}

#[test]
fn a_row_that_is_not_committed_yet() {
    on_postgres("%20-clock_timeout%3D100", Duration::from_secs(8), async |subject| {
        let mut other = subject.other();
        other
            .batch_execute(&format!(
                "BEGIN; INSERT INTO requests (org_id, cluster_id, request_id, state, received_at, expires_at, rule_hits)
                 VALUES (42, '{}', 'a', 0, 0, {}, '')",
                cluster(),
                i64::MAX
            ))
            .unwrap();
        let events = vec![event(key("a"), processed(&[])), event(key("b"), processed(&[]))];
        assert!(is_passing(&subject.writer.store(events).await.unwrap_err()));
        assert_eq!(subject.storage.state(&key("b")).await.unwrap(), Some(RequestState::Processed));
        other.batch_execute("ROLLBACK").unwrap();
        subject.records(&["a", "b"]).await;
    });
}

#[test]
fn a_table_that_is_locked() {
    on_postgres("%20-clock_timeout%3D100", Duration::from_secs(8), async |subject| {
        let mut other = subject.other();
        for table in ["requests", "clusters"] {
            other.batch_execute(&format!("BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")).unwrap();
            let events = ["a", "b", "c"].map(|request| event(key(request), processed(&[])));
            let error = subject.writer.store(events.to_vec()).await.unwrap_err();
            assert!(is_passing(&error), "{error:?}");
            let error = subject.writer.store(vec![event(key("a"), processed(&[]))]).await.unwrap_err();
            assert!(is_passing(&error), "{error:?}");
            other.batch_execute("ROLLBACK").unwrap();
            assert_eq!((subject.writer.stats().refused, subject.writer.stats().failing), (0, 0));
            subject.records(&["a", "b", "c"]).await;
        }
    });
}

#[test]
fn an_event_that_fails_alone_for_long_is_refused_at_last() {
    on_postgres("%20-clock_timeout%3D100", Duration::from_secs(8), async |subject| {
        subject.records(&["a"]).await;
        let mut other = subject.other();
        other.batch_execute("BEGIN; UPDATE requests SET rule_hits = rule_hits").unwrap();
        let batch = || vec![event(key("a"), processed(&[])), event(key("b"), processed(&[]))];
        for seconds in [150, 150, 150, 149, 1] {
            assert!(is_passing(&subject.writer.store(batch()).await.unwrap_err()));
            subject.clock.advance(Duration::from_secs(seconds));
        }
        let outcomes = subject.writer.store(batch()).await.unwrap();
        assert_eq!(outcomes, [EventOutcome::Refused, EventOutcome::Applied]);
        other.batch_execute("ROLLBACK").unwrap();
        subject.records(&["a", "b"]).await;
    });
}

#[test]
fn statements_that_somebody_cancels() {
    let name = format!("cancelled_{}", uuid::Uuid::new_v4().simple());
    on_postgres(&format!("&application_name={name}"), Duration::from_secs(10), async |subject| {
        let is_over = Arc::new(AtomicBool::new(false));
        let mut other = subject.other();
        let cancelling = std::thread::spawn({
            let is_over = Arc::clone(&is_over);
            let cancel = format!(
                "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = '{name}'"
            );
            move || {
                while !is_over.load(Ordering::SeqCst) {
                    other.batch_execute(&cancel).unwrap();
                    // Without a rest, hardly any statement would ever end on a quiet machine.
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
        });
        let mut errors = Vec::new();
        for number in 0..100 {
            let events = ["x", "y"].map(|kind| event(key(&format!("{kind}{number}")), processed(&[])));
            match subject.writer.store(events.to_vec()).await {
                Ok(outcomes) => assert_eq!(outcomes, [EventOutcome::Applied; 2]),
                Err(error) => errors.push(error),
            }
            errors.extend(subject.storage.state(&key("unknown")).await.err());
            errors.extend(subject.storage.purge().await.err());
        }
        is_over.store(true, Ordering::SeqCst);
        cancelling.join().unwrap();
        assert!(errors.iter().all(is_passing_for_anyone), "{errors:?}");
        subject.records(&["x0", "y0"]).await;
    });
}

#[test]
fn a_deadlock_with_other_software() {
    on_postgres("", Duration::from_secs(20), async |subject| {
        subject.records(&["a", "b"]).await;
        let mut other = subject.other();
        let update =
            |request| format!("UPDATE requests SET rule_hits = rule_hits WHERE request_id = '{request}'");
        other.batch_execute(&format!("BEGIN; {}", update("b"))).unwrap();
        let thread = std::thread::spawn(move || {
            // Whichever of the two the server ends, this is over afterwards.
            let _ = other.batch_execute(&update("a"));
            let _ = other.batch_execute("COMMIT");
        });
        let events = ["a", "b"].map(|request| event(key(request), processed(&["m|NEW"])));
        match subject.writer.store(events.to_vec()).await {
            Ok(outcomes) => assert_eq!(outcomes, [EventOutcome::Applied; 2]),
            Err(error) => assert!(is_passing(&error), "{error:?}"),
        }
        thread.join().unwrap();
        subject.records(&["a", "b"]).await;
    });
}

#[test]
fn a_disk_that_is_full_for_all_but_the_smallest() {
    on_postgres("", Duration::from_secs(10), async |subject| {
        // As PostgreSQL says it where a file cannot be extended; what still fits in a page is taken.
        subject.database.execute(
            "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 IF length(NEW.rule_hits) > 100 THEN
                     RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full';
                 END IF;
                 RETURN NEW;
             END $$;
             CREATE TRIGGER full_disk BEFORE INSERT ON requests FOR EACH ROW EXECUTE FUNCTION full_disk()",
        );
        let hits: Vec<String> = (0..20).map(|number| format!("rules.module|KEY_{number}")).collect();
        let hits: Vec<&str> = hits.iter().map(String::as_str).collect();
        let large = |request: &str| event(key(request), processed(&hits));
        for _ in 0..3 {
            let batch = vec![event(key("small"), processed(&[])), large("a"), large("b")];
            let error = subject.writer.store(batch).await.unwrap_err();
            assert!(is_passing(&error), "{error:?}");
            let error = subject.writer.store(vec![large("a")]).await.unwrap_err();
            assert!(is_passing(&error), "{error:?}");
            // Nobody's event is at fault, however long it lasts.
            subject.clock.advance(Duration::from_secs(700));
        }
        assert_eq!(subject.writer.stats().refused, 0);
        subject.database.execute("DROP TRIGGER full_disk ON requests");
        let outcomes = subject.writer.store(vec![large("a"), large("b")]).await.unwrap();
        assert_eq!(outcomes, [EventOutcome::Applied; 2]);
    });
}

#[test]
fn a_row_that_a_check_forbids_is_refused_at_once() {
    on_postgres("", Duration::from_secs(10), async |subject| {
        subject.database.execute("ALTER TABLE requests ADD CHECK (failure <> 'forbidden')");
        let batch = vec![
            event(key("a"), processed(&[])),
            event(key("b"), failed("forbidden")),
            event(key("c"), failed("allowed")),
        ];
        let outcomes = subject.writer.store(batch).await.unwrap();
        assert_eq!(outcomes, [EventOutcome::Applied, EventOutcome::Refused, EventOutcome::Applied]);
    });
}

#[test]
fn a_check_that_forbids_the_harmless_event_does_not_hide_a_culprit() {
    on_postgres("", Duration::from_secs(10), async |subject| {
        // As a table has it that is split by organization, with no part for 0.
        subject.database.execute(
            "ALTER TABLE requests ADD CHECK (org_id > 0); ALTER TABLE requests ADD CHECK (failure <> 'forbidden')",
        );
        let batch = vec![event(key("a"), processed(&[])), event(key("b"), failed("forbidden"))];
        let outcomes = subject.writer.store(batch).await.unwrap();
        assert_eq!(outcomes, [EventOutcome::Applied, EventOutcome::Refused]);
        let batch = vec![event(key("b"), failed("forbidden")), event(key("a"), processed(&[]))];
        let outcomes = subject.writer.store(batch).await.unwrap();
        assert_eq!(outcomes, [EventOutcome::Refused, EventOutcome::Applied], "whichever is found first");
    });
}
