//! Turns at reading bodies: a few at once, and tenants one after the other, however many bodies each has.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::available_parallelism;

use gathering_domain::Tenant;
use tokio::sync::oneshot;

/// Hands out turns. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct Turns(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    free: usize,
    /// Who waits: the tenants in the order of their next turns, each with its bodies in the order in which they came.
    waiting: VecDeque<(Tenant, VecDeque<oneshot::Sender<Turn>>)>,
}

/// A turn. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Turn(Option<Turns>);

impl Turns {
    pub(crate) fn new(at_once: usize) -> Self {
        Self(Arc::new(Mutex::new(State { free: at_once.max(1), waiting: VecDeque::new() })))
    }

    /// As many as leave the other half of the processors to those who answer.
    pub(crate) fn of_this_machine() -> Self {
        Self::new(available_parallelism().map_or(1, |cores| cores.get() / 2))
    }

    /// Waits for a turn.
    pub(crate) async fn next(&self, tenant: Tenant) -> Turn {
        let turn = {
            let mut state = self.state();
            if state.free > 0 {
                state.free -= 1;
                return Turn(Some(self.clone()));
            }
            let (given, turn) = oneshot::channel();
            match state.waiting.iter_mut().find(|(other, _)| *other == tenant) {
                Some((_, bodies)) => bodies.push_back(given),
                None => state.waiting.push_back((tenant, VecDeque::from([given]))),
            }
            turn
        };
        // A sender that waits is never dropped without being used.
        turn.await.unwrap_or(Turn(None))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whose turn it is now.
    fn pop(&self) -> Option<oneshot::Sender<Turn>> {
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

impl Drop for Turn {
    fn drop(&mut self) {
        let Some(turns) = self.0.take() else { return };
        while let Some(next) = turns.pop() {
            match next.send(Self(Some(turns.clone()))) {
                Ok(()) => return,
                // Nobody waits for that body any more: this turn is the next one's.
                Err(mut unused) => unused.0 = None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;

    use futures_util::FutureExt;
    use gathering_domain::OrganizationId;

    use super::*;

    fn tenant(organization: u32) -> Tenant {
        OrganizationId::try_from(organization).unwrap().into()
    }

    type Waiting<'a> = Pin<Box<dyn Future<Output = Turn> + 'a>>;

    fn waiting(turns: &Turns, organization: u32) -> Waiting<'_> {
        Box::pin(turns.next(tenant(organization)))
    }

    /// Who gets a turn, one after the other, once the first one is over.
    fn order(first: Turn, mut waiting: Vec<(u32, Waiting<'_>)>) -> Vec<u32> {
        for (_, turn) in &mut waiting {
            assert!(turn.now_or_never().is_none(), "it waits");
        }
        let (mut order, mut current) = (Vec::new(), Some(first));
        while let Some(turn) = current.take() {
            drop(turn);
            let next =
                waiting.iter_mut().enumerate().find_map(|(at, (_, turn))| Some((at, turn.now_or_never()?)));
            if let Some((at, turn)) = next {
                order.push(waiting.remove(at).0);
                current = Some(turn);
            }
        }
        order
    }

    #[test]
    fn tenants_take_turns_however_many_bodies_each_has() {
        let turns = Turns::new(1);
        let first = turns.next(tenant(1)).now_or_never().unwrap();
        let bodies = [1, 1, 1, 2, 2, 3].map(|name| (name, waiting(&turns, name)));
        assert_eq!(order(first, bodies.into()), [1, 2, 3, 1, 2, 1]);
    }

    #[test]
    fn a_turn_of_somebody_who_is_gone_goes_to_the_next() {
        let turns = Turns::new(1);
        let first = turns.next(tenant(1)).now_or_never().unwrap();
        let mut gone = waiting(&turns, 2);
        assert!((&mut gone).now_or_never().is_none());
        let mut next = waiting(&turns, 3);
        assert!((&mut next).now_or_never().is_none());
        drop(gone);
        drop(first);
        assert!(next.now_or_never().is_some());
        assert!(turns.next(tenant(4)).now_or_never().is_some(), "all turns are over");
    }
}
