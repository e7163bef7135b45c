use std::collections::VecDeque;
use std::future::Future;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use gathering_domain::event::EventKind;
use gathering_domain::ids::RequestKey;
use gathering_domain::time::{ManualClock, Timestamp};

use gathering_domain::store::{EventSink, StoreQueue};

use super::*;
use crate::error::failure::{Failure, Stage};
use crate::write::table::Limits;

mod failing;

/// What the table under test was asked to write, as request IDs.
type Written = Arc<Mutex<Vec<Vec<String>>>>;

/// A table that takes neither requests whose ID starts with `bad`, for a constraint, nor those that start with `odd`, for
/// another reason, and answers transactions as scripted.
struct Scripted {
    written: Written,
    /// Errors of the next transactions, if any.
    script: Mutex<VecDeque<Option<Failure>>>,
    /// Whether it takes nothing at all, and why; if nothing begins, only the harmless event does not.
    broken: Arc<Mutex<Option<Stage>>>,
    probe_fails: Arc<Mutex<Option<Stage>>>,
    /// When the transactions were to end.
    ends: Arc<Mutex<Vec<Instant>>>,
    /// Each transaction takes one of these.
    gate: Arc<Semaphore>,
}

fn failure(stage: Stage) -> Failure {
    Failure { error: StoreError::defect("refused"), stage }
}

impl Table for Scripted {
    async fn write(
        &self,
        batch: Arc<[RequestEvent]>,
        part: Range<usize>,
        limits: Limits,
    ) -> Result<Vec<EventOutcome>, Failure> {
        lock(&self.ends).push(limits.end);
        self.gate.acquire().await.unwrap().forget();
        let requests: Vec<_> = batch[part].iter().map(|event| event.key.request.to_string()).collect();
        if let Some(Some(error)) = lock(&self.script).pop_front() {
            return Err(error);
        }
        if let Some(stage) = *lock(&self.broken)
            && stage != Stage::NotBegun
        {
            return Err(failure(stage));
        }
        for (start, stage) in [
            ("bad", Stage::Violation),
            ("odd", Stage::Refused),
            ("slow", Stage::CutOff),
            ("away", Stage::PartAway),
        ] {
            if requests.iter().any(|request| request.starts_with(start)) {
                return Err(failure(stage));
            }
        }
        let outcomes = vec![EventOutcome::Applied; requests.len()];
        lock(&self.written).push(requests);
        Ok(outcomes)
    }

