//! The running service: storage, listeners and background tasks, started and stopped as one.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use gathering_auth::Authenticator;
use gathering_domain::{Clock, ContentCache, LookupService, SystemClock};
use gathering_http::{Api, HttpMetrics, Listener, Readiness, serve_admin, serve_api};
use gathering_ingest::{AllowList, Intake, RecordCounters};
use gathering_storage::{Migrator, Storage};
use prometheus::Registry;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::sleep;

use crate::background::{keep_allow_list, keep_content, keep_purging, refresh};
use crate::config::Config;
use crate::{ServerError, metrics};

/// How often a service looks for new rule content. It has to follow within a minute.
const CONTENT_REFRESH: Duration = Duration::from_secs(15);

/// How often it looks at the allow list.
const ALLOW_LIST_REFRESH: Duration = Duration::from_secs(5);

/// What a service takes from its surroundings, and tests replace.
#[derive(Clone)]
pub struct Environment {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// How often to look for new rule content.
    pub content_refresh: Duration,
    /// How often to look at the allow list.
    pub allow_list_refresh: Duration,
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
            allow_list_refresh: ALLOW_LIST_REFRESH,
            records,
        })
    }
}

/// A service that is bound to its addresses. It answers while [`run_until`](Self::run_until) is polled.
#[derive(Debug)]
pub struct Service {
    api: Listener,
    admin: Listener,
    stopping: Arc<AtomicBool>,
    tasks: Vec<JoinHandle<()>>,
    grace: Duration,
}

impl Service {
    /// Checks keys, migrates or checks the schema, opens the database and binds both addresses, in this order: what
    /// is wrong with the configuration is found before any socket opens.
    pub async fn start(config: &Config, environment: Environment) -> Result<Self, ServerError> {
        let Environment { clock, content_refresh, allow_list_refresh, records } = environment;
        let authenticator = Authenticator::from_settings(&config.auth_settings(), Arc::clone(&clock))?;
        let allow_list = allow_list(config)?;
        for name in prepare_schema(config).await? {
            log::info!("applied the migration {name}");
        }
        let storage = Storage::open(&config.storage_settings(), Arc::clone(&clock))?;
        let writer = storage.batch_writer();
        let intake = Intake::new(writer.clone(), clock, allow_list.clone(), records.clone());

        let registry = Registry::new();
        let set_up = ServerError::system("the metrics cannot be set up");
        let http_metrics = HttpMetrics::register(&registry).and_then(|http_metrics| {
            metrics::register(&registry, storage.clone(), writer, &records).map(|()| http_metrics)
        });
        let content = Arc::new(ContentCache::new(config.report_policy()));
        let api = Api {
            lookup: Arc::new(LookupService::new(storage.clone(), Arc::clone(&content))),
            intake: Arc::new(intake),
            authenticator: Arc::new(authenticator),
            metrics: http_metrics.map_err(set_up)?,
        };
        let stopping = Arc::new(AtomicBool::new(false));
        let loaded = Arc::new(AtomicBool::new(refresh(&content, &storage).await));
        let readiness = readiness(storage.clone(), Arc::clone(&stopping), Arc::clone(&loaded));
        let api = serve_api(&config.http_settings(), api)?;
        let admin = serve_admin(config.admin.bind, registry, readiness)?;
        let mut tasks = vec![
            tokio::spawn(keep_content(content, storage.clone(), content_refresh, loaded)),
            tokio::spawn(keep_purging(storage, config.storage.purge_interval)),
        ];
        if let Some(list) = allow_list {
            tasks.push(tokio::spawn(keep_allow_list(list, allow_list_refresh)));
        }
        Ok(Self { api, admin, stopping, tasks, grace: config.http.shutdown_grace })
    }

    /// Where the API listens.
    pub const fn api_address(&self) -> SocketAddr {
        self.api.address()
    }

    /// Where probes and metrics are.
    pub const fn admin_address(&self) -> SocketAddr {
        self.admin.address()
    }

    /// Answers until `stop` is there, then takes no more calls, finishes those in flight within the grace time, and
    /// ends. Meanwhile the admin address goes on, and says that the service is not ready. It ends as well when one of
    /// the listeners does: a service that cannot answer must not look alive.
    pub async fn run_until(self, stop: impl Future<Output = ()>) -> std::io::Result<()> {
        let Self { api, admin, stopping, tasks, grace } = self;
        let (stop_api, stop_admin) = (api.stop_handle(), admin.stop_handle());
        let (mut api, mut admin) = (pin!(api.run()), pin!(admin.run()));
        let ended = tokio::select! {
            () = stop => None,
            ended = &mut api => Some(ended),
            ended = &mut admin => Some(ended),
        };
        stopping.store(true, Ordering::Relaxed);
        if let Some(ended) = ended {
            return ended.and_then(|()| Err(std::io::Error::other("a listener ended by itself")));
        }
        log::info!("stopping; calls in flight have {grace:?}");
        let stopper = async {
            stop_api.stop().await;
            stop_admin.stop().await;
        };
        let (api, admin, ()) = tokio::join!(api, admin, stopper);
        for task in &tasks {
            task.abort();
        }
        api.and(admin)
    }
}

/// The allow list, if there is to be one.
pub(crate) fn allow_list(config: &Config) -> Result<Option<Arc<AllowList>>, ServerError> {
    let Some(path) = &config.ingest.allowlist_file else { return Ok(None) };
    Ok(Some(Arc::new(AllowList::open(path)?)))
}

/// Brings the schema up to date and returns what was applied, or makes sure that nothing is to be.
pub(crate) async fn prepare_schema(config: &Config) -> Result<Vec<String>, ServerError> {
    let (settings, migrates) = (config.storage_settings(), config.storage.migrate_on_start);
    let work = move || {
        if migrates {
            return Ok(Migrator::connect(&settings)?.migrate()?);
        }
        let names = Migrator::pending(&settings)?;
        if names.is_empty() {
            Ok(names)
        } else {
            Err(ServerError::SchemaBehind { url: settings.url.to_string(), names })
        }
    };
    let mut task = spawn_blocking(work);
    let done = tokio::select! {
        done = &mut task => done,
        () = sleep(config.storage.pool_timeout) => {
            log::warn!("waiting for the database; another process may be changing its schema");
            task.await
        }
    };
    done.map_err(ServerError::system("the schema cannot be prepared"))?
}

fn readiness(storage: Storage, stopping: Arc<AtomicBool>, loaded: Arc<AtomicBool>) -> Readiness {
    Arc::new(move || {
        let (storage, stopping, loaded) = (storage.clone(), Arc::clone(&stopping), Arc::clone(&loaded));
        Box::pin(async move {
            if stopping.load(Ordering::Relaxed) {
                return Err("the service is stopping".to_owned());
            }
            storage.ping().await.map_err(|error| error.to_string())?;
            if loaded.load(Ordering::Relaxed) {
                Ok(())
            } else {
                Err("the rule content is not loaded yet".to_owned())
            }
        })
    })
}
