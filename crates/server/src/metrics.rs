//! What is measured beside HTTP: the build, the process, the pools, and records by outcome.

use gathering_ingest::RecordCounters;
use gathering_storage::{BatchWriter, Storage};
use prometheus::core::{Collector, Desc};
use prometheus::process_collector::ProcessCollector;
use prometheus::proto::MetricFamily;
use prometheus::{IntCounter, IntGauge, IntGaugeVec, Opts, Registry};

/// Adds everything that this crate measures to a registry.
pub(crate) fn register(
    registry: &Registry,
    storage: Storage,
    writer: BatchWriter,
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
    registry.register(Box::new(WriterCollector::new(writer)?))?;
    records.register(registry)
}

/// Adds the gauge of files that have changed and cannot be used.
pub(crate) fn unusable_files(registry: &Registry) -> prometheus::Result<IntGaugeVec> {
    let opts =
        Opts::new("gathering_changed_files_unusable", "1 if a changed file cannot be used, by its use.");
    let gauge = IntGaugeVec::new(opts, &["files"])?;
    registry.register(Box::new(gauge.clone()))?;
    Ok(gauge)
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

/// Looks at the batch writer when it is asked.
struct WriterCollector {
    writer: BatchWriter,
    waiting: IntGauge,
    batches: IntCounter,
    events: IntCounter,
    refused: IntCounter,
}

impl WriterCollector {
    fn new(writer: BatchWriter) -> prometheus::Result<Self> {
        Ok(Self {
            writer,
            waiting: IntGauge::new("gathering_writer_events_waiting", "Events that wait to be durable.")?,
            batches: IntCounter::new("gathering_writer_batches_total", "Batches of events written.")?,
            events: IntCounter::new("gathering_writer_events_total", "Events written in batches.")?,
            refused: IntCounter::new("gathering_writer_refused_total", "Events that the database refused.")?,
        })
    }
}

impl Collector for WriterCollector {
    fn desc(&self) -> Vec<&Desc> {
        let counters = [&self.batches, &self.events, &self.refused];
        self.waiting.desc().into_iter().chain(counters.into_iter().flat_map(Collector::desc)).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let state = self.writer.state();
        self.waiting.set(i64::try_from(state.waiting).unwrap_or(i64::MAX));
        let counters =
            [(&self.batches, state.batches), (&self.events, state.events), (&self.refused, state.refused)];
        for (counter, value) in counters {
            counter.inc_by(value.saturating_sub(counter.get()));
        }
        let counters = counters.into_iter().flat_map(|(counter, _)| counter.collect());
        self.waiting.collect().into_iter().chain(counters).collect()
    }
}
