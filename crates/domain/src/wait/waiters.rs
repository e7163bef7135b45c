//! All who wait.

use std::fmt;
use std::future::Future;
use std::ops::Bound;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::end::WaitEnd;
use super::registry::{Entry, Place, Registry};
use super::stats::{Counters, WaitStats};
use crate::ids::RequestKey;
use crate::request::RequestState;
use crate::store::{RequestStore, StoreError};
use crate::time::{Clock, SystemClock};

/// How many waits end at once because of their time or the end of the service. Each asks the store once more, and other
/// questions are not to wait for all of them.
const ENDS_AT_ONCE: usize = 1000;

/// How many keys a store is asked for at once. With more, other questions would wait for them.
const KEYS_AT_ONCE: usize = 200;

/// Those who wait for requests of one service, in any number up to a limit. Where they are as many, an organization has its place
/// from the one that has most of them, so that nobody can keep others from waiting.
pub struct Waiters {
    clock: Arc<dyn Clock>,
    most: usize,
    /// How many there are, to be read without the lock.
    count: AtomicUsize,
    counters: Counters,
    registry: Mutex<Registry>,
}

impl fmt::Debug for Waiters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiters")
            .field("most", &self.most)
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

impl Waiters {
    /// Room for `most` who wait at once. With none, nobody ever waits.
    pub fn new(most: usize, clock: Arc<dyn Clock>) -> Self {
        let (count, counters, registry) = Default::default();
        Self { clock, most, count, counters, registry }
    }

    /// Room for nobody: for writers whose results nobody waits for in this process.
    pub fn nobody() -> Arc<Self> {
        Arc::new(Self::new(0, Arc::new(SystemClock)))
    }

    /// When somebody who begins to wait now, for so long, has to be answered.
    pub fn until(&self, time: Duration) -> WaitUntil {
        WaitUntil(self.clock.monotonic().saturating_add(time))
    }

    /// Waits for this request, until then at most. `None` if too many wait, or the service ends.
    ///
    /// What was recorded before this call wakes nobody: ask for the request after it, and then wait.
    pub fn enter(self: &Arc<Self>, key: &RequestKey, WaitUntil(until): WaitUntil) -> Option<Waiter> {
        let mut registry = self.lock();
        if registry.is_closed {
            return None;
        }
        let displaced = if registry.entries.len() < self.most {
            None
        } else {
            let Some(place) = registry.to_displace(key.organization) else {
                self.counters.refused();
                return None;
            };
            registry.remove(&place)
        };
        let place = Place { key: key.clone(), number: registry.next };
        registry.next += 1;
        registry.entries.insert(place.clone(), Entry { until, waker: None, end: None });
        *registry.of_organizations.entry(key.organization).or_default() += 1;
        self.count.store(registry.entries.len(), Ordering::Release);
        drop(registry);
        if let Some(Entry { waker: Some(waker), .. }) = displaced {
            waker.wake();
        }
        Some(Waiter { waiters: Arc::clone(self), place })
    }

