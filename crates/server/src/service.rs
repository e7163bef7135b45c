//! The running service: storage, listeners and background tasks, started and stopped as one.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::FusedFuture;
use gathering_domain::{Clock, ContentCache, SystemClock};
use gathering_http::{BoundAddress, Listener, serve_admin};
use gathering_ingest::kafka::{KafkaConsumer, KafkaError, KafkaMetrics};
use gathering_ingest::{Intake, RecordCounters};
use gathering_storage::Storage;
use prometheus::Registry;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::background::keep_purging;
use crate::cli::Role;
use crate::config::Config;
use crate::preparation::prepare_schema;
use crate::readiness::{Needs, readiness};
use crate::startup::{Checked, NOTHING_TO_INGEST, Parts, Tasks, metrics_error, start_api};
use crate::watch::Looks;
use crate::{ServerError, metrics};

/// How often a service looks for new rule content. It has to follow within a minute.
const CONTENT_REFRESH: Duration = Duration::from_secs(15);

/// How often it looks at files that may change. A change is taken at the second look that finds it.
const FILE_REFRESH: Duration = Duration::from_secs(5);

/// How often it looks whether keys that come from a URL are due.
const KEY_TICK: Duration = Duration::from_secs(1);

/// What a service takes from its surroundings, and tests replace.
#[derive(Clone)]
pub struct Environment {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// How often to look for new rule content.
    pub content_refresh: Duration,
    /// How often to look at files that may change: keys, secrets, certificates, the allow list.
    pub file_refresh: Duration,
    /// How often to look whether keys that come from a URL are due.
    pub key_tick: Duration,
    /// What was read by this process so far.
    pub records: RecordCounters,
}

impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Environment").field("content_refresh", &self.content_refresh).finish_non_exhaustive()
    }
}

impl Environment {
    /// The machine's clock and the usual intervals.
    pub fn system() -> Result<Self, ServerError> {
        let records = RecordCounters::new().map_err(ServerError::system("the metrics cannot be set up"))?;
        Ok(Self {
            clock: Arc::new(SystemClock),
            content_refresh: CONTENT_REFRESH,
            file_refresh: FILE_REFRESH,
            key_tick: KEY_TICK,
            records,
        })
    }
}

/// A service that is bound to its addresses. It works while [`run_until`](Self::run_until) is polled.
#[derive(Debug)]
pub struct Service {
    api: Option<Listener>,
    admin: Listener,
    consumer: Option<KafkaConsumer>,
    content: Arc<ContentCache>,
    stopping: Arc<AtomicBool>,
    tasks: Vec<JoinHandle<()>>,
    rereading: watch::Sender<()>,
    delay: Duration,
    grace: Duration,
}

/// Has a running service read its files again. Clones are for the same service.
#[derive(Debug, Clone)]
pub struct RereadHandle(watch::Sender<()>);

impl RereadHandle {
    /// Reads every file that may change while the service runs: keys, secrets, certificates, the allow list.
    pub fn reread(&self) {
        self.0.send_replace(());
    }
}

/// How much longer than the grace time the consumer may take to leave its group.
const LEAVE: Duration = Duration::from_secs(5);

impl Service {
    /// Checks keys and settings, migrates or checks the schema, opens the database, takes the addresses, and then starts
    /// the API and the consumer, in this order: what is wrong with the configuration is found before any socket opens, and
    /// nothing answers before all of it can.
    pub async fn start(config: &Config, role: Role, environment: Environment) -> Result<Self, ServerError> {
        let checked = Checked::new(config, role, &environment.clock, environment.key_tick)?;
        let Environment { clock, content_refresh, file_refresh, records, .. } = environment;
        for name in prepare_schema(config).await? {
            log::info!("applied the migration {name}");
        }
        let storage = Storage::open(&config.storage_settings(), Arc::clone(&clock))?;
        let is_api = checked.authenticator.is_some();
        let api_address = is_api.then(|| BoundAddress::bind("http.bind", config.http.bind)).transpose()?;
        let admin_address = BoundAddress::bind("admin.bind", config.admin.bind)?;

        let Checked { watches, authenticator, api_tls, admin_tls, kafka, allow_list } = checked;
        let writer = storage.batch_writer();
        let intake = Intake::new(writer.clone(), clock, allow_list.clone(), records.clone());
        let registry = Registry::new();
        metrics::register(&registry, storage.clone(), writer, &records).map_err(metrics_error)?;
        let (rereading, reread) = watch::channel(());
        let mut tasks = Tasks {
            registry: &registry,
            unusable: metrics::unusable_files(&registry).map_err(metrics_error)?,
            looks: Looks { every: file_refresh, now: reread },
            handles: Vec::new(),
        };
        tasks.spawn(keep_purging(storage.clone(), config.storage.purge_interval));
        if let Some(list) = allow_list {
            tasks.keep_files("allow list", watches.allow_list, move || list.reload());
        }
        if let Some(tls) = api_tls.clone() {
            tasks.keep_files("http.tls", watches.api_tls, move || tls.reload());
        }
        if let Some(tls) = admin_tls.clone() {
            tasks.keep_files("admin.tls", watches.admin_tls, move || tls.reload());
        }

        let content = Arc::new(ContentCache::new(config.report_policy()));
        let parts = Parts { storage, intake, content: Arc::clone(&content), content_refresh };
        let (mut api, mut needs) = (None, None);
        if let Some((authenticator, address)) = authenticator.zip(api_address) {
            let own = Arc::clone(&authenticator);
            tasks.keep_files("keys", watches.keys, move || own.reload());
            let started = start_api(config, &parts, &mut tasks, address, api_tls, authenticator).await?;
            api = Some(started.0);
            needs = Some(started.1);
        }
        let consumer = match kafka {
            None => None,
            Some(kafka) => {
                let metrics = KafkaMetrics::register(&registry).map_err(metrics_error)?;
                Some(KafkaConsumer::start(&kafka, parts.intake, metrics)?)
            }
        };
        let needs = needs.or_else(|| Some(Needs::Consumer(consumer.as_ref()?.health())));
        let needs = needs.ok_or(ServerError::Usage(NOTHING_TO_INGEST))?;
        let stopping = Arc::new(AtomicBool::new(false));
        let readiness = readiness(parts.storage, Arc::clone(&stopping), needs);
        let tasks = tasks.handles;
        let admin = serve_admin(admin_address, admin_tls, registry, readiness)?;
        let (delay, grace) = (config.http.shutdown_delay, config.http.shutdown_grace);
        Ok(Self { api, admin, consumer, content, stopping, tasks, rereading, delay, grace })
    }

