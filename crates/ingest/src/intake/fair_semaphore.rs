//! A semaphore that is fair among tenants: they get permits one after the other, however many of their bodies wait.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::available_parallelism;

use gathering_domain::intake::Tenant;
use tokio::sync::oneshot;

/// Hands out permits to read bodies. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct FairSemaphore(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    free: usize,
    /// The tenants that wait, in the order of their next permits, each with its bodies in order of arrival.
    waiting: VecDeque<(Tenant, VecDeque<oneshot::Sender<Permit>>)>,
}

/// A permit to read for a while. The next one gets it when this is dropped.
#[derive(Debug)]
pub(crate) struct Permit(Option<FairSemaphore>);

impl FairSemaphore {
    pub(crate) fn new(at_once: usize) -> Self {
        Self(Arc::new(Mutex::new(State { free: at_once.max(1), waiting: VecDeque::new() })))
    }

    /// A semaphore with a permit for every second processor. The others are left to those who answer.
    pub(crate) fn of_this_machine() -> Self {
        Self::new(available_parallelism().map_or(1, |cores| cores.get() / 2))
    }

    /// Waits for a permit for a body of this tenant.
    pub(crate) async fn acquire(&self, tenant: Tenant) -> Permit {
        let permit = {
            let mut state = self.state();
            if state.free > 0 {
                state.free -= 1;
                return Permit(Some(self.clone()));
            }
            let (given, permit) = oneshot::channel();
            match state.waiting.iter_mut().find(|(other, _)| *other == tenant) {
                Some((_, bodies)) => bodies.push_back(given),
                None => state.waiting.push_back((tenant, VecDeque::from([given]))),
            }
            permit
        };
        // No sender that waits is dropped unused.
        permit.await.unwrap_or(Permit(None))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes out the one who waits for the next permit; adds the permit to the free ones if nobody does.
    fn pop(&self) -> Option<oneshot::Sender<Permit>> {
        let mut state = self.state();
        let Some((tenant, mut bodies)) = state.waiting.pop_front() else {
            state.free += 1;
            return None;
        };
        let next = bodies.pop_front();
        if !bodies.is_empty() {
            state.waiting.push_back((tenant, bodies));
        }
        next
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let Some(semaphore) = self.0.take() else { return };
        while let Some(next) = semaphore.pop() {
            match next.send(Self(Some(semaphore.clone()))) {
                Ok(()) => return,
                // Nobody waits for that body any more. The next one gets the permit.
                Err(mut unused) => unused.0 = None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;

    use futures_util::FutureExt;
    use gathering_domain::ids::OrganizationId;

    use super::*;

    fn tenant(organization: u32) -> Tenant {
        OrganizationId::try_from(organization).unwrap().into()
    }

    type Waiting<'a> = Pin<Box<dyn Future<Output = Permit> + 'a>>;

    fn waiting(semaphore: &FairSemaphore, organization: u32) -> Waiting<'_> {
        Box::pin(semaphore.acquire(tenant(organization)))
    }

    /// Who gets a permit, one after the other, once the first one is dropped.
    fn order(first: Permit, mut waiting: Vec<(u32, Waiting<'_>)>) -> Vec<u32> {
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
    fn tenants_take_turns_however_many_bodies_each_has() {
        let semaphore = FairSemaphore::new(1);
        let first = semaphore.acquire(tenant(1)).now_or_never().unwrap();
        let bodies = [1, 1, 1, 2, 2, 3].map(|name| (name, waiting(&semaphore, name)));
        assert_eq!(order(first, bodies.into()), [1, 2, 3, 1, 2, 1]);
    }

    #[test]
    fn a_turn_of_somebody_who_is_gone_goes_to_the_next() {
        let semaphore = FairSemaphore::new(1);
        let first = semaphore.acquire(tenant(1)).now_or_never().unwrap();
        let mut gone = waiting(&semaphore, 2);
        assert!((&mut gone).now_or_never().is_none());
        let mut next = waiting(&semaphore, 3);
        assert!((&mut next).now_or_never().is_none());
        drop(gone);
        drop(first);
        assert!(next.now_or_never().is_some());
        assert!(semaphore.acquire(tenant(4)).now_or_never().is_some(), "all permits are free");
    }
}
