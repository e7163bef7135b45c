//! Where lookups wait for a worker: bounded, and taken many at once.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A queue between many who ask and few workers that answer.
#[derive(Debug)]
pub(super) struct Queue<T> {
    waiting: Mutex<Waiting<T>>,
    came: Condvar,
    limit: usize,
}

#[derive(Debug)]
struct Waiting<T> {
    items: VecDeque<T>,
    /// Since when there have been some.
    since: Option<Instant>,
    /// How many were taken so far.
    taken: u64,
    /// Whether a worker sleeps until something comes.
    is_asleep: bool,
    closed: bool,
}

/// The place of an item among all that ever came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ticket(u64);

impl<T> Queue<T> {
    pub(super) fn new(limit: usize) -> Self {
        let waiting =
            Waiting { items: VecDeque::new(), since: None, taken: 0, is_asleep: false, closed: false };
        Self { waiting: Mutex::new(waiting), came: Condvar::new(), limit }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting<T>> {
        // Nothing panics while it holds the lock.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets an item wait, and wakes the workers that sleep; `None` if too many wait.
    pub(super) fn push(&self, item: T) -> Option<Ticket> {
        let mut waiting = self.lock();
        if waiting.items.len() >= self.limit {
            return None;
        }
        let ticket = Ticket(waiting.taken + waiting.items.len() as u64);
        waiting.items.push_back(item);
        waiting.since.get_or_insert_with(Instant::now);
        if std::mem::take(&mut waiting.is_asleep) {
            drop(waiting);
            self.came.notify_all();
        }
        Some(ticket)
    }

    /// Whether an item waits no more.
    pub(super) fn was_taken(&self, Ticket(number): Ticket) -> bool {
        number < self.lock().taken
    }

    /// Sleeps until there has been something to take for so long; false once the queue is closed.
    pub(super) fn wait(&self, patience: Duration) -> bool {
        let mut waiting = self.lock();
        while !waiting.closed {
            let Some(since) = waiting.since else {
                waiting.is_asleep = true;
                waiting = self.came.wait(waiting).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let rest = patience.saturating_sub(since.elapsed());
            if rest.is_zero() {
                return true;
            }
            waiting = self.came.wait_timeout(waiting, rest).unwrap_or_else(PoisonError::into_inner).0;
        }
        false
    }

    /// Takes what waits, up to a total weight, and at least one item if there is any.
    pub(super) fn take(&self, most: usize, weight: impl Fn(&T) -> usize) -> Vec<T> {
        let mut waiting = self.lock();
        let mut total = 0;
        let count = waiting
            .items
            .iter()
            .take_while(|item| {
                let is_first = total == 0;
                total += weight(item);
                is_first || total <= most
            })
            .count();
        waiting.taken += count as u64;
        let taken = waiting.items.drain(..count).collect();
        if waiting.items.is_empty() {
            waiting.since = None;
        }
        taken
    }

    /// Lets the workers end.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.came.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_millis(20);

    #[test]
    fn what_waits_is_taken_together_and_in_order() {
        let queue = Queue::new(3);
        let tickets: Vec<_> = (0..4).map(|number| queue.push(number)).collect();
        assert_eq!(tickets[3], None, "the fourth finds the queue full");
        assert!(queue.wait(Duration::ZERO));
        assert_eq!(queue.take(2, |_| 1), [0, 1]);
        let was_taken = |number: usize| queue.was_taken(tickets[number].unwrap());
        assert!(was_taken(0) && was_taken(1) && !was_taken(2));
        assert!(queue.push(4).is_some());
        assert_eq!(queue.take(9, |_| 1), [2, 4]);
        assert!(was_taken(2));
        assert!(queue.take(9, |_| 1).is_empty());
    }

    #[test]
    fn one_that_is_too_heavy_is_taken_alone() {
        let queue = Queue::new(9);
        for number in [50, 1, 2] {
            queue.push(number);
        }
        assert_eq!(queue.take(10, |number| *number), [50]);
        assert_eq!(queue.take(10, |number| *number), [1, 2]);
    }

    #[test]
    fn what_is_left_has_waited_all_the_time() {
        let queue = Queue::new(9);
        let since = || queue.lock().since;
        assert_eq!(since(), None);
        queue.push(1);
        let first = since();
        queue.push(2);
        queue.take(1, |_| 1);
        assert!(first.is_some() && since() == first);
        queue.take(1, |_| 1);
        assert_eq!(since(), None);
    }

    #[test]
    fn who_is_patient_lets_others_take_it_first() {
        let queue = Queue::new(9);
        let since = Instant::now();
        queue.push(1);
        assert!(queue.wait(PATIENCE));
        assert!(since.elapsed() >= PATIENCE);
        queue.take(9, |_| 1);
        let since = Instant::now();
        queue.push(2);
        assert!(queue.wait(PATIENCE));
        assert!(since.elapsed() >= PATIENCE, "the time counts anew");
    }

    #[test]
    fn who_sleeps_is_woken() {
        let queue = &Queue::new(9);
        let is_asleep = || queue.lock().is_asleep;
        std::thread::scope(|scope| {
            for patience in [Duration::ZERO, PATIENCE] {
                let sleeper = scope.spawn(move || queue.wait(patience).then(|| queue.take(9, |_| 1)));
                while !is_asleep() {
                    std::thread::yield_now();
                }
                queue.push(7);
                assert_eq!(sleeper.join().unwrap(), Some(vec![7]));
                assert!(!is_asleep());
            }
            let sleepers = [0, 1].map(|_| scope.spawn(|| queue.wait(PATIENCE)));
            queue.close();
            assert!(sleepers.into_iter().all(|sleeper| !sleeper.join().unwrap()));
        });
    }
}
