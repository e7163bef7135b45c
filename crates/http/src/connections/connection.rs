//! One open connection, as all threads see it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
use std::task::Waker;
use std::time::Duration;

use futures_util::task::AtomicWaker;

use super::{CloseReason, Connections};

/// How long the head of a request may take to arrive. The library bounds that of the first one only, with 5 seconds.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

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
    /// Since when a head is arriving.
    head_since: AtomicU64,
    /// Since when an answer is being written.
    answer_since: AtomicU64,
    /// Bytes of that answer that it has taken.
    taken: AtomicU64,
    /// Memory that it holds beyond what every connection has, in bytes.
    held: AtomicUsize,
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
            head_since: AtomicU64::new(0),
            answer_since: AtomicU64::new(0),
            taken: AtomicU64::new(0),
            held: AtomicUsize::new(0),
        }
    }

    /// Whether the listener is being stopped.
    pub(super) fn is_draining(&self) -> bool {
        self.all.is_draining()
    }

    /// Ends it: the next time that its task looks, it finds an error.
    pub(super) fn close(&self) {
        self.is_closing.store(true, Relaxed);
        self.wake();
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

    /// A head is arriving and has so many bytes by now.
    pub(super) fn head_has(&self, length: usize) {
        if self.head_since.load(Relaxed) == 0 {
            self.head_since.store(self.all.now(), Relaxed);
        }
        self.set_held(length);
    }

    /// A head has arrived.
    pub(super) fn head_is_there(&self) {
        if self.head_since.load(Relaxed) != 0 {
            self.head_since.store(0, Relaxed);
            self.set_held(0);
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

    /// How much memory it holds now, in bytes.
    pub(super) fn set_held(&self, bytes: usize) {
        let before = self.held.swap(bytes, Relaxed);
        if before != bytes {
            self.all.held_changed(before, bytes);
        }
    }

    pub(super) fn held(&self) -> usize {
        self.held.load(Relaxed)
    }

    /// Since when it keeps us waiting, for the order in which connections are closed; `None` if a handler works for it.
    pub(super) fn idle_since(&self) -> Option<u64> {
        let waits_for_us = self.is_served.load(Relaxed) && self.answer_since.load(Relaxed) == 0;
        (!self.is_closing() && !waits_for_us).then(|| self.active_at.load(Relaxed))
    }

    /// Since when it holds memory: the beginning of its head or answer.
    pub(super) fn held_since(&self) -> u64 {
        let since = |moment: &AtomicU64| Some(moment.load(Relaxed)).filter(|since| *since != 0);
        since(&self.answer_since)
            .or_else(|| since(&self.head_since))
            .unwrap_or_else(|| self.active_at.load(Relaxed))
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
        has_passed(self.head_since.load(Relaxed), HEAD_TIMEOUT, 1).then_some(CloseReason::SlowHead)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.set_held(0);
    }
}
