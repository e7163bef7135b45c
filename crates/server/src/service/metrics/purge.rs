//! What purging does.

use gathering_domain::store::Purged;
use gathering_domain::time::Timestamp;
use prometheus::{Gauge, IntCounterVec, Opts, Registry};

/// What purging of this process did.
#[derive(Debug, Clone)]
pub(crate) struct PurgeMetrics {
    last: Gauge,
    rows: IntCounterVec,
}

impl PurgeMetrics {
    /// Adds the metrics to a registry, once. A start counts like a purge: nothing is late yet.
    pub(crate) fn register(registry: &Registry, now: Timestamp) -> prometheus::Result<Self> {
        let last = Gauge::new(
            "gathering_purge_last_success_timestamp_seconds",
            "When this process last purged what has expired, or started, in seconds since 1970.",
        )?;
        let opts = Opts::new("gathering_purged_rows_total", "Rows that this process purged, by table.");
        let rows = IntCounterVec::new(opts, &["table"])?;
        registry.register(Box::new(last.clone()))?;
        registry.register(Box::new(rows.clone()))?;
        let metrics = Self { last, rows };
        metrics.succeeded(Purged::default(), now);
        Ok(metrics)
    }

    pub(crate) fn succeeded(&self, purged: Purged, now: Timestamp) {
        self.rows.with_label_values(&["requests"]).inc_by(purged.requests);
        self.rows.with_label_values(&["clusters"]).inc_by(purged.clusters);
        let millis = now.as_micros() / 1000;
        self.last
            .set(std::time::Duration::from_millis(u64::try_from(millis).unwrap_or_default()).as_secs_f64());
    }
}
