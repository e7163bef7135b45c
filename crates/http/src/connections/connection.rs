//! One open connection, as all threads see it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
use std::task::Waker;
use std::time::Duration;

use futures_util::task::AtomicWaker;

use super::limits::CloseReason;
use super::shared::{Held, Shared};

/// How long the head of a request may take to arrive. The library bounds that of the first one only, with 5 seconds.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the rest of a body may take to arrive after its call was answered.
const DISCARD_TIMEOUT: Duration = Duration::from_secs(5);

/// An answer has the write timeout for so many bytes, and as much again for as many more: a client that reads a long list
/// has to be that fast.
const BYTES_PER_TIMEOUT: u64 = 1024 * 1024;

/// What a connection does, and what it costs. Moments are milliseconds of the clock in [`Shared`], 0 for none.
#[derive(Debug)]
pub(super) struct Connection {
    shared: Arc<Shared>,
    /// Wakes the task that serves the connection.
    waker: AtomicWaker,
    is_closing: AtomicBool,
    /// Whether the task wants to look once more whether the client has gone.
    looks_again: AtomicBool,
    /// Whether a handler works on a call, or its answer is being written: the client waits for us, not we for the client.
    is_serving: AtomicBool,
    /// When the client last sent or took a byte.
    active_at: AtomicU64,
    /// Whether the handler waits for more of the request's body.
    awaits_body: AtomicBool,
    /// When the head that is arriving began.
    head_since: AtomicU64,
    /// Since when the rest of a body arrives that nobody reads.
    discard_since: AtomicU64,
    /// When writing the present answer began.
    write_since: AtomicU64,
    /// Bytes of that answer that the client has taken.
    written: AtomicU64,
    /// Memory held for heads, in bytes. The library keeps a buffer as large as the largest of them.
    heads: AtomicUsize,
    /// Memory held for the answer that the client has to read, in bytes.
    answers: AtomicUsize,
}

impl Connection {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let active_at = AtomicU64::new(shared.now());
        Self {
            shared,
            waker: AtomicWaker::new(),
            is_closing: AtomicBool::new(false),
            looks_again: AtomicBool::new(false),
            is_serving: AtomicBool::new(false),
            active_at,
            awaits_body: AtomicBool::new(false),
            head_since: AtomicU64::new(0),
            discard_since: AtomicU64::new(0),
            write_since: AtomicU64::new(0),
            written: AtomicU64::new(0),
            heads: AtomicUsize::new(0),
            answers: AtomicUsize::new(0),
        }
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Has the connection's task fail the next time that it reads or writes. False if it is closing already.
    pub(super) fn close(&self) -> bool {
        let is_first = !self.is_closing.swap(true, Relaxed);
        if is_first {
            self.wake();
        }
        is_first
    }

    pub(super) fn is_closing(&self) -> bool {
        self.is_closing.load(Relaxed)
    }

    /// Has the connection's task woken by changes from now on. Fails if the connection is closing.
    pub(super) fn register(&self, waker: &Waker) -> io::Result<()> {
        self.waker.register(waker);
        if self.is_closing() { Err(io::ErrorKind::ConnectionAborted.into()) } else { Ok(()) }
    }

    pub(super) fn wake(&self) {
        self.waker.wake();
    }

    /// Has the next sweep wake the connection's task, where nothing else would tell it that the client has gone.
    pub(super) fn look_again(&self) {
        self.looks_again.store(true, Relaxed);
    }

    pub(super) fn wake_to_look(&self) {
        if self.looks_again.swap(false, Relaxed) {
            self.wake();
        }
    }

    pub(super) fn set_serving(&self, is_serving: bool) {
        self.is_serving.store(is_serving, Relaxed);
    }

    pub(super) fn has_received(&self) {
        self.active_at.store(self.shared.now(), Relaxed);
    }

    pub(super) fn set_awaits_body(&self, awaits_body: bool) {
        self.awaits_body.store(awaits_body, Relaxed);
    }

    pub(super) fn discard_begins(&self) {
        self.discard_since.store(self.shared.now(), Relaxed);
    }

    pub(super) fn discard_ends(&self) {
        self.discard_since.store(0, Relaxed);
    }

    /// Called for every part of a head: the first one counts.
    pub(super) fn head_arrives(&self) {
        if self.head_since.load(Relaxed) == 0 {
            self.head_since.store(self.shared.now(), Relaxed);
        }
    }

    pub(super) fn head_ends(&self) {
        self.head_since.store(0, Relaxed);
    }

    /// Called for every write: the first one counts.
    pub(super) fn write_begins(&self) {
        if self.write_since.load(Relaxed) == 0 {
            self.written.store(0, Relaxed);
            self.write_since.store(self.shared.now(), Relaxed);
        }
    }

    pub(super) fn has_written(&self, bytes: usize) {
        self.active_at.store(self.shared.now(), Relaxed);
        self.written.fetch_add(bytes as u64, Relaxed);
    }

    /// The client took all there was.
    pub(super) fn write_ends(&self) {
        self.write_since.store(0, Relaxed);
    }

    /// Records how much memory the connection holds now, in bytes, or nothing if it is closing. True if all connections hold
    /// too much with it.
    pub(super) fn set_held(&self, held: Held, bytes: usize) -> bool {
        let bytes = if self.is_closing() { 0 } else { bytes.min(held.limit_per_connection()) };
        let before = self.counter(held).swap(bytes, Relaxed);
        before != bytes && self.shared.held_changed(held, before, bytes)
    }

    pub(super) fn held(&self, held: Held) -> usize {
        self.counter(held).load(Relaxed)
    }

    const fn counter(&self, held: Held) -> &AtomicUsize {
        match held {
            Held::Heads => &self.heads,
            Held::Answers => &self.answers,
        }
    }

    /// Since when we wait for the client, for the order in which connections are closed; `None` if it waits for us.
    pub(super) fn idle_since(&self) -> Option<u64> {
        let client_waits = self.is_serving.load(Relaxed)
            && self.write_since.load(Relaxed) == 0
            && !self.awaits_body.load(Relaxed);
        (!self.is_closing() && !client_waits).then(|| self.active_at.load(Relaxed))
    }

    /// Since when the connection holds memory: the beginning of its answer, or the last sign of the client.
    pub(super) fn held_since(&self) -> u64 {
        match self.write_since.load(Relaxed) {
            0 => self.active_at.load(Relaxed),
            since => since,
        }
    }

    /// Why the connection is to be closed if the client has taken too long.
    pub(super) fn overdue(&self, now: u64, write_timeout: Duration) -> Option<CloseReason> {
        let has_passed = |since: u64, limit: Duration, times: u64| {
            let limit = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX).saturating_mul(times);
            since != 0 && now.saturating_sub(since) > limit
        };
        if self.is_closing() {
            return None;
        }
        let times = 1 + self.written.load(Relaxed) / BYTES_PER_TIMEOUT;
        if has_passed(self.write_since.load(Relaxed), write_timeout, times) {
            return Some(CloseReason::SlowAnswer);
        }
        if has_passed(self.discard_since.load(Relaxed), DISCARD_TIMEOUT, 1) {
            return Some(CloseReason::SlowBody);
        }
        has_passed(self.head_since.load(Relaxed), HEAD_TIMEOUT, 1).then_some(CloseReason::SlowHead)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        for held in Held::ALL {
            self.set_held(held, 0);
        }
    }
}
