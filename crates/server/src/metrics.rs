//! What is measured beside HTTP: the build, the process, the pools, and records by outcome.

use gathering_storage::Storage;
use prometheus::core::{Collector, Desc};
use prometheus::process_collector::ProcessCollector;
use prometheus::proto::MetricFamily;
use prometheus::{IntGauge, IntGaugeVec, Opts, Registry};

use crate::import::RecordCounters;

/// Adds everything that this crate measures to a registry.
pub(crate) fn register(
    registry: &Registry,
    storage: Storage,
    records: &RecordCounters,
) -> prometheus::Result<()> {
    let build = IntGauge::with_opts(
        Opts::new("gathering_build_info", "Always 1; the labels say what runs.")
            .const_label("version", env!("CARGO_PKG_VERSION")),
    )?;
    build.set(1);
    registry.register(Box::new(build))?;
    registry.register(Box::new(ProcessCollector::for_self()))?;
    registry.register(Box::new(PoolCollector::new(storage)?))?;
    records.register(registry)
}

/// Looks at the pools when it is asked.
struct PoolCollector {
    storage: Storage,
    connections: IntGaugeVec,
}

impl PoolCollector {
    fn new(storage: Storage) -> prometheus::Result<Self> {
        let connections = IntGaugeVec::new(
            Opts::new("gathering_storage_pool_connections", "Connections to the database, by pool and use."),
            &["pool", "state"],
        )?;
        Ok(Self { storage, connections })
    }
}

impl Collector for PoolCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.connections.desc()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        for pool in self.storage.pools() {
            let busy = pool.connections.saturating_sub(pool.idle);
            self.connections.with_label_values(&[pool.name, "idle"]).set(pool.idle.into());
            self.connections.with_label_values(&[pool.name, "busy"]).set(busy.into());
        }
        self.connections.collect()
    }
}
