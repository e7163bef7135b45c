//! Whose turn it is to write: one batch at a time, so that what comes later lands later.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout_at;

/// Hands out one turn at a time.
#[derive(Debug)]
pub(crate) struct Turn {
    current: Mutex<Current>,
    /// After the end of an attempt, how long its transaction may still be committed although its thread hangs. `None`: there is no
    /// limit.
    late_commit: Option<Duration>,
}

#[derive(Debug)]
struct Current {
    turn: Arc<Semaphore>,
    /// When whoever had the last turn can do no more harm.
    over: Option<Instant>,
}

/// Whose turn it is. The turn is over when this is dropped.
#[derive(Debug)]
pub(crate) struct TurnGuard {
    /// `None` would be a closed semaphore, and nobody closes it.
    _permit: Option<OwnedSemaphorePermit>,
}

/// For clocks that run at different speeds, and a server that is slow to end what it is to end.
const MARGIN: Duration = Duration::from_secs(1);

impl Turn {
    /// `statement` is what the server limits each statement to, and the silence within a transaction as well: a transaction
    /// whose client hangs is over by then. Where there is no such limit, the next turn begins when the client lets go.
    pub(crate) fn new(statement: Option<Duration>) -> Self {
        let current = Mutex::new(Current { turn: Arc::new(Semaphore::new(1)), over: None });
        // A statement that began at the last moment, and the silence after it.
        Self { current, late_commit: statement.map(|statement| statement * 2 + MARGIN) }
    }

    /// The next turn, for an attempt that ends at `end`; `None` if it does not begin by then.
    pub(crate) async fn take(&self, end: Instant) -> Option<TurnGuard> {
        loop {
            let (turn, over) = {
                let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
                (Arc::clone(&current.turn), current.over)
            };
            let until = over.map_or(end, |over| over.min(end));
            if let Ok(permit) = timeout_at(until.into(), Arc::clone(&turn).acquire_owned()).await {
                let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
                current.over = self.late_commit.map(|late_commit| end + late_commit);
                return Some(TurnGuard { _permit: permit.ok() });
            }
            if until >= end {
                return None;
            }
            let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
            if Arc::ptr_eq(&current.turn, &turn) {
                log::warn!("a write hangs that can do no more harm; others go on without its connection");
                *current = Current { turn: Arc::new(Semaphore::new(1)), over: None };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(work: impl Future<Output = ()>) {
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(work);
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_millis(20)
    }

    fn late() -> Instant {
        Instant::now() + Duration::from_secs(600)
    }

    #[test]
    fn the_next_turn_waits_for_the_last() {
        run(async {
            for statement in [None, Some(Duration::ZERO)] {
                let turn = Turn::new(statement);
                let first = turn.take(late()).await.unwrap();
                assert!(turn.take(soon()).await.is_none());
                let (second, ()) = tokio::join!(turn.take(late()), async { drop(first) });
                assert!(second.is_some());
            }
        });
    }

    #[test]
    fn one_that_can_do_no_more_harm_is_not_waited_for() {
        run(async {
            let past = Instant::now().checked_sub(MARGIN * 2).unwrap();
            let turn = Turn::new(Some(Duration::ZERO));
            let hangs = turn.take(past).await.unwrap();
            let next = turn.take(late()).await;
            assert!(next.is_some());
            drop(hangs);
            let turn = Turn::new(None);
            let hangs = turn.take(past).await.unwrap();
            assert!(turn.take(soon()).await.is_none(), "here nobody knows");
            drop(hangs);
        });
    }
}
