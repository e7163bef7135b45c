//! Open connections of a listener: how many there are, what they may cost, and which ones have to go.
//!
//! The library counts connections for each thread and stops accepting over its limit, which lets whoever holds them keep
//! everybody out; it bounds no write, and decodes as many requests as it can read, whatever becomes of their answers.
//! So connections are counted here, over all threads; a [`Transport`] hands the library one request at a time and tells
//! what the connection does; and those that keep us waiting too long, or hold too much, are closed.

mod boundaries;
mod calls;
mod connection;
mod limits;
mod transport;

use std::collections::HashMap;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use self::connection::Connection;

pub(crate) use self::calls::{AnswerBody, Call, CallState, SharedBody, watch_call};
pub(crate) use self::limits::{CloseReason, ConnectionLimits, ConnectionMetrics};
pub(crate) use self::transport::Transport;

/// What connections hold beyond what every one has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holding {
    /// Long heads. Nobody needs a token to send them, so they have bounds of their own.
    Heads,
    /// Answers that are still to be read.
    Answers,
}

impl Holding {
    const ALL: [Self; 2] = [Self::Heads, Self::Answers];

    /// What all connections may hold together, in bytes. Over it, those that began first are closed.
    const fn most(self) -> usize {
        match self {
            Self::Heads => 16 * 1024 * 1024,
            Self::Answers => 32 * 1024 * 1024,
        }
    }

    /// What counts of one connection, in bytes. An answer may be longer than all may be together (`http.max_list = 0`), and can
    /// be read nevertheless, beside others.
    const fn most_for_one(self) -> usize {
        self.most() / 2
    }
}

/// What bodies that come, and bodies that go, may take up together in the buffers of the library, which copies what it is
/// handed, and the least and the most of it for one connection: small pieces cost a call of the system each, and the least one
/// fits with the head of its answer into the 8 KiB that every connection has. In bytes.
const BUFFERS: usize = 4 * 1024 * 1024;
const LEAST_SHARE: usize = 7 * 1024;
const MOST_SHARE: usize = 64 * 1024;

/// How often the connections are looked at; times are as exact as this.
const TICK: Duration = Duration::from_millis(250);

/// All open connections of a listener.
#[derive(Debug)]
pub(crate) struct Connections {
    limits: ConnectionLimits,
    metrics: Option<ConnectionMetrics>,
    open: Mutex<Open>,
    started: Instant,
    /// Milliseconds since the start, renewed with every tick: asking the system at each byte would cost more.
    now: AtomicU64,
    heads: AtomicUsize,
    answers: AtomicUsize,
    /// Most bytes of a body that are handed to the library at once.
    buffer_share: AtomicUsize,
    is_draining: AtomicBool,
}

#[derive(Debug, Default)]
struct Open {
    connections: HashMap<u64, Arc<Connection>>,
    next: u64,
    /// How many of them were closed from here and are still on their way out.
    closing: usize,
    /// When nobody was found idle; until the next tick there is nobody.
    none_idle_at: u64,
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
        let mut open = self.all.lock();
        open.connections.remove(&self.number);
        open.closing -= usize::from(self.connection.is_closing());
        self.all.share_out(&open);
        drop(open);
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
            started: Instant::now(),
            now: AtomicU64::new(1),
            heads: AtomicUsize::new(0),
            answers: AtomicUsize::new(0),
            buffer_share: AtomicUsize::new(MOST_SHARE),
            is_draining: AtomicBool::new(false),
        })
    }

    /// Lets a new connection in, at the cost of idle ones where there are too many; `None` where all are at work, or
    /// those that were closed are still on their way out.
    pub(crate) fn admit(self: &Arc<Self>) -> Option<Admitted> {
        let mut open = self.lock();
        if open.connections.len() - open.closing >= self.limits.most {
            self.close_idle(&mut open);
        }
        let staying = open.connections.len() - open.closing;
        if staying >= self.limits.most || open.closing > self.limits.most / 8 + 8 {
            self.count(CloseReason::Full);
            return None;
        }
        let connection = Arc::new(Connection::new(Arc::clone(self)));
        let number = open.next;
        open.next += 1;
        open.connections.insert(number, Arc::clone(&connection));
        self.share_out(&open);
        if let Some(metrics) = &self.metrics {
            metrics.open.inc();
        }
        Some(Admitted { number, connection, all: Arc::clone(self) })
    }

    fn share_out(&self, open: &Open) {
        let share = BUFFERS / open.connections.len().max(1);
        self.buffer_share.store(share.clamp(LEAST_SHARE, MOST_SHARE), Relaxed);
    }

    fn buffer_share(&self) -> usize {
        self.buffer_share.load(Relaxed)
    }

    /// Closes those that have been idle longest: a hundredth of all, so that a flood does not look at all of them for
    /// each that comes.
    fn close_idle(&self, open: &mut Open) {
        if open.none_idle_at == self.now() {
            return;
        }
        let mut idle: Vec<_> = open
            .connections
            .values()
            .filter_map(|connection| Some((connection.idle_since()?, Arc::clone(connection))))
            .collect();
        if idle.is_empty() {
            open.none_idle_at = self.now();
        }
        let count = (self.limits.most / 100).max(1);
        if idle.len() > count {
            idle.select_nth_unstable_by_key(count - 1, |(since, _)| *since);
        }
        for (_, connection) in idle.into_iter().take(count) {
            self.close(open, &connection, CloseReason::Idle);
        }
    }

    fn close(&self, open: &mut Open, connection: &Connection, reason: CloseReason) {
        if connection.close() {
            open.closing += 1;
            for holding in Holding::ALL {
                connection.set_held(holding, 0);
            }
            self.count(reason);
        }
    }

    fn count(&self, reason: CloseReason) {
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

    fn held_changed(&self, holding: Holding, before: usize, after: usize) {
        let counter = match holding {
            Holding::Heads => &self.heads,
            Holding::Answers => &self.answers,
        };
        if after < before {
            counter.fetch_sub(before - after, Relaxed);
        } else if counter.fetch_add(after - before, Relaxed) + (after - before) > holding.most() {
            self.relieve(holding);
        }
    }

    /// Closes those that hold for longest until a quarter of what they may hold is free.
    fn relieve(&self, holding: Holding) {
        let mut open = self.lock();
        let mut holders: Vec<_> = open
            .connections
            .values()
            .filter(|connection| connection.held(holding) > 0)
            .map(Arc::clone)
            .collect();
        holders.sort_unstable_by_key(|connection| connection.held_since());
        let kept: usize = holders.iter().map(|connection| connection.held(holding)).sum();
        let mut excess = kept.saturating_sub(holding.most() / 4 * 3);
        for connection in holders {
            if excess == 0 {
                break;
            }
            excess = excess.saturating_sub(connection.held(holding));
            self.close(&mut open, &connection, CloseReason::Memory);
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
        let mut open = self.lock();
        let overdue: Vec<_> = open
            .connections
            .values()
            .filter_map(|connection| {
                Some((Arc::clone(connection), connection.overdue(now, self.limits.write_timeout)?))
            })
            .collect();
        for (connection, reason) in overdue {
            self.close(&mut open, &connection, reason);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
