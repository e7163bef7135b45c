//! What is measured of the standby of `storage.read_url`.

use gathering_storage::Storage;
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{IntCounterVec, IntGauge, Opts};

/// Looks at the standby when it is asked.
pub(super) struct StandbyCollector {
    storage: Storage,
    up: IntGauge,
    lookups: IntCounterVec,
}

impl StandbyCollector {
    pub(super) fn new(storage: Storage) -> prometheus::Result<Self> {
        let up = IntGauge::new(
            "gathering_storage_standby_up",
            "1 if the standby is asked first, 0 if the primary answers alone.",
        )?;
        let lookups = Opts::new(
            "gathering_storage_standby_lookups_total",
            "Lookups that the standby was asked, by outcome: answered by it, asked again on the primary, or failed and \
             asked on the primary.",
        );
        Ok(Self { storage, up, lookups: IntCounterVec::new(lookups, &["outcome"])? })
    }
}

impl Collector for StandbyCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.up.desc().into_iter().chain(self.lookups.desc()).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let Some(standby) = self.storage.standby() else { return Vec::new() };
        self.up.set(i64::from(standby.is_up));
        let outcomes = [
            ("answered", standby.answered),
            ("asked_again", standby.asked_again),
            ("failed", standby.failed),
        ];
        for (outcome, count) in outcomes {
            let counter = self.lookups.with_label_values(&[outcome]);
            counter.inc_by(count.saturating_sub(counter.get()));
        }
        self.up.collect().into_iter().chain(self.lookups.collect()).collect()
    }
}
