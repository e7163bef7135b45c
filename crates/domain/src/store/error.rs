//! Why a store does not answer.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// What a driver said. It can hold host names, settings and data: for logs only.
type Cause = Arc<dyn Error + Send + Sync>;

/// Why a store did not answer. All but [`Defect`](Self::Defect) may pass by themselves.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// No connection became free in time.
    #[error("no database connection became free within {waited:?}")]
    PoolExhausted {
        /// How long the caller waited.
        waited: Duration,
    },
    /// The database did not answer in time.
    #[error("the database did not answer within {limit:?}")]
    Timeout {
        /// The limit that ran out.
        limit: Duration,
    },
    /// More waits than the store wants to keep waiting.
    #[error("more than {limit} {queue} wait")]
    QueueFull {
        /// What waits.
        queue: StoreQueue,
        /// How many may wait.
        limit: usize,
    },
    /// The database cannot be reached, or the connection to it was lost, or it refuses what it is asked at the moment.
    #[error("the database cannot be used at the moment")]
    Unavailable {
        /// What the driver said.
        source: Cause,
    },
    /// The database holds something that cannot be read, or a constraint forbids what was to be stored: a defect, here or
    /// in the data.
    #[error("the database refused the operation")]
    Defect {
        /// What the driver said.
        source: Cause,
    },
}

/// What can wait in a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreQueue {
    /// Events to be written.
    Events,
    /// Questions to be answered.
    Lookups,
}

impl fmt::Display for StoreQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Events => "events",
            Self::Lookups => "lookups",
        })
    }
}

impl StoreError {
    /// Whether asking again later may succeed without anybody's doing: for all but [`Defect`](Self::Defect).
    pub const fn may_pass(&self) -> bool {
        !matches!(self, Self::Defect { .. })
    }

    /// [`Unavailable`](Self::Unavailable) with its cause.
    pub fn unavailable(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unavailable { source: cause.into().into() }
    }

    /// [`Defect`](Self::Defect) with its cause.
    pub fn defect(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Defect { source: cause.into().into() }
    }
}
