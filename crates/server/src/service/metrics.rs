//! What is measured beside HTTP: the build, the process, the pools, rule content, waits, and records by outcome.

mod purge;
mod standby;
mod waits;

use std::sync::Arc;

use gathering_domain::report::ContentCache;
use gathering_http::BuildInfo;
use gathering_ingest::RecordCounters;
use gathering_storage::{BatchWriter, Storage};
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{IntCounter, IntGauge, IntGaugeVec, Opts, Registry};

pub(super) use self::purge::PurgeMetrics;
use self::standby::StandbyCollector;
pub(super) use self::waits::register_waits;
use crate::ServerError;
use crate::build_info::build_info;

/// Adds everything that this crate measures to a registry.
pub(super) fn register(
    registry: &Registry,
    storage: Storage,
    writer: BatchWriter,
    records: &RecordCounters,
) -> prometheus::Result<()> {
    let BuildInfo { version, commit, .. } = build_info();
    let build = IntGauge::with_opts(
        Opts::new("gathering_build_info", "Always 1; the labels say what runs.")
            .const_label("version", version)
            .const_label("commit", commit.unwrap_or("unknown")),
    )?;
    build.set(1);
    registry.register(Box::new(build))?;
    #[cfg(feature = "process-metrics")]
    registry.register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))?;
    if storage.standby().is_some() {
        registry.register(Box::new(StandbyCollector::new(storage.clone())?))?;
    }
    registry.register(Box::new(PoolCollector::new(storage)?))?;
    registry.register(Box::new(WriterCollector::new(writer)?))?;
    records.register(registry)
}

pub(super) fn failed(error: prometheus::Error) -> ServerError {
    ServerError::system("the metrics cannot be set up")(error)
}

/// Adds the gauge of files that have changed and cannot be used.
pub(super) fn unusable_files(registry: &Registry) -> prometheus::Result<IntGaugeVec> {
    let opts =
        Opts::new("gathering_changed_files_unusable", "1 if a changed file cannot be used, by its use.");
    let gauge = IntGaugeVec::new(opts, &["files"])?;
    registry.register(Box::new(gauge.clone()))?;
    Ok(gauge)
}

/// Adds what is known of rule content, and what reports leave out without it.
pub(super) fn register_content(registry: &Registry, content: Arc<ContentCache>) -> prometheus::Result<()> {
    let keys = IntGauge::new("gathering_content_keys", "Error keys that have rule content.")?;
    let omitted = IntCounter::new(
        "gathering_report_hits_omitted_total",
        "Rule hits that reports left out because they have no rule content, or too long a name.",
    )?;
    registry.register(Box::new(ContentCollector { content, keys, omitted }))
}

/// Looks at the rule content when it is asked.
struct ContentCollector {
    content: Arc<ContentCache>,
    keys: IntGauge,
    omitted: IntCounter,
}

impl Collector for ContentCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.keys.desc().into_iter().chain(self.omitted.desc()).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let keys = self.content.keys().unwrap_or_default();
        self.keys.set(i64::try_from(keys).unwrap_or(i64::MAX));
        self.omitted.inc_by(self.content.omitted().saturating_sub(self.omitted.get()));
        self.keys.collect().into_iter().chain(self.omitted.collect()).collect()
    }
}

/// Looks at the pools when it is asked.
struct PoolCollector {
    storage: Storage,
    connections: IntGaugeVec,
    most: IntGaugeVec,
}

impl PoolCollector {
    fn new(storage: Storage) -> prometheus::Result<Self> {
        let connections = IntGaugeVec::new(
            Opts::new("gathering_storage_pool_connections", "Connections to the database, by pool and use."),
            &["pool", "state"],
        )?;
        let opts = Opts::new("gathering_storage_pool_limit", "The most connections of a pool.");
        Ok(Self { storage, connections, most: IntGaugeVec::new(opts, &["pool"])? })
    }
}

impl Collector for PoolCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.connections.desc().into_iter().chain(self.most.desc()).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        for pool in self.storage.pools() {
            let busy = pool.connections.saturating_sub(pool.idle);
            self.connections.with_label_values(&[pool.name, "idle"]).set(pool.idle.into());
            self.connections.with_label_values(&[pool.name, "busy"]).set(busy.into());
            self.most.with_label_values(&[pool.name]).set(pool.most.into());
        }
        self.connections.collect().into_iter().chain(self.most.collect()).collect()
    }
}

/// Looks at the batch writer when it is asked.
struct WriterCollector {
    writer: BatchWriter,
    waiting: IntGauge,
    batches: IntCounter,
    events: IntCounter,
    refused: IntCounter,
    failing: IntGauge,
}

impl WriterCollector {
    fn new(writer: BatchWriter) -> prometheus::Result<Self> {
        Ok(Self {
            writer,
            waiting: IntGauge::new("gathering_writer_events_waiting", "Events that wait to be durable.")?,
            batches: IntCounter::new("gathering_writer_batches_total", "Batches of events written.")?,
            events: IntCounter::new("gathering_writer_events_total", "Events written in batches.")?,
            refused: IntCounter::new("gathering_writer_refused_total", "Events that the database refused.")?,
            failing: IntGauge::new(
                "gathering_writer_events_failing",
                "Events that could not be recorded while others were, and are expected to be sent again.",
            )?,
        })
    }
}

impl Collector for WriterCollector {
    fn desc(&self) -> Vec<&Desc> {
        let counters = [&self.batches, &self.events, &self.refused];
        let gauges = [&self.waiting, &self.failing].into_iter().flat_map(Collector::desc);
        gauges.chain(counters.into_iter().flat_map(Collector::desc)).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let state = self.writer.stats();
        self.waiting.set(i64::try_from(state.waiting).unwrap_or(i64::MAX));
        self.failing.set(i64::try_from(state.failing).unwrap_or(i64::MAX));
        let counters =
            [(&self.batches, state.batches), (&self.events, state.events), (&self.refused, state.refused)];
        for (counter, value) in counters {
            counter.inc_by(value.saturating_sub(counter.get()));
        }
        let counters = counters.into_iter().flat_map(|(counter, _)| counter.collect());
        let gauges = [&self.waiting, &self.failing].into_iter().flat_map(Collector::collect);
        gauges.chain(counters).collect()
    }
}
