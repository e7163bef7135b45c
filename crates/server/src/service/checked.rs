//! The first phase of a start: everything that the configuration names is read and checked. No socket opens before.

use std::sync::Arc;

use gathering_aggregator::AggregatorFilter;
use gathering_auth::Authenticator;
use gathering_http::{Tls, TlsSettings};
use gathering_ingest::AllowList;
use gathering_ingest::kafka::KafkaSettings;

use tokio::runtime::Handle;

use super::environment::Environment;
use super::tasks::Tasks;
use super::watch::Watch;
use crate::ServerError;
use crate::cli::Role;
use crate::config::{self, Config};
use crate::preparation::{allow_list, tls};

pub(super) const NOTHING_TO_INGEST: &str =
    "--role ingest needs ingest.kafka.enabled = true and ingest.kafka.brokers";

/// What was read and found to be in order.
pub(super) struct Checked {
    pub(super) api: Option<CheckedApi>,
    pub(super) consumer: Option<KafkaSettings>,
    pub(super) admin_tls: Option<Arc<Tls>>,
    pub(super) allow_list: Option<Arc<AllowList>>,
    watches: Watches,
}

pub(super) struct CheckedApi {
    pub(super) authenticator: Arc<Authenticator>,
    pub(super) tls: Option<Arc<Tls>>,
    /// None if reports show every hit.
    pub(super) filter: Option<AggregatorFilter>,
}

impl Checked {
    pub(super) fn new(config: &Config, role: Role, environment: &Environment) -> Result<Self, ServerError> {
        let watches = Watches::new(config);
        let api = match role {
            Role::All | Role::Api => Some(CheckedApi::new(config, environment)?),
            Role::Ingest => None,
        };
        let admin_tls = tls("admin.tls", config.admin.tls.settings())?;
        if let Some(telemetry) = config.telemetry_settings() {
            telemetry.check()?;
        }
        let consumer = match (role, config.kafka_settings()) {
            (Role::Api, _) | (Role::All, None) => None,
            (Role::Ingest, None) => return Err(ServerError::Usage(NOTHING_TO_INGEST)),
            (Role::All | Role::Ingest, Some(kafka)) => {
                kafka.check()?;
                Some(kafka)
            }
        };
        Ok(Self { api, consumer, admin_tls, allow_list: allow_list(config)?, watches })
    }

    /// Has the files read again when they change.
    pub(super) fn watch_files(&mut self, tasks: &mut Tasks) {
        let Watches { keys, api_tls, admin_tls, allow_list } = std::mem::take(&mut self.watches);
        if let Some(list) = self.allow_list.clone() {
            tasks.reload_when_changed("allow list", allow_list, move || list.reload());
        }
        if let Some(tls) = self.admin_tls.clone() {
            tasks.reload_when_changed("admin.tls", admin_tls, move || tls.reload());
        }
        let Some(api) = &self.api else { return };
        if let Some(tls) = api.tls.clone() {
            tasks.reload_when_changed("http.tls", api_tls, move || tls.reload());
        }
        let authenticator = Arc::clone(&api.authenticator);
        tasks.reload_when_changed("keys", keys, move || authenticator.reload());
    }
}

impl CheckedApi {
    /// Within a runtime, which outlives the API.
    fn new(config: &Config, environment: &Environment) -> Result<Self, ServerError> {
        let open = config.settings_for_strangers();
        if !open.is_empty() {
            log::warn!(
                "scopes are mapped, and every token of that provider reads that lacks their claim: set {} to \"nothing\", \
                 unless each that gets past issuer and audience may read",
                open.join(" and ")
            );
        }
        let clock = &environment.clock;
        let authenticator =
            Authenticator::start(&config.auth_settings(), Arc::clone(clock), environment.key_tick)?;
        let filter = config.filter_settings();
        let filter =
            filter.map(|settings| AggregatorFilter::new(settings, Arc::clone(clock), Handle::current()));
        Ok(Self {
            authenticator: Arc::new(authenticator),
            tls: tls("http.tls", config.api_tls())?,
            filter: filter.transpose()?,
        })
    }
}

/// The files that may change while a service runs. They are watched from before they are read: a change in between counts.
#[derive(Default)]
struct Watches {
    keys: Watch,
    api_tls: Watch,
    admin_tls: Watch,
    allow_list: Watch,
}

impl Watches {
    fn new(config: &Config) -> Self {
        let files =
            |tls: &config::Tls| Watch::new(tls.settings().iter().flat_map(TlsSettings::files).cloned());
        Self {
            keys: Watch::new(config.auth_settings().files()),
            api_tls: files(&config.http.tls),
            admin_tls: files(&config.admin.tls),
            allow_list: Watch::new(config.ingest.allowlist_file.clone()),
        }
    }
}
