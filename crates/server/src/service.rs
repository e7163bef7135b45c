//! The running service: storage, listeners and background tasks, started and stopped as one.

mod background;
mod bound;
mod checked;
mod environment;
mod metrics;
mod readiness;
mod started;
mod stop;
mod tasks;
mod watch;

use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use gathering_domain::report::ContentCache;
use gathering_domain::wait::Waiters;
use gathering_http::{Listener, serve_admin};
use gathering_ingest::kafka::{KafkaConsumer, KafkaError};
use gathering_support::trace::Tracer;
use gathering_telemetry::Exporter;
use prometheus::Registry;
use tokio::sync::watch as channel;

use self::bound::Bound;
use self::checked::Checked;
pub use self::environment::Environment;
use self::metrics::PurgeMetrics;
use self::readiness::Health;
use self::started::{Parts, Started};
use self::stop::{run_api, run_consumer, stop_api, stop_consumer, until_ended};
use self::tasks::Tasks;
use self::watch::Schedule;
use crate::ServerError;
use crate::cli::Role;
use crate::config::Config;

/// A service that is bound to its addresses. It works while [`run_until`](Self::run_until) is polled.
#[derive(Debug)]
pub struct Service {
    api: Option<Listener>,
    admin: Listener,
    consumer: Option<KafkaConsumer>,
    content: Arc<ContentCache>,
    waiters: Arc<Waiters>,
    stopping: Arc<AtomicBool>,
    tasks: Tasks,
    telemetry: Option<Exporter>,
    reread: channel::Sender<()>,
    shutdown_delay: Duration,
    shutdown_grace: Duration,
}

/// Has a running service read its files again. Clones are for the same service.
#[derive(Debug, Clone)]
pub struct RereadHandle(channel::Sender<()>);

impl RereadHandle {
    /// Reads every file that may change while the service runs: keys, secrets, certificates, the allow list. Looks for new rule
    /// content too.
    pub fn reread(&self) {
        self.0.send_replace(());
    }
}

impl Service {
    /// Starts in three phases: check what the configuration names, open the database and take the addresses, start the API
    /// and the consumer. What is wrong with the configuration is found before any socket opens, and nothing answers before
    /// all of it can.
    pub async fn start(config: &Config, role: Role, environment: Environment) -> Result<Self, ServerError> {
        let mut checked = Checked::new(config, role, &environment)?;
        let Bound { storage, api, admin } =
            Bound::new(config, &environment.clock, checked.api.is_some()).await?;

        let registry = Registry::new();
        let (reread, now) = channel::channel(());
        let mut tasks = Tasks::new(&registry, Schedule { every: environment.file_refresh, now })?;
        checked.watch_files(&mut tasks);
        let (clock, every) = (Arc::clone(&environment.clock), config.storage.purge_interval);
        let purges = PurgeMetrics::register(&registry, clock.now()).map_err(metrics::failed)?;
        tasks.spawn(background::purge(storage.clone(), every, clock, purges));
        tasks.spawn(background::notice_erasures(storage.clone()));
        let (admin_tls, allow_list) = (checked.admin_tls.take(), checked.allow_list.take());
        let telemetry = config.telemetry_settings().map(|settings| Exporter::start(&settings, &registry));
        let telemetry = telemetry.transpose()?;
        let tracer = telemetry.as_ref().map(|exporter| Tracer::new(config.telemetry.sample, exporter.sink()));
        let parts =
            Parts::new(config, &environment, storage.traced(tracer.clone()), allow_list, tracer, &registry)?;
        let Started { api, consumer, needs } =
            Started::new(config, checked, api, &parts, &registry, &mut tasks).await?;
        let stopping = Arc::new(AtomicBool::new(false));
        let health = Health::new(&parts.storage, parts.writer, needs, Arc::clone(&stopping), &registry)
            .map_err(metrics::failed)?;
        tasks.spawn(Arc::clone(&health).watch(environment.health_look));
        Ok(Self {
            api,
            admin: serve_admin(admin, admin_tls, registry, health.readiness())?,
            consumer,
            content: parts.content,
            waiters: parts.waiters,
            stopping,
            tasks,
            telemetry,
            reread,
            shutdown_delay: config.http.shutdown_delay,
            shutdown_grace: config.http.shutdown_grace,
        })
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
        RereadHandle(self.reread.clone())
    }

    /// Works until `stop` is there. Then the service says that it is not ready, goes on for `http.shutdown_delay`, takes no
    /// more calls and messages, finishes those in hand within the grace time, and ends. Meanwhile the admin address goes
    /// on. A listener or a consumer that fails stops the service in the same way, with an error: a service that cannot do
    /// its work must not look alive.
    pub async fn run_until(self, stop: impl Future<Output = ()>) -> Result<(), ServerError> {
        let Self {
            api,
            admin,
            consumer,
            waiters,
            stopping,
            tasks,
            telemetry,
            reread,
            shutdown_delay,
            shutdown_grace,
            ..
        } = self;
        let api_handle = api.as_ref().map(Listener::stop_handle);
        let admin_handle = admin.stop_handle();
        let consumer_handle = consumer.as_ref().map(KafkaConsumer::stop_handle);
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
        waiters.close();
        if let Some(failure) = &failure {
            log::error!("stopping: {failure}");
        }
        log::info!(
            "stopping; calls are taken for {shutdown_delay:?}, and what is in hand then has {shutdown_grace:?}"
        );
        let work = async {
            let ended = tokio::join!(
                stop_api(api, api_handle, shutdown_delay),
                stop_consumer(consumer, consumer_handle, shutdown_grace),
            );
            admin_handle.stop().await;
            ended
        };
        let (admin, (api, consumer)) = tokio::join!(until_ended(admin), work);
        drop(reread);
        tasks.abort();
        if let Some(telemetry) = telemetry {
            // Blocks for two seconds at most.
            let _ = tokio::task::spawn_blocking(move || telemetry.stop()).await;
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