    /// Where the API listens; nowhere in the role `ingest`.
    pub fn api_address(&self) -> Option<SocketAddr> {
        self.api.as_ref().map(Listener::address)
    }

    /// Where probes and metrics are.
    pub const fn admin_address(&self) -> SocketAddr {
        self.admin.address()
    }

    /// The API's scheme and address; nothing in the role `ingest`.
    pub fn api_url(&self) -> Option<String> {
        self.api.as_ref().map(Listener::url)
    }

    /// The scheme and address of probes and metrics.
    pub fn admin_url(&self) -> String {
        self.admin.url()
    }

    /// The rule content that reports are made with; none is ever loaded in the role `ingest`.
    pub const fn content(&self) -> &Arc<ContentCache> {
        &self.content
    }

    /// A handle to have its files read again.
    pub fn reread_handle(&self) -> RereadHandle {
        RereadHandle(self.rereading.clone())
    }

    /// Works until `stop` is there. Then the service says that it is not ready, goes on for `http.shutdown_delay`, takes no
    /// more calls and messages, finishes those in hand within the grace time, and ends. Meanwhile the admin address goes
    /// on. A listener or a consumer that fails stops the service in the same way, with an error: a service that cannot do
    /// its work must not look alive.
    pub async fn run_until(self, stop: impl Future<Output = ()>) -> Result<(), ServerError> {
        let Self { api, admin, consumer, stopping, tasks, rereading, delay, grace, .. } = self;
        let stop_api = api.as_ref().map(Listener::stop_handle);
        let stop_admin = admin.stop_handle();
        let stop_consumer = consumer.as_ref().map(KafkaConsumer::stop_handle);
        let mut api = pin!(run_api(api).fuse());
        let mut admin = pin!(admin.run().fuse());
        let mut consumer = pin!(run_consumer(consumer).fuse());
        let failure = tokio::select! {
            () = stop => None,
            ended = &mut api => Some(listener_failed(ended)),
            ended = &mut admin => Some(listener_failed(ended)),
            ended = &mut consumer => Some(ended.err().unwrap_or(KafkaError::Ended).into()),
        };
        stopping.store(true, Ordering::Relaxed);
        if let Some(failure) = &failure {
            log::error!("stopping: {failure}");
        }
        log::info!("stopping; calls are taken for {delay:?}, and what is in hand then has {grace:?}");
        let api = async {
            let Some(stop) = stop_api.filter(|_| !api.is_terminated()) else { return Ok(()) };
            stop.drain();
            // One that fails now ends at once.
            let ended = timeout(delay, &mut api).await;
            if let Ok(ended) = ended {
                return ended;
            }
            tokio::join!(api, stop.stop()).0
        };
        let consumer = async {
            let Some(stop) = stop_consumer.filter(|_| !consumer.is_terminated()) else { return Ok(()) };
            stop.stop(grace);
            timeout(grace + LEAVE, consumer).await.unwrap_or_else(|_| {
                log::warn!(
                    "the consumer did not leave its group in time; others wait for its session to end"
                );
                Ok(())
            })
        };
        let work = async {
            let (api, consumer) = tokio::join!(api, consumer);
            stop_admin.stop().await;
            (api, consumer)
        };
        let has_admin = !admin.is_terminated();
        let admin = async { if has_admin { admin.await } else { Ok(()) } };
        let (admin, (api, consumer)) = tokio::join!(admin, work);
        drop(rereading);
        for task in &tasks {
            task.abort();
        }
        if let Some(failure) = failure {
            return Err(failure);
        }
        consumer?;
        api.and(admin).map_err(ServerError::system("the listeners failed"))
    }
}

fn listener_failed(ended: std::io::Result<()>) -> ServerError {
    let error = ended.err().unwrap_or_else(|| std::io::Error::other("a listener ended by itself"));
    ServerError::system("the listeners failed")(error)
}

/// Runs the listener if there is one; otherwise never ends.
async fn run_api(api: Option<Listener>) -> std::io::Result<()> {
    match api {
        Some(api) => api.run().await,
        None => std::future::pending().await,
    }
}

async fn run_consumer(consumer: Option<KafkaConsumer>) -> Result<(), KafkaError> {
    match consumer {
        Some(mut consumer) => consumer.ended().await,
        None => std::future::pending().await,
    }
}
