use std::collections::VecDeque;
use std::future::Future;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use gathering_domain::{EventKind, RequestKey, Timestamp};

use super::*;

/// What the table under test was asked to write, as request IDs.
type Written = Arc<Mutex<Vec<Vec<String>>>>;

/// A table that refuses requests whose ID starts with `bad`, and answers transactions as scripted.
struct Scripted {
    written: Written,
    /// Errors of the next transactions, if any.
    script: Mutex<VecDeque<Option<StoreError>>>,
    is_broken: bool,
    /// Each transaction takes one of these.
    gate: Arc<Semaphore>,
}

impl Table for Scripted {
    async fn write(
        &self,
        batch: Arc<[RequestEvent]>,
        part: Range<usize>,
    ) -> Result<Vec<EventOutcome>, StoreError> {
        self.gate.acquire().await.unwrap().forget();
        let requests: Vec<_> = batch[part].iter().map(|event| event.key.request.to_string()).collect();
        if let Some(Some(error)) = lock(&self.script).pop_front() {
            return Err(error);
        }
        if self.is_broken || requests.iter().any(|request| request.starts_with("bad")) {
            return Err(StoreError::defect("refused"));
        }
        let outcomes = vec![EventOutcome::Applied; requests.len()];
        lock(&self.written).push(requests);
        Ok(outcomes)
    }

    async fn probe(&self) -> Result<(), StoreError> {
        if self.is_broken { Err(StoreError::defect("refused")) } else { Ok(()) }
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
}

/// A writer whose table lets `transactions` pass at first.
fn writer(transactions: usize, is_broken: bool, script: Vec<Option<StoreError>>) -> Subject {
    let (written, gate) = (Written::default(), Arc::new(Semaphore::new(transactions)));
    let table = Scripted {
        written: Arc::clone(&written),
        script: Mutex::new(script.into()),
        is_broken,
        gate: Arc::clone(&gate),
    };
    Subject { writer: BatchWriter::start(table), written, gate }
}

fn run(work: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work);
}

const MANY: usize = 1000;

#[test]
fn what_comes_during_a_transaction_shares_the_next() {
    run(async {
        let Subject { writer, written, gate } = writer(0, false, vec![]);
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
        assert_eq!(writer.state().events, 4);
        assert_eq!(writer.state().waiting, 0);
    });
}

#[test]
fn a_culprit_is_alone_and_its_neighbours_are_written_in_order() {
    use EventOutcome::{Applied, Refused};
    run(async {
        let Subject { writer, written, .. } = writer(MANY, false, vec![]);
        let outcomes = writer.store(events(&["a", "bad1", "b", "c", "bad2", "bad3", "d"])).await.unwrap();
        assert_eq!(outcomes, [Applied, Refused, Applied, Applied, Refused, Refused, Applied]);
        let all: Vec<String> = lock(&written).iter().flatten().cloned().collect();
        assert_eq!(all, ["a", "b", "c", "d"]);
        assert_eq!(writer.state().refused, 3);
        assert_eq!(writer.store(events(&["bad4"])).await.unwrap(), [Refused]);
    });
}

#[test]
fn a_database_that_takes_nothing_makes_no_event_a_culprit() {
    run(async {
        let Subject { writer, written, .. } = writer(MANY, true, vec![]);
        let error = writer.store(events(&["a", "b", "c"])).await.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
        assert!(lock(&written).is_empty());
    });
}

#[test]
fn reasons_that_pass_split_nothing_and_are_told_to_all_who_wait() {
    run(async {
        let away = StoreError::unavailable("away");
        let Subject { writer, written, gate } = writer(0, false, vec![Some(away)]);
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
        let Subject { writer, gate, .. } = writer(0, false, vec![]);
        let many = vec!["a"; WAITING as usize + 5];
        let (large, small, ()) =
            tokio::join!(writer.store(events(&many)), writer.store(events(&["b"])), async {
                gate.add_permits(1);
            });
        assert_eq!(large.unwrap().len(), many.len(), "larger than the room, and alone");
        assert!(matches!(small.unwrap_err(), StoreError::QueueFull { .. }));
        gate.add_permits(1);
        assert!(writer.store(events(&["b"])).await.is_ok(), "there is room again");
    });
}

#[test]
fn who_stops_waiting_keeps_nobody_from_being_answered() {
    run(async {
        let Subject { writer, written, gate } = writer(0, false, vec![]);
        let impatient = tokio::spawn({
            let writer = writer.clone();
            async move { writer.store(events(&["a"])).await }
        });
        tokio::task::yield_now().await;
        impatient.abort();
        let _ = impatient.await;
        gate.add_permits(2);
        assert!(writer.store(events(&["b"])).await.is_ok());
        let all: Vec<String> = lock(&written).iter().flatten().cloned().collect();
        assert_eq!(all, ["a", "b"], "what was handed in is written");
    });
}
