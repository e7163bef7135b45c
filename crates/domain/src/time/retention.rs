//! How long records are kept, counted from their last change.

use std::time::Duration;

use super::timestamp::Timestamp;

/// How long requests, and the knowledge of clusters without requests, are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// How long a request is answered after it was last changed; 24 hours unless configured.
    pub requests: Duration,
    /// How long a cluster stays known after its last request expired; 365 days unless configured.
    pub clusters: Duration,
}

impl Retention {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    /// When a request that changes `now` expires. From that moment on it counts as absent.
    pub fn request_expiry(&self, now: Timestamp) -> Timestamp {
        now.saturating_add(self.requests)
    }

    /// Whether a cluster whose last request changed at `last_change` is still known `now`.
    pub fn is_cluster_known(&self, last_change: Timestamp, now: Timestamp) -> bool {
        last_change > self.cluster_cutoff(now)
    }

    /// A cluster whose last request changed at this time or before is no longer known `now`.
    pub fn cluster_cutoff(&self, now: Timestamp) -> Timestamp {
        now.saturating_sub(self.requests).saturating_sub(self.clusters)
    }
}

impl Default for Retention {
    fn default() -> Self {
        Self { requests: Self::DAY, clusters: Self::DAY * 365 }
    }
}
