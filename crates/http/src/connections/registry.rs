//! All open connections of a listener, and which of them are closed.

use std::collections::HashMap;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};

use super::connection::Connection;
use super::limits::{CloseReason, ConnectionLimits, ConnectionMetrics};
use super::shared::{Held, Shared};

/// How often all connections are looked at. Their timeouts are as exact as this.
const SWEEP_INTERVAL: Duration = Duration::from_millis(250);

/// Shorter heads do not count as held, in bytes: the library has a buffer of that size for every connection.
const SMALL_HEAD: usize = 8 * 1024;

#[derive(Debug)]
pub(crate) struct ConnectionRegistry {
    limits: ConnectionLimits,
    metrics: Option<ConnectionMetrics>,
    shared: Arc<Shared>,
    open: Mutex<Open>,
    started: Instant,
}

#[derive(Debug, Default)]
struct Open {
    connections: HashMap<u64, Arc<Connection>>,
    next_id: u64,
    /// How many of them the registry has closed and are not gone yet.
    closing: usize,
    /// When no connection was found idle; until the next sweep none is looked for again.
    none_idle_at: u64,
}

/// A connection that was admitted. It counts as open until this is dropped.
#[derive(Debug)]
pub(crate) struct ConnectionGuard {
    id: u64,
    connection: Arc<Connection>,
    registry: Arc<ConnectionRegistry>,
}

impl ConnectionGuard {
    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Ends when the registry closes the connection.
    pub(crate) async fn closed(&self) {
        poll_fn(|cx| match self.connection.register(cx.waker()) {
            Ok(()) => Poll::Pending,
            Err(_) => Poll::Ready(()),
        })
        .await;
    }

    /// A head is arriving, of which there are `length` bytes.
    pub(super) fn head_arrives(&self, length: usize) {
        self.connection.head_arrives();
        self.hold_head(length);
    }

    /// A head of `length` bytes has arrived.
    pub(super) fn head_ends(&self, length: usize) {
        self.connection.head_ends();
        self.hold_head(length);
    }

    fn hold_head(&self, length: usize) {
        if length > SMALL_HEAD && length > self.connection.held(Held::Heads) {
            self.hold(Held::Heads, length);
        }
    }

    /// Records how much memory the connection holds now, in bytes. If all connections hold too much with it, some are closed.
    pub(super) fn hold(&self, held: Held, bytes: usize) {
        if self.connection.set_held(held, bytes) {
            self.registry.shed(held);
        }
    }
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        let mut open = self.registry.lock();
        open.connections.remove(&self.id);
        open.closing -= usize::from(self.connection.is_closing());
        self.registry.shared.share_buffers(open.connections.len());
        drop(open);
        if let Some(metrics) = &self.registry.metrics {
            metrics.open.dec();
        }
    }
}

impl ConnectionRegistry {
    pub(crate) fn new(limits: ConnectionLimits, metrics: Option<ConnectionMetrics>) -> Arc<Self> {
        Arc::new(Self {
            limits,
            metrics,
            shared: Arc::new(Shared::new()),
            open: Mutex::default(),
            started: Instant::now(),
        })
    }

    /// Admits a new connection; if there are too many, idle ones are closed for it. `None` if none is idle, or too many are
    /// closing already.
    pub(crate) fn admit(self: &Arc<Self>) -> Option<ConnectionGuard> {
        let limit = self.limits.max_connections;
        let mut open = self.lock();
        if open.connections.len() - open.closing >= limit {
            self.close_idle(&mut open);
        }
        if open.connections.len() - open.closing >= limit || open.closing > limit / 8 + 8 {
            self.count(CloseReason::Full);
            return None;
        }
        let connection = Arc::new(Connection::new(Arc::clone(&self.shared)));
        let id = open.next_id;
        open.next_id += 1;
        open.connections.insert(id, Arc::clone(&connection));
        self.shared.share_buffers(open.connections.len());
        if let Some(metrics) = &self.metrics {
            metrics.open.inc();
        }
        Some(ConnectionGuard { id, connection, registry: Arc::clone(self) })
    }

    /// Closes those that have been idle longest: a hundredth of the limit at once, so that in a flood of connections not
    /// every new one has all others looked at.
    fn close_idle(&self, open: &mut Open) {
        let now = self.shared.now();
        if open.none_idle_at == now {
            return;
        }
        let mut idle: Vec<_> = open
            .connections
            .values()
            .filter_map(|connection| Some((connection.idle_since()?, Arc::clone(connection))))
            .collect();
        if idle.is_empty() {
            open.none_idle_at = now;
        }
        let count = (self.limits.max_connections / 100).max(1);
        if idle.len() > count {
            idle.select_nth_unstable_by_key(count - 1, |(since, _)| *since);
        }
        for (_, connection) in idle.into_iter().take(count) {
            self.close(open, &connection, CloseReason::Idle);
        }
    }

    /// Closes those that have held memory longest, until a quarter of the limit is free.
    fn shed(&self, held: Held) {
        let mut open = self.lock();
        let mut holders: Vec<_> = open
            .connections
            .values()
            .filter(|connection| connection.held(held) > 0)
            .map(Arc::clone)
            .collect();
        holders.sort_unstable_by_key(|connection| connection.held_since());
        let total: usize = holders.iter().map(|connection| connection.held(held)).sum();
        let mut excess = total.saturating_sub(held.limit() / 4 * 3);
        for connection in holders {
            if excess == 0 {
                break;
            }
            excess = excess.saturating_sub(connection.held(held));
            self.close(&mut open, &connection, CloseReason::Memory);
        }
    }

    fn close(&self, open: &mut Open, connection: &Connection, reason: CloseReason) {
        if connection.close() {
            open.closing += 1;
            for held in Held::ALL {
                connection.set_held(held, 0);
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
        self.shared.drain();
    }

    /// Closes connections that have taken too long, for ever.
    pub(crate) async fn keep_sweeping(self: Arc<Self>) {
        loop {
            tokio::time::sleep(SWEEP_INTERVAL).await;
            let now = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX).max(1);
            self.sweep(now);
        }
    }

    fn sweep(&self, now: u64) {
        self.shared.set_now(now);
        let mut open = self.lock();
        open.connections.values().for_each(|connection| connection.wake_to_look());
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
