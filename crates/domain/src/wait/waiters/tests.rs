use std::pin::pin;
use std::sync::atomic::AtomicU64;
use std::task::{Context, Wake};

use super::*;
use crate::event::{EventKind, RequestEvent};
use crate::ids::OrganizationId;
use crate::memory::MemoryStore;
use crate::store::EventSink;
use crate::time::{ManualClock, Retention, Timestamp};

const SECOND: Duration = Duration::from_secs(1);

#[derive(Default)]
struct Wakes(AtomicU64);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn key(organization: u32, request: &str) -> RequestKey {
    let cluster = "5d5892d3-1f74-4ccf-91af-548dfc9767aa".parse().unwrap();
    RequestKey::new(organization.try_into().unwrap(), cluster, request.parse().unwrap())
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(Timestamp::from_micros(0)))
}

fn poll(waiter: &mut Waiter) -> Poll<WaitEnd> {
    pin!(waiter).poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn a_record_wakes_all_who_wait_for_it_and_nobody_else() {
    let waiters = Arc::new(Waiters::new(9, clock()));
    let wakes = Arc::new(Wakes::default());
    let told = Waker::from(Arc::clone(&wakes));
    let mut these = [0, 1].map(|_| waiters.enter(&key(42, "b"), waiters.until(SECOND)).unwrap());
    let others = [key(41, "b"), key(42, "a"), key(42, "bb"), key(43, "b")];
    let mut others = others.map(|key| waiters.enter(&key, waiters.until(SECOND)).unwrap());
    for waiter in &mut these {
        assert!(pin!(waiter).poll(&mut Context::from_waker(&told)).is_pending());
    }
    waiters.wake(&key(42, "b"));
    waiters.wake(&key(42, "b"));
    assert_eq!(wakes.0.load(Ordering::SeqCst), 2, "each once");
    assert!(these.iter_mut().all(|waiter| poll(waiter) == Poll::Ready(WaitEnd::Woken)));
    assert!(others.iter_mut().all(|waiter| poll(waiter).is_pending()));
    assert_eq!(waiters.stats(), WaitStats { waiting: 4, woken: 2, ..WaitStats::default() });
    drop((these, others));
    assert!(waiters.is_empty() && waiters.lock().of_organizations.is_empty());
}

#[test]
fn one_that_was_woken_before_it_is_polled_ends() {
    let waiters = Arc::new(Waiters::new(9, clock()));
    let mut waiter = waiters.enter(&key(42, "a"), waiters.until(SECOND)).unwrap();
    waiters.wake(&key(42, "a"));
    assert_eq!(poll(&mut waiter), Poll::Ready(WaitEnd::Woken));
}

#[test]
fn waits_end_with_their_time() {
    let clock = clock();
    let waiters = Arc::new(Waiters::new(9, Arc::clone(&clock) as Arc<dyn Clock>));
    let mut short = waiters.enter(&key(42, "a"), waiters.until(SECOND)).unwrap();
    let mut long = waiters.enter(&key(42, "a"), waiters.until(2 * SECOND)).unwrap();
    let mut endless = waiters.enter(&key(42, "a"), waiters.until(Duration::MAX)).unwrap();
    clock.advance(Duration::from_micros(999_999));
    waiters.expire();
    assert!(poll(&mut short).is_pending());
    clock.advance(Duration::from_micros(1));
    waiters.expire();
    assert_eq!(poll(&mut short), Poll::Ready(WaitEnd::TimedOut));
    assert!(poll(&mut long).is_pending() && poll(&mut endless).is_pending());
}

#[test]
fn the_end_of_the_service_ends_all_waits_and_lets_nobody_in() {
    let waiters = Arc::new(Waiters::new(9, clock()));
    let mut waiter = waiters.enter(&key(42, "a"), waiters.until(SECOND)).unwrap();
    waiters.close();
    assert_eq!(poll(&mut waiter), Poll::Ready(WaitEnd::CutShort));
    assert!(waiters.enter(&key(42, "a"), waiters.until(SECOND)).is_none());
}

#[test]
fn organizations_share_the_places() {
    let waiters = Arc::new(Waiters::new(4, clock()));
    let enter =
        |organization, request: &str| waiters.enter(&key(organization, request), waiters.until(SECOND));
    let mut first: Vec<_> = ["a", "b", "c", "d"].map(|request| enter(42, request).unwrap()).into();
    assert!(enter(42, "e").is_none(), "nobody displaces his own");
    let _second = [enter(7, "a").unwrap(), enter(7, "b").unwrap()];
    assert!(enter(7, "c").is_none(), "it has as many as the other");
    let ended: Vec<_> =
        first.iter_mut().map(|waiter| poll(waiter) == Poll::Ready(WaitEnd::CutShort)).collect();
    assert_eq!(ended, [false, false, true, true], "those that came last make room");
    let _third = enter(u32::MAX, "a").unwrap();
    assert!(enter(u32::MAX, "b").is_none());
    assert_eq!(waiters.stats(), WaitStats { waiting: 4, cut_short: 2, refused: 3, ..WaitStats::default() });
    drop(first);
    let again = enter(42, "e").unwrap();
    assert!(enter(42, "f").is_none(), "one place was free");
    drop(again);
}

#[test]
fn a_recheck_asks_for_each_key_once_and_finds_what_others_recorded() {
    pollster::block_on(async {
        let clock = clock();
        let store = MemoryStore::new(Arc::clone(&clock), Retention::default());
        let waiters = Arc::new(Waiters::new(1000, clock));
        let event = |request: &str, kind| RequestEvent {
            key: key(42, request),
            received_at: Timestamp::from_micros(0),
            kind,
        };
        let done = [0, 199, 200, 201, 450].map(|number| format!("r{number:03}"));
        let events = done.iter().map(|request| event(request, EventKind::Processed(Vec::new())));
        let failed = event("r007", EventKind::Failed("empty".into()));
        let announced = event("r008", EventKind::Announced);
        store.store(events.chain([failed, announced]).collect()).await.unwrap();
        let mut waiting = Vec::new();
        for number in 0..451 {
            for _ in 0..2 {
                waiting.push((
                    number,
                    waiters.enter(&key(42, &format!("r{number:03}")), waiters.until(SECOND)).unwrap(),
                ));
            }
        }
        let first = waiters.keys_after(None);
        assert_eq!((first.len(), &first[199]), (KEYS_AT_ONCE, &key(42, "r199")));
        waiters.recheck(&store).await.unwrap();
        let mut woken: Vec<i32> = waiting
            .iter_mut()
            .filter_map(|(number, waiter)| (poll(waiter) == Poll::Ready(WaitEnd::Woken)).then_some(*number))
            .collect();
        woken.dedup();
        assert_eq!(woken, [0, 7, 199, 200, 201, 450]);
        assert_eq!(waiters.stats().woken, 12);
    });
}

#[test]
fn many_waits_end_in_portions() {
    let clock = clock();
    let waiters = Arc::new(Waiters::new(usize::MAX, Arc::clone(&clock) as Arc<dyn Clock>));
    let mut waiting: Vec<_> = (0..=ENDS_AT_ONCE)
        .map(|number| waiters.enter(&key(42, &format!("r{number}")), waiters.until(SECOND)).unwrap())
        .collect();
    clock.advance(SECOND);
    let mut ended = |waiters: &Waiters| {
        waiters.expire();
        let before = waiting.len();
        waiting.retain_mut(|waiter| poll(waiter).is_pending());
        before - waiting.len()
    };
    assert_eq!((ended(&waiters), ended(&waiters), ended(&waiters)), (ENDS_AT_ONCE, 1, 0));
}

#[test]
fn a_store_that_fails_for_some_is_asked_for_the_others() {
    struct Half;
    impl RequestStore for Half {
        async fn status(&self, _: &RequestKey) -> Result<Option<crate::request::RequestStatus>, StoreError> {
            Ok(None)
        }
        async fn list(
            &self,
            _: OrganizationId,
            _: crate::ids::ClusterId,
            _: Option<std::num::NonZeroUsize>,
        ) -> Result<Option<Vec<crate::request::RequestRecord>>, StoreError> {
            Ok(None)
        }
        async fn select(
            &self,
            _: OrganizationId,
            _: crate::ids::ClusterId,
            _: &[crate::ids::RequestId],
        ) -> Result<Vec<crate::request::RequestRecord>, StoreError> {
            Ok(Vec::new())
        }
        async fn report(&self, _: &RequestKey) -> Result<Option<crate::request::StoredReport>, StoreError> {
            Ok(None)
        }
        async fn states(&self, keys: &[RequestKey]) -> Result<Vec<Option<RequestState>>, StoreError> {
            if keys.contains(&key(42, "r000")) {
                return Err(StoreError::unavailable("these"));
            }
            Ok(vec![Some(RequestState::Processed); keys.len()])
        }
    }
    let waiters = Arc::new(Waiters::new(1000, clock()));
    let mut waiting: Vec<_> = (0..KEYS_AT_ONCE + 7)
        .map(|number| waiters.enter(&key(42, &format!("r{number:03}")), waiters.until(SECOND)).unwrap())
        .collect();
    assert!(pollster::block_on(waiters.recheck(&Half)).is_err());
    let woken = waiting.iter_mut().filter_map(|waiter| poll(waiter).is_ready().then_some(())).count();
    assert_eq!(woken, 7);
}
