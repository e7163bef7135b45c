//! How many calls wait, and how their waits ended.

use std::sync::Arc;

use gathering_domain::wait::Waiters;
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{IntCounterVec, IntGauge, Opts, Registry};

/// Adds what is known of waiting calls to a registry.
pub(in crate::service) fn register_waits(
    registry: &Registry,
    waiters: Arc<Waiters>,
) -> prometheus::Result<()> {
    let waiting = IntGauge::new("gathering_waiting_calls", "Calls that wait for a result.")?;
    let opts =
        Opts::new("gathering_waits_total", "Calls that asked to wait for a result, by how that ended.");
    let ended = IntCounterVec::new(opts, &["end"])?;
    registry.register(Box::new(WaitCollector { waiters, waiting, ended }))
}

/// Looks at the waits when it is asked.
struct WaitCollector {
    waiters: Arc<Waiters>,
    waiting: IntGauge,
    ended: IntCounterVec,
}

impl Collector for WaitCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.waiting.desc().into_iter().chain(self.ended.desc()).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let stats = self.waiters.stats();
        self.waiting.set(i64::try_from(stats.waiting).unwrap_or(i64::MAX));
        for (end, count) in [
            ("woken", stats.woken),
            ("timed_out", stats.timed_out),
            ("cut_short", stats.cut_short),
            ("left", stats.left),
            ("refused", stats.refused),
        ] {
            let counter = self.ended.with_label_values(&[end]);
            counter.inc_by(count.saturating_sub(counter.get()));
        }
        self.waiting.collect().into_iter().chain(self.ended.collect()).collect()
    }
}