    /// Ends the waits for a request that was recorded as processed or failed.
    pub fn wake(&self, key: &RequestKey) {
        if self.is_empty() {
            return;
        }
        let first = Place { key: key.clone(), number: 0 };
        let wakers: Vec<Waker> = {
            let mut registry = self.lock();
            let waiting = registry.entries.range_mut(first..).take_while(|(place, _)| place.key == *key);
            waiting.filter_map(|(_, entry)| entry.finish(WaitEnd::Woken)).collect()
        };
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Ends waits whose time is over, and all waits once the service ends: a thousand at a time, so call it often.
    pub fn expire(&self) {
        if self.is_empty() {
            return;
        }
        let now = self.clock.monotonic();
        let wakers: Vec<Waker> = {
            let mut registry = self.lock();
            let is_closed = registry.is_closed;
            let end = if is_closed { WaitEnd::CutShort } else { WaitEnd::TimedOut };
            let waiting = registry.entries.values_mut().filter(|entry| entry.end.is_none());
            let meant = waiting.filter(|entry| is_closed || entry.until <= now).take(ENDS_AT_ONCE);
            meant.filter_map(|entry| entry.finish(end)).collect()
        };
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Lets nobody wait any more, and ends waits; those that are left by [`expire`](Self::expire).
    pub fn close(&self) {
        self.lock().is_closed = true;
        self.expire();
    }

    /// Asks the store for all requests that somebody waits for, and ends the waits for those that are processed or failed. It asks
    /// for some hundred at a time, one portion after the other. Without waiters it asks nothing.
    ///
    /// # Errors
    /// The first one, when the store does not answer for some of them. Those who wait go on.
    pub async fn recheck(&self, store: &impl RequestStore) -> Result<(), StoreError> {
        let (mut last, mut result) = (None, Ok(()));
        while !self.is_empty() {
            let keys = self.keys_after(last.as_ref());
            match store.states(&keys).await {
                Ok(states) => {
                    for (key, state) in keys.iter().zip(states) {
                        if matches!(state, Some(RequestState::Processed | RequestState::Failed)) {
                            self.wake(key);
                        }
                    }
                }
                Err(error) => result = result.and(Err(error)),
            }
            if keys.len() < KEYS_AT_ONCE {
                break;
            }
            last = keys.into_iter().next_back();
        }
        result
    }

    /// Whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.count.load(Ordering::Acquire) == 0
    }

    /// How many wait, and how the waits of the past ended.
    pub fn stats(&self) -> WaitStats {
        self.counters.stats(self.count.load(Ordering::Acquire))
    }

    /// Whether a wait has ended; if not, this waker is told. One that is not there any more had to make room.
    fn poll(&self, place: &Place, waker: &Waker) -> Poll<WaitEnd> {
        let mut registry = self.lock();
        let end = match registry.entries.get_mut(place) {
            None => WaitEnd::CutShort,
            Some(Entry { end: Some(end), .. }) => *end,
            Some(entry) => {
                match &mut entry.waker {
                    Some(old) => old.clone_from(waker),
                    empty => *empty = Some(waker.clone()),
                }
                return Poll::Pending;
            }
        };
        registry.remove(place);
        self.count.store(registry.entries.len(), Ordering::Release);
        drop(registry);
        self.counters.ended(end);
        Poll::Ready(end)
    }

    fn leave(&self, place: &Place) {
        let mut registry = self.lock();
        let left = registry.remove(place);
        self.count.store(registry.entries.len(), Ordering::Release);
        drop(registry);
        if left.is_some() {
            self.counters.left();
        }
    }

    /// The next keys that somebody waits for, each once.
    fn keys_after(&self, last: Option<&RequestKey>) -> Vec<RequestKey> {
        let from = last
            .map_or(Bound::Unbounded, |last| Bound::Excluded(Place { key: last.clone(), number: u64::MAX }));
        let registry = self.lock();
        let mut keys: Vec<RequestKey> = Vec::new();
        for (place, entry) in registry.entries.range((from, Bound::Unbounded)) {
            if entry.end.is_some() || keys.last() == Some(&place.key) {
                continue;
            }
            if keys.len() == KEYS_AT_ONCE {
                break;
            }
            keys.push(place.key.clone());
        }
        keys
    }

    fn lock(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// When a wait is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaitUntil(Duration);

/// Waits for a request. Its place is free again when this is dropped.
#[derive(Debug)]
#[must_use = "nobody waits unless it is awaited"]
pub struct Waiter {
    waiters: Arc<Waiters>,
    place: Place,
}

impl Future for Waiter {
    type Output = WaitEnd;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<WaitEnd> {
        self.waiters.poll(&self.place, cx.waker())
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        self.waiters.leave(&self.place);
    }
}

#[cfg(test)]
mod tests;
