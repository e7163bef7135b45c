//! One open connection, as all threads see it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
use std::task::Waker;
use std::time::Duration;

use futures_util::task::AtomicWaker;

use super::{CloseReason, Connections, Holding};

/// How long the head of a request may take to arrive. The library bounds that of the first one only, with 5 seconds.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a body that nobody reads any more may go on after its call was answered.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// Heads up to so many bytes do not count as held: the library has a buffer of that size for every connection.
const SMALL_HEAD: usize = 8 * 1024;

/// An answer has the write timeout for so many bytes, and as much again for as many more: who reads a long list has to be
/// that fast.
const BYTES_A_TIMEOUT: u64 = 1024 * 1024;

/// What a connection does, and what it costs. Moments are milliseconds of the clock of [`Connections`], 0 for none.
#[derive(Debug)]
pub(super) struct Connection {
    all: Arc<Connections>,
    /// Wakes the task that serves it.
    waker: AtomicWaker,
    is_closing: AtomicBool,
    /// Whether a handler works for it: it waits for us, not we for it.
    is_served: AtomicBool,
    /// When it last sent or took a byte.
    active_at: AtomicU64,
    /// Whether the handler waits for more of the request's body.
    awaits_body: AtomicBool,
    /// Since when a head is arriving.
    head_since: AtomicU64,
    /// Since when a body goes on that nobody reads.
    drained_since: AtomicU64,
    /// Since when an answer is being written.
    answer_since: AtomicU64,
    /// Bytes of that answer that it has taken.
    taken: AtomicU64,
    /// Memory that it holds for heads, in bytes. The library keeps a buffer as large as the largest of them.
    head: AtomicUsize,
    /// Memory that it holds for the answer that it is to read, in bytes.
    answer: AtomicUsize,
}

impl Connection {
    pub(super) fn new(all: Arc<Connections>) -> Self {
        let active_at = AtomicU64::new(all.now());
        Self {
            all,
            waker: AtomicWaker::new(),
            is_closing: AtomicBool::new(false),
            is_served: AtomicBool::new(false),
            active_at,
            awaits_body: AtomicBool::new(false),
            head_since: AtomicU64::new(0),
            drained_since: AtomicU64::new(0),
            answer_since: AtomicU64::new(0),
            taken: AtomicU64::new(0),
            head: AtomicUsize::new(0),
            answer: AtomicUsize::new(0),
        }
    }

    /// Whether the listener is being stopped.
    pub(super) fn is_draining(&self) -> bool {
        self.all.is_draining()
    }

    /// Most bytes of a body, coming or going, that are handed to the library at once.
    pub(super) fn buffer_share(&self) -> usize {
        self.all.buffer_share()
    }

    /// Ends it: the next time that its task looks, it finds an error. False if it is ending already.
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

    /// Remembers how to wake the task, and tells it whether it is to end.
    pub(super) fn register(&self, waker: &Waker) -> io::Result<()> {
        self.waker.register(waker);
        if self.is_closing() { Err(io::ErrorKind::ConnectionAborted.into()) } else { Ok(()) }
    }

    pub(super) fn wake(&self) {
        self.waker.wake();
    }

    pub(super) fn set_served(&self, is_served: bool) {
        self.is_served.store(is_served, Relaxed);
    }

    /// It sent something.
    pub(super) fn has_sent(&self) {
        self.active_at.store(self.all.now(), Relaxed);
    }

    /// Whether its handler waits for more of the body.
    pub(super) fn set_awaits_body(&self, awaits_body: bool) {
        self.awaits_body.store(awaits_body, Relaxed);
    }

    /// Nobody reads the rest of its body.
    pub(super) fn drains(&self) {
        self.drained_since.store(self.all.now(), Relaxed);
    }

    /// Its body has ended.
    pub(super) fn has_drained(&self) {
        self.drained_since.store(0, Relaxed);
    }

    /// A head is arriving and has so many bytes by now.
    pub(super) fn head_has(&self, length: usize) {
        if self.head_since.load(Relaxed) == 0 {
            self.head_since.store(self.all.now(), Relaxed);
        }
        self.keep_head(length);
    }

    /// A head of so many bytes has arrived.
    pub(super) fn head_is_there(&self, length: usize) {
        self.head_since.store(0, Relaxed);
        self.keep_head(length);
    }

    fn keep_head(&self, length: usize) {
        if length > SMALL_HEAD && length > self.head.load(Relaxed) {
            self.set_held(Holding::Heads, length);
        }
    }

    /// Something is offered to it that it may or may not take.
    pub(super) fn offers(&self) {
        if self.answer_since.load(Relaxed) == 0 {
            self.taken.store(0, Relaxed);
            self.answer_since.store(self.all.now(), Relaxed);
        }
    }

    /// It took so many bytes.
    pub(super) fn has_taken(&self, bytes: usize) {
        self.active_at.store(self.all.now(), Relaxed);
        self.taken.fetch_add(bytes as u64, Relaxed);
    }

    /// It took all there was.
    pub(super) fn has_taken_all(&self) {
        self.answer_since.store(0, Relaxed);
    }

    /// How much memory it holds now, in bytes. One that is closing has been taken off already.
    pub(super) fn set_held(&self, holding: Holding, bytes: usize) {
        let bytes = if self.is_closing() { 0 } else { bytes.min(holding.most_for_one()) };
        let before = self.counter(holding).swap(bytes, Relaxed);
        if before != bytes {
            self.all.held_changed(holding, before, bytes);
        }
    }

    pub(super) fn held(&self, holding: Holding) -> usize {
        self.counter(holding).load(Relaxed)
    }

    const fn counter(&self, holding: Holding) -> &AtomicUsize {
        match holding {
            Holding::Heads => &self.head,
            Holding::Answers => &self.answer,
        }
    }

    /// Since when it keeps us waiting, for the order in which connections are closed; `None` if a handler works for it.
    pub(super) fn idle_since(&self) -> Option<u64> {
        let waits_for_us = self.is_served.load(Relaxed)
            && self.answer_since.load(Relaxed) == 0
            && !self.awaits_body.load(Relaxed);
        (!self.is_closing() && !waits_for_us).then(|| self.active_at.load(Relaxed))
    }

    /// Since when it holds memory: the beginning of its answer, or the last that was heard of it.
    pub(super) fn held_since(&self) -> u64 {
        match self.answer_since.load(Relaxed) {
            0 => self.active_at.load(Relaxed),
            since => since,
        }
    }

    /// Whether it has taken too long.
    pub(super) fn overdue(&self, now: u64, write_timeout: Duration) -> Option<CloseReason> {
        let has_passed = |since: u64, limit: Duration, times: u64| {
            let limit = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX).saturating_mul(times);
            since != 0 && now.saturating_sub(since) > limit
        };
        if self.is_closing() {
            return None;
        }
        let times = 1 + self.taken.load(Relaxed) / BYTES_A_TIMEOUT;
        if has_passed(self.answer_since.load(Relaxed), write_timeout, times) {
            return Some(CloseReason::SlowAnswer);
        }
        if has_passed(self.drained_since.load(Relaxed), DRAIN_TIMEOUT, 1) {
            return Some(CloseReason::SlowBody);
        }
        has_passed(self.head_since.load(Relaxed), HEAD_TIMEOUT, 1).then_some(CloseReason::SlowHead)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        for holding in Holding::ALL {
            self.set_held(holding, 0);
        }
    }
}
