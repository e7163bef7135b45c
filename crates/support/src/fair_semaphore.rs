//! A semaphore that is fair among those who want its permits.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// Hands out permits. Tenants get them one after the other, however many each waits for, and none holds more than its share.
/// Clones hand out the same permits.
pub struct FairSemaphore<T: Copy + Eq + Hash>(Arc<Mutex<State<T>>>);

struct State<T: Copy + Eq + Hash> {
    free: usize,
    most_each: usize,
    /// How many permits each tenant has, if any.
    held: HashMap<T, usize>,
    /// The tenants that wait, in the order of their next permits, each with those who wait for it in order of arrival. While
    /// permits are free, only tenants wait that have as many as they may.
    waiting: VecDeque<(T, VecDeque<oneshot::Sender<Permit<T>>>)>,
}

/// A permit to do something for a while. The next one gets it when this is dropped.
pub struct Permit<T: Copy + Eq + Hash>(Option<(FairSemaphore<T>, T)>);

impl<T: Copy + Eq + Hash> fmt::Debug for FairSemaphore<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FairSemaphore").finish_non_exhaustive()
    }
}

impl<T: Copy + Eq + Hash> fmt::Debug for Permit<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").finish_non_exhaustive()
    }
}

impl<T: Copy + Eq + Hash> Clone for FairSemaphore<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Copy + Eq + Hash> FairSemaphore<T> {
    /// A semaphore with so many permits, and the most of them that one tenant may hold; one at least of both.
    pub fn new(permits: usize, most_each: usize) -> Self {
        let state = State {
            free: permits.max(1),
            most_each: most_each.max(1),
            held: HashMap::new(),
            waiting: VecDeque::new(),
        };
        Self(Arc::new(Mutex::new(state)))
    }

    /// Waits for a permit for this tenant.
    pub async fn acquire(&self, tenant: T) -> Permit<T> {
        let permit = {
            let mut state = self.state();
            if state.free > 0 && state.may_hold_more(tenant) {
                state.take(tenant);
                return self.permit(tenant);
            }
            let (given, permit) = oneshot::channel();
            match state.waiting.iter_mut().find(|(other, _)| *other == tenant) {
                Some((_, others)) => others.push_back(given),
                None => state.waiting.push_back((tenant, VecDeque::from([given]))),
            }
            permit
        };
        // No sender that waits is dropped unused.
        permit.await.unwrap_or(Permit(None))
    }

    fn permit(&self, tenant: T) -> Permit<T> {
        Permit(Some((self.clone(), tenant)))
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a permit back and hands it on, if somebody waits who may have it.
    fn release(&self, tenant: T) {
        let mut state = self.state();
        state.give_back(tenant);
        while let Some((next, waiting)) = state.pop() {
            drop(state);
            match waiting.send(self.permit(next)) {
                Ok(()) => return,
                // Nobody waits for it any more. The next one gets it.
                Err(mut unused) => unused.0 = None,
            }
            state = self.state();
            state.give_back(next);
        }
    }
}

impl<T: Copy + Eq + Hash> State<T> {
    fn may_hold_more(&self, tenant: T) -> bool {
        self.held.get(&tenant).is_none_or(|held| *held < self.most_each)
    }

    fn take(&mut self, tenant: T) {
        self.free -= 1;
        *self.held.entry(tenant).or_default() += 1;
    }

    fn give_back(&mut self, tenant: T) {
        self.free += 1;
        if let Some(held) = self.held.get_mut(&tenant) {
            *held -= 1;
            if *held == 0 {
                self.held.remove(&tenant);
            }
        }
    }

    /// Takes out the one who waits for the next permit, and a permit for it.
    fn pop(&mut self) -> Option<(T, oneshot::Sender<Permit<T>>)> {
        let at = self.waiting.iter().position(|(tenant, _)| self.may_hold_more(*tenant))?;
        let (tenant, mut waiting) = self.waiting.remove(at)?;
        let next = waiting.pop_front()?;
        if !waiting.is_empty() {
            self.waiting.push_back((tenant, waiting));
        }
        self.take(tenant);
        Some((tenant, next))
    }
}

impl<T: Copy + Eq + Hash> Drop for Permit<T> {
    fn drop(&mut self) {
        if let Some((semaphore, tenant)) = self.0.take() {
            semaphore.release(tenant);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;

    use super::*;
    use futures_util::FutureExt;

    type Waiting<'a> = Pin<Box<dyn Future<Output = Permit<u32>> + 'a>>;

    fn waiting(semaphore: &FairSemaphore<u32>, tenant: u32) -> Waiting<'_> {
        Box::pin(semaphore.acquire(tenant))
    }

    /// Who gets a permit, one after the other, once the first one is dropped.
    fn order(first: Permit<u32>, mut waiting: Vec<(u32, Waiting<'_>)>) -> Vec<u32> {
        for (_, permit) in &mut waiting {
            assert!(permit.now_or_never().is_none(), "it waits");
        }
        let (mut order, mut current) = (Vec::new(), Some(first));
        while let Some(permit) = current.take() {
            drop(permit);
            let next = waiting
                .iter_mut()
                .enumerate()
                .find_map(|(at, (_, permit))| Some((at, permit.now_or_never()?)));
            if let Some((at, permit)) = next {
                order.push(waiting.remove(at).0);
                current = Some(permit);
            }
        }
        order
    }

    #[test]
    fn tenants_take_turns_however_much_each_waits_for() {
        let semaphore = FairSemaphore::new(1, 1);
        let first = semaphore.acquire(1).now_or_never().unwrap();
        let others = [1, 1, 1, 2, 2, 3].map(|name| (name, waiting(&semaphore, name)));
        assert_eq!(order(first, others.into()), [1, 2, 3, 1, 2, 1]);
    }

    #[test]
    fn a_turn_of_somebody_who_is_gone_goes_to_the_next() {
        let semaphore = FairSemaphore::new(1, 1);
        let first = semaphore.acquire(1).now_or_never().unwrap();
        let mut gone = waiting(&semaphore, 2);
        assert!((&mut gone).now_or_never().is_none());
        let mut next = waiting(&semaphore, 3);
        assert!((&mut next).now_or_never().is_none());
        drop(gone);
        drop(first);
        assert!(next.now_or_never().is_some());
        assert!(semaphore.acquire(4).now_or_never().is_some(), "all permits are free");
    }

    #[test]
    fn a_tenant_with_its_share_leaves_permits_to_others() {
        let semaphore = FairSemaphore::new(3, 2);
        let first = semaphore.acquire(1).now_or_never().unwrap();
        let second = semaphore.acquire(1).now_or_never().unwrap();
        let (mut third, mut fourth) = (waiting(&semaphore, 1), waiting(&semaphore, 1));
        assert!((&mut third).now_or_never().is_none(), "its share is two");
        let other = semaphore.acquire(2).now_or_never().expect("one is left for others");
        let mut late = waiting(&semaphore, 3);
        assert!((&mut late).now_or_never().is_none() && (&mut fourth).now_or_never().is_none());
        drop(other);
        assert!((&mut third).now_or_never().is_none(), "its share is two yet");
        let late =
            late.now_or_never().expect("it goes to who may have it, though somebody else waited longer");
        drop(second);
        let third = third.now_or_never().expect("it has one only");
        assert!((&mut fourth).now_or_never().is_none());
        drop((first, third, late));
        drop(fourth.now_or_never().unwrap());
        let state = semaphore.state();
        assert_eq!((state.free, state.held.len(), state.waiting.len()), (3, 0, 0));
    }
}
