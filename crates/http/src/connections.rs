//! Open connections of a listener: how many there are, what they may cost, and which ones have to go.
//!
//! The library counts connections for each thread and stops accepting over its limit, which lets whoever holds them keep
//! everybody out; it bounds no write, and decodes as many requests as it can read, whatever becomes of their answers.
//! So connections are counted here, over all threads; a [`Transport`] hands the library one request at a time and tells
//! what the connection does; and those that keep us waiting too long, or hold too much, are closed.

mod boundaries;
mod calls;
mod connection;
mod transport;

use std::collections::HashMap;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use prometheus::{IntCounterVec, IntGauge};

use self::connection::Connection;

pub(crate) use self::calls::{AnswerBody, Call, CallState, watch_call};
pub(crate) use self::transport::Transport;

/// What connections may hold together beyond what every one has, in bytes: long heads, and answers that are still to be
/// read. Over it, those that began first are closed.
const HELD: usize = 32 * 1024 * 1024;

/// How often the connections are looked at; times are as exact as this.
const TICK: Duration = Duration::from_millis(250);

/// Bounds on the connections of a listener.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ConnectionLimits {
    /// Most connections. For each one over it, one that was idle is closed.
    pub(crate) most: usize,
    /// How long an answer may take to be read, from its first byte on, for each MiB of it.
    pub(crate) write_timeout: Duration,
}

/// Why a connection was closed from here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CloseReason {
    /// There were too many, and it had been idle for longer than others.
    Idle,
    /// The head of a request did not arrive in time.
    SlowHead,
    /// An answer was not read in time.
    SlowAnswer,
    /// Connections held too much memory, and it was one that began first.
    Memory,
}

impl CloseReason {
    /// All of them.
    pub(crate) const ALL: [Self; 4] = [Self::Idle, Self::SlowHead, Self::SlowAnswer, Self::Memory];

    /// The value of the metrics' label.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::SlowHead => "slow_head",
            Self::SlowAnswer => "slow_answer",
            Self::Memory => "memory",
        }
    }
}

/// What is counted of connections.
#[derive(Debug, Clone)]
pub(crate) struct ConnectionMetrics {
    /// Open connections.
    pub(crate) open: IntGauge,
    /// Those that were closed from here, by reason.
    pub(crate) closed: IntCounterVec,
}

/// All open connections of a listener.
#[derive(Debug)]
pub(crate) struct Connections {
    limits: ConnectionLimits,
    metrics: Option<ConnectionMetrics>,
    open: Mutex<HashMap<u64, Arc<Connection>>>,
    next: AtomicU64,
    started: Instant,
    /// Milliseconds since the start, renewed with every tick: asking the system at each byte would cost more.
    now: AtomicU64,
    held: AtomicUsize,
    is_draining: AtomicBool,
}

/// A connection that was let in. It counts until this is dropped.
#[derive(Debug)]
pub(crate) struct Admitted {
    number: u64,
    connection: Arc<Connection>,
    all: Arc<Connections>,
}

impl Admitted {
    const fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }

    /// Ends when the connection is closed from here.
    pub(crate) async fn closed(&self) {
        std::future::poll_fn(|cx| match self.connection.register(cx.waker()) {
            Ok(()) => std::task::Poll::Pending,
            Err(_) => std::task::Poll::Ready(()),
        })
        .await;
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.all.lock().remove(&self.number);
        if let Some(metrics) = &self.all.metrics {
            metrics.open.dec();
        }
    }
}

impl Connections {
    pub(crate) fn new(limits: ConnectionLimits, metrics: Option<ConnectionMetrics>) -> Arc<Self> {
        Arc::new(Self {
            limits,
            metrics,
            open: Mutex::default(),
            next: AtomicU64::new(0),
            started: Instant::now(),
            now: AtomicU64::new(1),
            held: AtomicUsize::new(0),
            is_draining: AtomicBool::new(false),
        })
    }

    /// Lets a new connection in, at the cost of idle ones where there are too many; `None` where all are at work, or
    /// those that were closed are still on their way out.
    pub(crate) fn admit(self: &Arc<Self>) -> Option<Admitted> {
        let mut open = self.lock();
        if open.len() >= self.limits.most {
            self.close_idle(&open);
            let on_their_way_out = open.values().filter(|connection| connection.is_closing()).count();
            let is_full = open.len() - on_their_way_out >= self.limits.most;
            if is_full || on_their_way_out > self.limits.most / 8 + 8 {
                return None;
            }
        }
        let connection = Arc::new(Connection::new(Arc::clone(self)));
        let number = self.next.fetch_add(1, Relaxed);
        open.insert(number, Arc::clone(&connection));
        if let Some(metrics) = &self.metrics {
            metrics.open.inc();
        }
        Some(Admitted { number, connection, all: Arc::clone(self) })
    }

    /// Closes those that have been idle longest: a hundredth of all, so that a flood does not look at all of them for
    /// each that comes.
    fn close_idle(&self, open: &HashMap<u64, Arc<Connection>>) {
        let mut idle: Vec<_> =
            open.values().filter_map(|connection| Some((connection.idle_since()?, connection))).collect();
        let count = (self.limits.most / 100).max(1);
        if idle.len() > count {
            idle.select_nth_unstable_by_key(count - 1, |(since, _)| *since);
        }
        for (_, connection) in idle.into_iter().take(count) {
            self.close(connection, CloseReason::Idle);
        }
    }

