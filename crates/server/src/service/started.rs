//! The third phase of a start: the API and the consumer, on what was checked and bound.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use gathering_domain::lookup::LookupService;
use gathering_domain::report::ContentCache;
use gathering_domain::wait::Waiters;
use gathering_http::{Api, BoundAddress, HttpMetrics, Listener, serve_api};
use gathering_ingest::kafka::{KafkaConsumer, KafkaMetrics, KafkaSettings};
use gathering_ingest::{AllowList, Intake};
use gathering_storage::{BatchWriter, Storage};
use gathering_support::trace::Tracer;
use prometheus::Registry;

use super::background::{end_waits, log_unseen, recheck_waits, refresh, refresh_content, tell_omitted};
use super::checked::{Checked, CheckedApi, NOTHING_TO_INGEST};
use super::environment::Environment;
use super::metrics;
use super::readiness::{ApiNeeds, Needs};
use super::tasks::Tasks;
use crate::ServerError;
use crate::config::Config;

/// What the API and the consumer are made of.
pub(super) struct Parts {
    pub(super) storage: Storage,
    pub(super) writer: BatchWriter,
    pub(super) intake: Intake<BatchWriter>,
    pub(super) content: Arc<ContentCache>,
    pub(super) content_refresh: Duration,
    pub(super) waiters: Arc<Waiters>,
    pub(super) tracer: Option<Tracer>,
}

impl Parts {
    pub(super) fn new(
        config: &Config,
        environment: &Environment,
        storage: Storage,
        allow_list: Option<Arc<AllowList>>,
        tracer: Option<Tracer>,
        registry: &Registry,
    ) -> Result<Self, ServerError> {
        let waiters = Arc::new(Waiters::new(config.max_waiters(), Arc::clone(&environment.clock)));
        let (writer, records) = (storage.batch_writer(&waiters), environment.records.clone());
        metrics::register(registry, storage.clone(), writer.clone(), &records).map_err(metrics::failed)?;
        metrics::register_waits(registry, Arc::clone(&waiters)).map_err(metrics::failed)?;
        let intake = Intake::new(writer.clone(), Arc::clone(&environment.clock), allow_list, records)
            .traced(tracer.clone());
        let content = Arc::new(ContentCache::new(config.report_policy()));
        Ok(Self {
            storage,
            writer,
            intake,
            content,
            content_refresh: environment.content_refresh,
            waiters,
            tracer,
        })
    }
}

/// What answers calls or takes messages, and what it needs to be ready.
pub(super) struct Started {
    pub(super) api: Option<Listener>,
    pub(super) consumer: Option<KafkaConsumer>,
    pub(super) needs: Needs,
}

impl Started {
    /// Starts the API if it has an address, and the consumer if it has settings.
    pub(super) async fn new(
        config: &Config,
        checked: Checked,
        api_address: Option<BoundAddress>,
        parts: &Parts,
        registry: &Registry,
        tasks: &mut Tasks,
    ) -> Result<Self, ServerError> {
        let Parts { storage, intake, content, content_refresh, waiters, .. } = parts;
        let (mut api, mut api_needs) = (None, None);
        if let Some((checked, address)) = checked.api.zip(api_address) {
            let looked = refresh(content, storage).await.inspect_err(log_unseen);
            let loaded = Arc::new(AtomicBool::new(looked.is_ok()));
            let (content, storage) = (Arc::clone(content), storage.clone());
            let keys = Arc::clone(&checked.authenticator);
            api_needs = Some(ApiNeeds { content: Arc::clone(&loaded), keys });
            api = Some(start_api(config, checked, address, parts, registry)?);
            tasks.spawn(tell_omitted(Arc::clone(&content)));
            let schedule = tasks.schedule(*content_refresh);
            tasks.spawn(refresh_content(content, storage.clone(), schedule, loaded));
            tasks.spawn(end_waits(Arc::clone(waiters)));
            tasks.spawn(recheck_waits(Arc::clone(waiters), storage, config.wait.recheck));
        }
        let consumer = checked.consumer.map(|kafka| start_consumer(&kafka, intake, registry)).transpose()?;
        if api.is_none() && consumer.is_none() {
            return Err(ServerError::Usage(NOTHING_TO_INGEST));
        }
        let needs = Needs { api: api_needs, consumer: consumer.as_ref().map(KafkaConsumer::health) };
        Ok(Self { api, consumer, needs })
    }
}

fn start_api(
    config: &Config,
    checked: CheckedApi,
    address: BoundAddress,
    parts: &Parts,
    registry: &Registry,
) -> Result<Listener, ServerError> {
    let Parts { storage, intake, content, .. } = parts;
    let CheckedApi { authenticator, tls, filter } = checked;
    authenticator.register_metrics(registry).map_err(metrics::failed)?;
    metrics::register_content(registry, Arc::clone(content)).map_err(metrics::failed)?;
    let mut lookup = LookupService::new(storage.clone(), Arc::clone(content));
    if let Some(filter) = filter {
        filter.register_metrics(registry).map_err(metrics::failed)?;
        lookup = lookup.filtered(filter);
    }
    let api = Api {
        lookup: Arc::new(lookup),
        intake: Arc::new(intake.clone()),
        authenticator,
        waiters: Arc::clone(&parts.waiters),
        metrics: HttpMetrics::register(registry).map_err(metrics::failed)?.traced(parts.tracer.clone()),
    };
    Ok(serve_api(address, &config.http_settings(tls), api)?)
}

fn start_consumer(
    kafka: &KafkaSettings,
    intake: &Intake<BatchWriter>,
    registry: &Registry,
) -> Result<KafkaConsumer, ServerError> {
    let metrics = KafkaMetrics::register(registry).map_err(metrics::failed)?;
    Ok(KafkaConsumer::start(kafka, intake.clone(), metrics)?)
}