    async fn probe(&self, _: usize, _: Limits) -> Result<(), Failure> {
        match lock(&self.broken).or(*lock(&self.probe_fails)) {
            None => Ok(()),
            Some(Stage::NotBegun) => Err(Failure::not_begun(StoreError::Timeout { limit: QUERY_TIMEOUT })),
            Some(stage) => Err(failure(stage)),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn events(requests: &[&str]) -> Vec<RequestEvent> {
    let event = |request: &&str| RequestEvent {
        key: RequestKey {
            organization: "42".parse().unwrap(),
            cluster: "5d5892d3-1f74-4ccf-91af-548dfc9767aa".parse().unwrap(),
            request: request.parse().unwrap(),
        },
        received_at: Timestamp::from_micros(0),
        kind: EventKind::Announced,
    };
    requests.iter().map(event).collect()
}

struct Subject {
    writer: BatchWriter,
    written: Written,
    gate: Arc<Semaphore>,
    ends: Arc<Mutex<Vec<Instant>>>,
    broken: Arc<Mutex<Option<Stage>>>,
    probe_fails: Arc<Mutex<Option<Stage>>>,
    clock: Arc<ManualClock>,
}

impl Subject {
    fn all(&self) -> Vec<String> {
        lock(&self.written).iter().flatten().cloned().collect()
    }

    async fn fails(&self, requests: &[&str]) {
        let error = self.writer.store(events(requests)).await.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable { .. }), "{requests:?}: {error:?}");
    }
}

/// Longer than any test takes.
const QUERY_TIMEOUT: Duration = Duration::from_secs(600);

const REFUSE_AFTER: Duration = Duration::from_secs(600);

/// A writer whose table lets `transactions` pass at first.
fn writer(transactions: usize, script: Vec<Option<Failure>>) -> Subject {
    patient_writer(transactions, script, QUERY_TIMEOUT)
}

fn patient_writer(transactions: usize, script: Vec<Option<Failure>>, query_timeout: Duration) -> Subject {
    let (written, gate) = (Written::default(), Arc::new(Semaphore::new(transactions)));
    let ends = Arc::default();
    let (broken, clock) = (Arc::default(), Arc::new(ManualClock::at(Timestamp::from_micros(0))));
    let probe_fails = Arc::default();
    let table = Scripted {
        written: Arc::clone(&written),
        script: Mutex::new(script.into()),
        broken: Arc::clone(&broken),
        probe_fails: Arc::clone(&probe_fails),
        ends: Arc::clone(&ends),
        gate: Arc::clone(&gate),
    };
    let timeouts = WriteTimeouts { query_timeout, refuse_after: REFUSE_AFTER };
    let writer = BatchWriter::start(table, Arc::clone(&clock) as _, timeouts, Waiters::nobody(), None);
    Subject { writer, written, gate, ends, broken, probe_fails, clock }
}

fn run(work: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(work);
}

const MANY: usize = 1000;

#[test]
fn what_comes_during_a_transaction_shares_the_next() {
    run(async {
        let Subject { writer, written, gate, .. } = writer(0, vec![]);
        let first = writer.store(events(&["a"]));
        let release = async {
            // The others are polled before this is, and wait behind the first.
            gate.add_permits(2);
        };
        let (first, second, third, ()) =
            tokio::join!(first, writer.store(events(&["b", "c"])), writer.store(events(&["d"])), async {
                tokio::task::yield_now().await;
                release.await;
            });
        assert_eq!((first.unwrap().len(), second.unwrap().len(), third.unwrap().len()), (1, 2, 1));
        let all: Vec<String> = lock(&written).iter().flatten().cloned().collect();
        assert_eq!(all, ["a", "b", "c", "d"], "the order is kept");
        assert!(lock(&written).len() <= 2, "{written:?}");
        assert_eq!(writer.stats().events, 4);
        assert_eq!(writer.stats().waiting, 0);
    });
}

#[test]
fn a_culprit_is_alone_and_its_neighbours_are_written_in_order() {
    use EventOutcome::{Applied, Refused};
    run(async {
        let Subject { writer, written, .. } = writer(MANY, vec![]);
        let outcomes = writer.store(events(&["a", "bad1", "b", "c", "bad2", "bad3", "d"])).await.unwrap();
        assert_eq!(outcomes, [Applied, Refused, Applied, Applied, Refused, Refused, Applied]);
        let all: Vec<String> = lock(&written).iter().flatten().cloned().collect();
        assert_eq!(all, ["a", "b", "c", "d"]);
        assert_eq!(writer.stats().refused, 3);
        assert_eq!(writer.store(events(&["bad4"])).await.unwrap(), [Refused]);
    });
}

#[test]
fn reasons_that_pass_split_nothing_and_are_told_to_all_who_wait() {
    run(async {
        let away = Failure::not_begun(StoreError::unavailable("away"));
        let Subject { writer, written, gate, .. } = writer(0, vec![Some(away)]);
        let (first, second, ()) =
            tokio::join!(writer.store(events(&["a", "b"])), writer.store(events(&["c"])), async {
                tokio::task::yield_now().await;
                gate.add_permits(1);
            });
        for result in [first, second] {
            assert!(matches!(result.unwrap_err(), StoreError::Unavailable { .. }));
        }
        assert!(lock(&written).is_empty());
        gate.add_permits(1);
        assert_eq!(writer.store(events(&["a"])).await.unwrap(), [EventOutcome::Applied], "it goes on");
    });
}

#[test]
fn who_comes_when_too_much_waits_is_turned_away() {
    run(async {
        let Subject { writer, gate, .. } = writer(0, vec![]);
        let full = vec!["a"; BATCH];
        let fills: Vec<_> = (0..CAPACITY as usize / BATCH)
            .map(|_| {
                tokio::spawn({
                    let (writer, full) = (writer.clone(), events(&full));
                    async move { writer.store(full).await }
                })
            })
            .collect();
        tokio::task::yield_now().await;
        let error = writer.store(events(&["b"])).await.unwrap_err();
        assert!(matches!(error, StoreError::QueueFull { queue: StoreQueue::Events, .. }));
        gate.add_permits(MANY);
        for fill in fills {
            assert_eq!(fill.await.unwrap().unwrap().len(), BATCH);
        }
        assert!(writer.store(events(&["b"])).await.is_ok(), "there is room again");
    });
}

#[test]
fn one_that_brings_more_than_there_is_room_for_is_recorded_beside_others() {
    run(async {
        let Subject { writer, .. } = writer(MANY, vec![]);
        let many = vec!["a"; CAPACITY as usize + 5];
        let busy = Arc::new(AtomicBool::new(true));
        // Somebody whose events always wait.
        let others = tokio::spawn({
            let (writer, busy) = (writer.clone(), Arc::clone(&busy));
            async move {
                while busy.load(Ordering::Relaxed) {
                    let _ = writer.store(events(&["b"])).await;
                }
            }
        });
        tokio::task::yield_now().await;
        assert_eq!(writer.store(events(&many)).await.unwrap().len(), many.len());
        busy.store(false, Ordering::Relaxed);
        others.await.unwrap();
        assert_eq!(writer.stats().waiting, 0);
    });
}

#[test]
fn who_waits_too_long_is_told_so_and_no_attempt_is_made_for_it() {
    run(async {
        let Subject { writer, written, gate, .. } = patient_writer(0, vec![], Duration::from_millis(50));
        let (first, second) = tokio::join!(writer.store(events(&["a"])), async {
            tokio::task::yield_now().await;
            writer.store(events(&["b"])).await
        });
        for error in [first.unwrap_err(), second.unwrap_err()] {
            assert!(matches!(error, StoreError::Timeout { .. }), "{error:?}");
        }
        gate.add_permits(MANY);
        let patient = async { while writer.store(events(&["c"])).await.is_err() {} };
        patient.await;
        let all: Vec<String> = lock(&written).iter().flatten().cloned().collect();
        assert!(!all.contains(&"b".to_owned()), "nobody waits for it: {all:?}");
    });
}

#[test]
fn what_nobody_waits_for_any_more_is_not_written() {
    run(async {
        let Subject { writer, written, gate, .. } = writer(0, vec![]);
        let start = |request: &'static str| {
            let writer = writer.clone();
            tokio::spawn(async move { writer.store(events(&[request])).await })
        };
        let in_hand = start("a");
        while writer.stats().waiting < 1 {
            tokio::task::yield_now().await;
        }
        tokio::task::yield_now().await;
        let impatient = start("b");
        while writer.stats().waiting < 2 {
            tokio::task::yield_now().await;
        }
        impatient.abort();
        let _ = impatient.await;
        gate.add_permits(MANY);
        assert!(in_hand.await.unwrap().is_ok());
        assert!(writer.store(events(&["c"])).await.is_ok(), "nobody else is kept from being answered");
        let all: Vec<String> = lock(&written).iter().flatten().cloned().collect();
        assert_eq!(all, ["a", "c"]);
        assert_eq!(writer.stats().waiting, 0);
    });
}
