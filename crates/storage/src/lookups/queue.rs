//! Where questions wait for a thread: bounded, and taken many at once.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// A queue between many who ask and few threads that answer.
#[derive(Debug)]
pub(super) struct Queue<T> {
    waiting: Mutex<Waiting<T>>,
    came: Condvar,
    limit: usize,
}

#[derive(Debug)]
struct Waiting<T> {
    items: VecDeque<T>,
    /// How many were taken so far.
    taken: u64,
    /// Threads that sleep.
    idle: usize,
    closed: bool,
}

/// The place of an item among all that ever came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ticket(u64);

impl<T> Queue<T> {
    pub(super) fn new(limit: usize) -> Self {
        let waiting = Waiting { items: VecDeque::new(), taken: 0, idle: 0, closed: false };
        Self { waiting: Mutex::new(waiting), came: Condvar::new(), limit }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting<T>> {
        // Nothing panics while it holds the lock.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets an item wait; `None` if too many do.
    pub(super) fn push(&self, item: T) -> Option<Ticket> {
        let mut waiting = self.lock();
        if waiting.items.len() >= self.limit {
            return None;
        }
        let ticket = Ticket(waiting.taken + waiting.items.len() as u64);
        waiting.items.push_back(item);
        let wake = waiting.idle > 0;
        drop(waiting);
        if wake {
            self.came.notify_one();
        }
        Some(ticket)
    }

    /// Wakes another thread for what waits, from one that cannot take it.
    pub(super) fn pass_on(&self) {
        if !self.lock().items.is_empty() {
            self.came.notify_one();
        }
    }

    /// Whether an item waits no more.
    pub(super) fn was_taken(&self, Ticket(number): Ticket) -> bool {
        number < self.lock().taken
    }

    /// Sleeps until something waits; false once the queue is closed.
    pub(super) fn wait(&self) -> bool {
        let mut waiting = self.lock();
        while waiting.items.is_empty() && !waiting.closed {
            waiting.idle += 1;
            waiting = self.came.wait(waiting).unwrap_or_else(PoisonError::into_inner);
            waiting.idle -= 1;
        }
        !waiting.closed
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
        waiting.items.drain(..count).collect()
    }

    /// Lets the threads end.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.came.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_taken_together_and_in_order() {
        let queue = Queue::new(3);
        let tickets: Vec<_> = (0..4).map(|number| queue.push(number)).collect();
        assert_eq!(tickets[3], None, "the fourth finds the queue full");
        assert!(queue.wait());
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
    fn who_sleeps_is_woken() {
        let queue = Queue::new(1);
        std::thread::scope(|scope| {
            let sleeper = scope.spawn(|| queue.wait().then(|| queue.take(1, |_| 1)));
            queue.push(7);
            assert_eq!(sleeper.join().unwrap(), Some(vec![7]));
            let sleeper = scope.spawn(|| queue.wait());
            queue.close();
            assert!(!sleeper.join().unwrap());
        });
    }
}
