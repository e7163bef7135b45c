//! What the connections of a listener have in common: a clock, the stop, and the memory that they hold together.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};

/// What a connection holds in memory beyond what every connection has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Held {
    /// Long heads. Nobody needs a token to send them, so they have a limit of their own.
    Heads,
    /// Answers that the client has still to read.
    Answers,
}

impl Held {
    pub(super) const ALL: [Self; 2] = [Self::Heads, Self::Answers];

    /// The limit for all connections together, in bytes. Over it, those that began first are closed.
    pub(super) const fn limit(self) -> usize {
        match self {
            Self::Heads => 16 * 1024 * 1024,
            Self::Answers => 32 * 1024 * 1024,
        }
    }

    /// How much counts for one connection at most, in bytes. An answer may be longer than all may be together
    /// (`http.max_list = 0`); it can be read nevertheless, beside others.
    pub(super) const fn limit_per_connection(self) -> usize {
        self.limit() / 2
    }
}

/// What the bodies of requests, and those of answers, may take up together in the buffers of the library, which copies what
/// it is handed, in bytes.
const BUFFERS: usize = 4 * 1024 * 1024;

/// Bounds on the part of it that one connection gets, in bytes. Small pieces cost a system call each. The smallest one fits,
/// with the head of its answer, into the 8 KiB that every connection has.
const MIN_SHARE: usize = 7 * 1024;
const MAX_SHARE: usize = 64 * 1024;

#[derive(Debug)]
pub(super) struct Shared {
    now: AtomicU64,
    is_draining: AtomicBool,
    heads: AtomicUsize,
    answers: AtomicUsize,
    buffer_share: AtomicUsize,
}

impl Shared {
    pub(super) const fn new() -> Self {
        Self {
            now: AtomicU64::new(1),
            is_draining: AtomicBool::new(false),
            heads: AtomicUsize::new(0),
            answers: AtomicUsize::new(0),
            buffer_share: AtomicUsize::new(MAX_SHARE),
        }
    }

    /// Milliseconds since the listener started, at least 1. Only as exact as the registry's sweeps: reading the system's
    /// clock for each piece that arrives would cost more.
    pub(super) fn now(&self) -> u64 {
        self.now.load(Relaxed)
    }

    pub(super) fn set_now(&self, now: u64) {
        self.now.store(now, Relaxed);
    }

    /// From now on, every answer closes its connection.
    pub(super) fn drain(&self) {
        self.is_draining.store(true, Relaxed);
    }

    pub(super) fn is_draining(&self) -> bool {
        self.is_draining.load(Relaxed)
    }

    /// The most bytes of a body, of a request or an answer, that are handed to the library at once.
    pub(super) fn buffer_share(&self) -> usize {
        self.buffer_share.load(Relaxed)
    }

    /// Shares the library's buffers out among so many connections.
    pub(super) fn share_buffers(&self, connections: usize) {
        let share = BUFFERS / connections.max(1);
        self.buffer_share.store(share.clamp(MIN_SHARE, MAX_SHARE), Relaxed);
    }

    /// Counts that a connection holds `after` bytes instead of `before`. True if that takes all of them over the limit.
    pub(super) fn held_changed(&self, held: Held, before: usize, after: usize) -> bool {
        let total = self.total(held);
        if after < before {
            total.fetch_sub(before - after, Relaxed);
            return false;
        }
        let more = after - before;
        total.fetch_add(more, Relaxed) + more > held.limit()
    }

    #[cfg(test)]
    pub(super) fn held(&self, held: Held) -> usize {
        self.total(held).load(Relaxed)
    }

    const fn total(&self, held: Held) -> &AtomicUsize {
        match held {
            Held::Heads => &self.heads,
            Held::Answers => &self.answers,
        }
    }
}
