//! Asking, waiting, and asking again.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use super::end::WaitEnd;
use super::waiters::Waiters;
use crate::ids::RequestKey;
use crate::request::RequestState;
use crate::store::StoreError;

/// What became of a question that could wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer<T> {
    /// What was found in the end.
    pub found: Option<T>,
    /// Whether the wish to wait was heeded: false where too many wait, or the service ends.
    pub was_heeded: bool,
}

/// Asks until what is found is processed or failed, or the time is over. With no time, it asks once.
///
/// # Errors
/// Those of the question.
pub async fn wait_for<T: Send, F>(
    waiters: &Arc<Waiters>,
    key: &RequestKey,
    time: Duration,
    ask: impl Fn() -> F,
    state: impl Fn(&T) -> RequestState,
) -> Result<Answer<T>, StoreError>
where
    F: Future<Output = Result<Option<T>, StoreError>>,
{
    let is_final =
        |found: &Option<T>| found.as_ref().is_some_and(|found| state(found) != RequestState::Received);
    let until = waiters.until(time);
    let mut found = ask().await?;
    let mut was_heeded = true;
    while was_heeded && !time.is_zero() && !is_final(&found) {
        let Some(waiter) = waiters.enter(key, until) else {
            was_heeded = false;
            break;
        };
        // Something may have been recorded between the question and the entry, so it is asked again.
        found = ask().await?;
        if is_final(&found) {
            break;
        }
        let end = waiter.await;
        found = ask().await?;
        match end {
            // What woke it may be gone again by now.
            WaitEnd::Woken => {}
            WaitEnd::TimedOut => break,
            WaitEnd::CutShort => was_heeded = false,
        }
    }
    Ok(Answer { found, was_heeded })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{EventKind, RequestEvent};
    use crate::memory::MemoryStore;
    use crate::store::{EventSink, RequestStore};
    use crate::time::{ManualClock, Retention, Timestamp};

    const TIME: Duration = Duration::from_secs(7);

    #[test]
    fn what_is_recorded_between_the_question_and_the_wait_is_found() {
        pollster::block_on(async {
            let now = Timestamp::from_micros(0);
            let clock = Arc::new(ManualClock::at(now));
            let store = MemoryStore::new(Arc::clone(&clock), Retention::default());
            let waiters = Arc::new(Waiters::new(9, clock));
            let key = RequestKey::parse("42", "5d5892d3-1f74-4ccf-91af-548dfc9767aa", "a").unwrap();
            let event =
                RequestEvent { key: key.clone(), received_at: now, kind: EventKind::Processed(Vec::new()) };
            let ask = async || {
                let found = store.state(&key).await;
                // Recorded right after the first question.
                store.store(vec![event.clone()]).await.unwrap();
                found
            };
            let answer = wait_for(&waiters, &key, TIME, ask, |state| *state).await.unwrap();
            assert_eq!(answer, Answer { found: Some(RequestState::Processed), was_heeded: true });
            assert!(waiters.is_empty());
        });
    }

    #[test]
    fn one_that_was_woken_for_nothing_waits_on_until_its_time_is_over() {
        let clock = Arc::new(ManualClock::at(Timestamp::from_micros(0)));
        let waiters = Arc::new(Waiters::new(9, Arc::clone(&clock) as Arc<dyn crate::time::Clock>));
        let key = RequestKey::parse("42", "5d5892d3-1f74-4ccf-91af-548dfc9767aa", "a").unwrap();
        let ask = async || Ok(Some(RequestState::Received));
        let mut work = std::pin::pin!(wait_for(&waiters, &key, TIME, ask, |state| *state));
        let mut poll = || work.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop()));
        for _ in 0..3 {
            assert!(poll().is_pending());
            waiters.wake(&key);
            clock.advance(TIME / 7);
        }
        assert!(poll().is_pending());
        clock.advance(TIME / 7 * 4);
        waiters.expire();
        let answer = Answer { found: Some(RequestState::Received), was_heeded: true };
        assert!(matches!(poll(), std::task::Poll::Ready(Ok(ended)) if ended == answer));
    }

    #[test]
    fn without_time_or_room_it_is_asked_once() {
        pollster::block_on(async {
            let clock = Arc::new(ManualClock::at(Timestamp::from_micros(0)));
            let waiters = Arc::new(Waiters::new(0, clock));
            let key = RequestKey::parse("42", "5d5892d3-1f74-4ccf-91af-548dfc9767aa", "a").unwrap();
            for (time, was_heeded) in [(Duration::ZERO, true), (TIME, false)] {
                let ask = async || Ok(Some(RequestState::Received));
                let answer = wait_for(&waiters, &key, time, ask, |state| *state).await.unwrap();
                assert_eq!(answer, Answer { found: Some(RequestState::Received), was_heeded });
            }
        });
    }
}
