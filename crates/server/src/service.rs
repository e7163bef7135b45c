//! The running service: storage, listeners and background tasks, started and stopped as one.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use gathering_auth::Authenticator;
use gathering_domain::{Clock, ContentCache, LookupService, SystemClock};
use gathering_http::{Api, HttpMetrics, Listener, serve_admin, serve_api};
use gathering_ingest::kafka::{KafkaConsumer, KafkaError, KafkaMetrics};
use gathering_ingest::{Intake, RecordCounters};
use gathering_storage::Storage;
use prometheus::Registry;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::background::{keep_content, keep_purging, refresh};
use crate::cli::Role;
use crate::config::Config;
use crate::preparation::{Watches, allow_list, prepare_schema, tls};
use crate::readiness::{Needs, readiness};
use crate::{ServerError, metrics, watch};

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
    stopping: Arc<AtomicBool>,
    tasks: Vec<JoinHandle<()>>,
    grace: Duration,
}

/// How much longer than the grace time the consumer may take to leave its group.
const LEAVE: Duration = Duration::from_secs(5);

impl Service {
    /// Checks keys and settings, migrates or checks the schema, opens the database, binds the addresses and starts the
    /// consumer, in this order: what is wrong with the configuration is found before any socket opens.
    pub async fn start(config: &Config, role: Role, environment: Environment) -> Result<Self, ServerError> {
        let Environment { clock, content_refresh, file_refresh, key_tick, records } = environment;
        let watches = Watches::new(config);
        let authenticator = match role {
            Role::All | Role::Api => {
                let settings = config.auth_settings();
                Some(Arc::new(Authenticator::start(&settings, Arc::clone(&clock), key_tick)?))
            }
            Role::Ingest => None,
        };
        let api_tls =
            authenticator.is_some().then(|| tls("http.tls", &config.http.tls)).transpose()?.flatten();
        let admin_tls = tls("admin.tls", &config.admin.tls)?;
        let kafka = match (role, config.kafka_settings()) {
            (Role::Api, _) | (Role::All, None) => None,
            (Role::Ingest, None) => return Err(ServerError::Usage(NOTHING_TO_INGEST)),
            (Role::All | Role::Ingest, Some(kafka)) => {
                kafka.check()?;
                Some(kafka)
            }
        };
        let allow_list = allow_list(config)?;
        for name in prepare_schema(config).await? {
            log::info!("applied the migration {name}");
        }
        let storage = Storage::open(&config.storage_settings(), Arc::clone(&clock))?;
        let writer = storage.batch_writer();
        let intake = Intake::new(writer.clone(), clock, allow_list.clone(), records.clone());

        let registry = Registry::new();
        let set_up = |error| ServerError::system("the metrics cannot be set up")(error);
        metrics::register(&registry, storage.clone(), writer, &records).map_err(set_up)?;
        let unusable = metrics::unusable_files(&registry).map_err(set_up)?;
        let failing = |files: &str| unusable.with_label_values(&[files]);
        let content = Arc::new(ContentCache::new(config.report_policy()));
        let stopping = Arc::new(AtomicBool::new(false));
        let mut tasks = vec![tokio::spawn(keep_purging(storage.clone(), config.storage.purge_interval))];
        if let Some(list) = allow_list {
            let reload = move || list.reload();
            let keep =
                watch::keep("allow list", watches.allow_list, file_refresh, failing("allow list"), reload);
            tasks.push(tokio::spawn(keep));
        }
        let listeners =
            [(&api_tls, watches.api_tls, "http.tls"), (&admin_tls, watches.admin_tls, "admin.tls")];
        for (tls, watch, name) in listeners {
            if let Some(tls) = tls.clone() {
                let keep = watch::keep(name, watch, file_refresh, failing(name), move || tls.reload());
                tasks.push(tokio::spawn(keep));
            }
        }

        let mut needs = None;
        let api = match authenticator {
            None => None,
            Some(authenticator) => {
                let loaded = Arc::new(AtomicBool::new(refresh(&content, &storage).await));
                needs = Some(Needs::Api { content: Arc::clone(&loaded), keys: Arc::clone(&authenticator) });
                authenticator.register_metrics(&registry).map_err(set_up)?;
                let own = Arc::clone(&authenticator);
                let keys =
                    watch::keep("keys", watches.keys, file_refresh, failing("keys"), move || own.reload());
                tasks.push(tokio::spawn(keys));
                let api = Api {
                    lookup: Arc::new(LookupService::new(storage.clone(), Arc::clone(&content))),
                    intake: Arc::new(intake.clone()),
                    authenticator,
                    metrics: HttpMetrics::register(&registry).map_err(set_up)?,
                };
                let keep = keep_content(content, storage.clone(), content_refresh, loaded);
                tasks.push(tokio::spawn(keep));
                Some(serve_api(&config.http_settings(api_tls), api)?)
            }
        };
        let consumer = match kafka {
            None => None,
            Some(kafka) => {
                let metrics = KafkaMetrics::register(&registry).map_err(set_up)?;
                Some(KafkaConsumer::start(&kafka, intake, metrics)?)
            }
        };
        let needs = needs.or_else(|| Some(Needs::Consumer(consumer.as_ref()?.health())));
        let needs = needs.ok_or(ServerError::Usage(NOTHING_TO_INGEST))?;
        let readiness = readiness(storage, Arc::clone(&stopping), needs);
        let admin = serve_admin(config.admin.bind, admin_tls.as_deref(), registry, readiness)?;
        Ok(Self { api, admin, consumer, stopping, tasks, grace: config.http.shutdown_grace })
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

    /// Works until `stop` is there, then takes no more calls and messages, finishes those in hand within the grace time,
    /// and ends. Meanwhile the admin address goes on, and says that the service is not ready. It ends as well when
    /// a listener or the consumer does: a service that cannot do its work must not look alive.
    pub async fn run_until(self, stop: impl Future<Output = ()>) -> Result<(), ServerError> {
        let Self { api, admin, consumer, stopping, tasks, grace } = self;
        let failed = |error: std::io::Error| ServerError::system("the listeners failed")(error);
        let stop_api = api.as_ref().map(Listener::stop_handle);
        let stop_admin = admin.stop_handle();
        let stop_consumer = consumer.as_ref().map(KafkaConsumer::stop_handle);
        let mut api = pin!(run_api(api));
        let mut admin = pin!(admin.run());
        let mut consumer = pin!(run_consumer(consumer));
        let by_itself = || failed(std::io::Error::other("a listener ended by itself"));
        tokio::select! {
            () = stop => {}
            ended = &mut api => return Err(ended.map_or_else(failed, |()| by_itself())),
            ended = &mut admin => return Err(ended.map_or_else(failed, |()| by_itself())),
            ended = &mut consumer => return Err(ended.err().unwrap_or(KafkaError::Ended).into()),
        }
        stopping.store(true, Ordering::Relaxed);
        log::info!("stopping; what is in hand has {grace:?}");
        let api = async {
            if let Some(stop) = stop_api {
                let (ended, ()) = tokio::join!(api, stop.stop());
                return ended;
            }
            Ok(())
        };
        let consumer = async {
            let Some(stop) = stop_consumer else { return Ok(()) };
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
        let (admin, (api, consumer)) = tokio::join!(admin, work);
        for task in &tasks {
            task.abort();
        }
        consumer?;
        api.and(admin).map_err(failed)
    }
}

const NOTHING_TO_INGEST: &str = "--role ingest needs ingest.kafka.enabled = true and ingest.kafka.brokers";

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
