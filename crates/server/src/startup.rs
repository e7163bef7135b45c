//! The parts of a service as it starts: what is checked before, what runs beside the listeners, and the API.

use std::fmt::Display;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use gathering_auth::Authenticator;
use gathering_domain::{Clock, ContentCache, LookupService};
use gathering_http::{Api, BoundAddress, HttpMetrics, Listener, Tls, serve_api};
use gathering_ingest::kafka::KafkaSettings;
use gathering_ingest::{AllowList, Intake};
use gathering_storage::{BatchWriter, Storage};
use prometheus::{IntGaugeVec, Registry};
use tokio::task::JoinHandle;

use crate::background::{keep_content, refresh};
use crate::cli::Role;
use crate::config::Config;
use crate::preparation::{Watches, allow_list, tls};
use crate::readiness::Needs;
use crate::watch::{self as files, Looks, Watch};
use crate::{ServerError, metrics};

pub(crate) const NOTHING_TO_INGEST: &str =
    "--role ingest needs ingest.kafka.enabled = true and ingest.kafka.brokers";

/// What was read and found to be in order before anything starts.
pub(crate) struct Checked {
    pub(crate) watches: Watches,
    pub(crate) authenticator: Option<Arc<Authenticator>>,
    pub(crate) api_tls: Option<Arc<Tls>>,
    pub(crate) admin_tls: Option<Arc<Tls>>,
    pub(crate) kafka: Option<KafkaSettings>,
    pub(crate) allow_list: Option<Arc<AllowList>>,
}

impl Checked {
    pub(crate) fn new(
        config: &Config,
        role: Role,
        clock: &Arc<dyn Clock>,
        key_tick: Duration,
    ) -> Result<Self, ServerError> {
        let watches = Watches::new(config);
        let authenticator = match role {
            Role::All | Role::Api => {
                let clock = Arc::clone(clock);
                Some(Arc::new(Authenticator::start(&config.auth_settings(), clock, key_tick)?))
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
        Ok(Self { watches, authenticator, api_tls, admin_tls, kafka, allow_list: allow_list(config)? })
    }
}

/// What runs beside the listeners, and what it is watched by.
pub(crate) struct Tasks<'a> {
    pub(crate) registry: &'a Registry,
    pub(crate) unusable: IntGaugeVec,
    pub(crate) looks: Looks,
    pub(crate) handles: Vec<JoinHandle<()>>,
}

impl Tasks<'_> {
    /// Has files read again when they change.
    pub(crate) fn keep_files<E: Display + Send + 'static>(
        &mut self,
        what: &'static str,
        watch: Watch,
        reload: impl Fn() -> Result<(), E> + Send + Sync + 'static,
    ) {
        let failing = self.unusable.with_label_values(&[what]);
        self.spawn(files::keep(what, watch, self.looks.clone(), failing, reload));
    }

    pub(crate) fn spawn(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        self.handles.push(tokio::spawn(task));
    }
}

/// What the rest of a service is made of once its database is open.
pub(crate) struct Parts {
    pub(crate) storage: Storage,
    pub(crate) intake: Intake<BatchWriter>,
    pub(crate) content: Arc<ContentCache>,
    pub(crate) content_refresh: Duration,
}

/// Starts the API with what it needs, and says what readiness has to look at.
pub(crate) async fn start_api(
    config: &Config,
    parts: &Parts,
    tasks: &mut Tasks<'_>,
    address: BoundAddress,
    tls: Option<Arc<Tls>>,
    authenticator: Arc<Authenticator>,
) -> Result<(Listener, Needs), ServerError> {
    let Parts { storage, intake, content, content_refresh } = parts;
    let loaded = Arc::new(AtomicBool::new(refresh(content, storage).await));
    let needs = Needs::Api { content: Arc::clone(&loaded), keys: Arc::clone(&authenticator) };
    authenticator.register_metrics(tasks.registry).map_err(metrics_error)?;
    metrics::content(tasks.registry, Arc::clone(content)).map_err(metrics_error)?;
    let api = Api {
        lookup: Arc::new(LookupService::new(storage.clone(), Arc::clone(content))),
        intake: Arc::new(intake.clone()),
        authenticator,
        metrics: HttpMetrics::register(tasks.registry).map_err(metrics_error)?,
    };
    tasks.spawn(keep_content(Arc::clone(content), storage.clone(), *content_refresh, loaded));
    Ok((serve_api(address, &config.http_settings(tls), api)?, needs))
}

pub(crate) fn metrics_error(error: prometheus::Error) -> ServerError {
    ServerError::system("the metrics cannot be set up")(error)
}
