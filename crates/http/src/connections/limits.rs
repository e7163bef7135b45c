//! What connections may do, why they are closed otherwise, and what is counted of it.

use std::time::Duration;

use prometheus::{IntCounterVec, IntGauge};

/// Bounds on the connections of a listener.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ConnectionLimits {
    /// For each connection over it, one that was idle is closed.
    pub(crate) max_connections: usize,
    /// How long an answer may take to be read, from its first byte on, for each MiB of it.
    pub(crate) write_timeout: Duration,
}

/// Why the service closed a connection, or did not admit it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CloseReason {
    /// There were too many, and it had been idle for longer than others.
    Idle,
    /// The head of a request did not arrive in time.
    SlowHead,
    /// A body went on after its call was answered.
    SlowBody,
    /// An answer was not read in time.
    SlowAnswer,
    /// Connections held too much memory, and it was one that began first.
    Memory,
    /// There were too many, and none was idle: it was not admitted.
    Full,
}

impl CloseReason {
    pub(crate) const ALL: [Self; 6] =
        [Self::Idle, Self::SlowHead, Self::SlowBody, Self::SlowAnswer, Self::Memory, Self::Full];

    /// The value of the metric's label.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::SlowHead => "slow_head",
            Self::SlowBody => "slow_body",
            Self::SlowAnswer => "slow_answer",
            Self::Memory => "memory",
            Self::Full => "full",
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct ConnectionMetrics {
    pub(crate) open: IntGauge,
    /// Labelled with a [`CloseReason`].
    pub(crate) closed: IntCounterVec,
}