    fn close(&self, connection: &Connection, reason: CloseReason) {
        connection.close();
        if let Some(metrics) = &self.metrics {
            metrics.closed.with_label_values(&[reason.as_str()]).inc();
        }
    }

    /// From now on, every answer closes its connection.
    pub(crate) fn drain(&self) {
        self.is_draining.store(true, Relaxed);
    }

    fn is_draining(&self) -> bool {
        self.is_draining.load(Relaxed)
    }

    fn now(&self) -> u64 {
        self.now.load(Relaxed)
    }

    fn held_changed(&self, before: usize, after: usize) {
        let total = if after > before {
            self.held.fetch_add(after - before, Relaxed) + (after - before)
        } else {
            self.held.fetch_sub(before - after, Relaxed) - (before - after)
        };
        if total > HELD && after > before {
            self.relieve();
        }
    }

    /// Closes those that hold memory for longest until a quarter of what they may hold is free.
    fn relieve(&self) {
        let open = self.lock();
        let mut holding: Vec<_> =
            open.values().filter(|connection| connection.held() > 0 && !connection.is_closing()).collect();
        holding.sort_unstable_by_key(|connection| connection.held_since());
        let kept: usize = holding.iter().map(|connection| connection.held()).sum();
        let mut excess = kept.saturating_sub(HELD / 4 * 3);
        for connection in holding {
            if excess == 0 {
                break;
            }
            excess = excess.saturating_sub(connection.held());
            self.close(connection, CloseReason::Memory);
        }
    }

    /// Looks after the connections, for ever.
    pub(crate) async fn look_after(self: Arc<Self>) {
        loop {
            tokio::time::sleep(TICK).await;
            let now = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX).max(1);
            self.tick(now);
        }
    }

    fn tick(&self, now: u64) {
        self.now.store(now, Relaxed);
        for connection in self.lock().values() {
            if let Some(reason) = connection.overdue(now, self.limits.write_timeout) {
                self.close(connection, reason);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Arc<Connection>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connections(most: usize) -> Arc<Connections> {
        Connections::new(ConnectionLimits { most, write_timeout: Duration::from_secs(30) }, None)
    }

    fn closing(all: &[&Admitted]) -> Vec<bool> {
        all.iter().map(|admitted| admitted.connection.is_closing()).collect()
    }

    #[test]
    fn the_one_that_idled_longest_makes_room() {
        let all = connections(3);
        let [first, second, third] = [1, 2, 3].map(|now| {
            all.tick(now);
            all.admit().unwrap()
        });
        all.tick(10);
        first.connection.has_sent();
        let fourth = all.admit().unwrap();
        assert_eq!(closing(&[&first, &second, &third, &fourth]), [false, true, false, false]);
        drop(second);
        third.connection.set_served(true);
        fourth.connection.set_served(true);
        let fifth = all.admit().unwrap();
        assert_eq!(closing(&[&first, &third, &fourth, &fifth]), [true, false, false, false]);
    }

    #[test]
    fn nobody_who_is_served_makes_room() {
        let all = connections(1);
        let only = all.admit().unwrap();
        only.connection.set_served(true);
        assert!(all.admit().is_none());
        only.connection.offers();
        assert!(all.admit().is_some(), "now it is waited for");
        assert!(only.connection.is_closing());
    }

    #[test]
    fn those_on_their_way_out_are_bounded_too() {
        let all = connections(1);
        let there: Vec<_> = std::iter::from_fn(|| all.admit()).take(1000).collect();
        assert!(there.len() < 20, "{}", there.len());
    }

    #[test]
    fn what_takes_too_long_is_closed() {
        let all = connections(9);
        let [idle, head, answer, long] = [(); 4].map(|()| all.admit().unwrap());
        all.tick(1000);
        head.connection.head_has(10);
        for writing in [&answer, &long] {
            writing.connection.offers();
        }
        long.connection.has_taken(3 << 20);
        let now_closing = |now| {
            all.tick(now);
            closing(&[&idle, &head, &answer, &long])
        };
        assert_eq!(now_closing(11_000), [false; 4]);
        assert_eq!(now_closing(11_001), [false, true, false, false]);
        assert_eq!(now_closing(31_000), [false, true, false, false]);
        assert_eq!(now_closing(31_001), [false, true, true, false]);
        assert_eq!(now_closing(121_000), [false, true, true, false]);
        assert_eq!(now_closing(121_001), [false, true, true, true]);
    }

    #[test]
    fn what_was_there_in_time_is_not() {
        let all = connections(9);
        let one = all.admit().unwrap();
        one.connection.head_has(10);
        one.connection.head_is_there();
        one.connection.offers();
        one.connection.has_taken_all();
        all.tick(1_000_000);
        assert!(!one.connection.is_closing());
    }

    #[test]
    fn those_who_hold_memory_for_longest_give_it_back() {
        let all = connections(9);
        let holding: Vec<_> = (1..=5)
            .map(|now| {
                all.tick(now);
                let admitted = all.admit().unwrap();
                admitted.connection.offers();
                admitted.connection.set_held(HELD / 4);
                admitted
            })
            .collect();
        let closed: Vec<bool> = holding.iter().map(|admitted| admitted.connection.is_closing()).collect();
        assert_eq!(closed, [true, true, false, false, false]);
        drop(holding);
        assert_eq!(all.held.load(Relaxed), 0);
        assert!(all.lock().is_empty());
    }
}
