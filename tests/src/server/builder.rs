//! How a test's server is set up.

use std::net::SocketAddr;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use gathering_domain::content::RuleContentSet;
use gathering_domain::report::ContentCache;
use gathering_domain::store::ContentStore;
use gathering_domain::time::{Clock, ManualClock, Timestamp};
use gathering_ingest::RecordCounters;
use gathering_server::config::{Config, Sources};
use gathering_server::{Environment, RereadHandle, Role, Service};
use gathering_storage::Storage;
use tokio::sync::oneshot;

use super::{TestServer, content};
use crate::apart::block_on;
use crate::database::TestDatabase;
use crate::secret::Secret;

/// 2026-03-01T13:00:00Z: where the clock of every server stands at first.
const START: Timestamp = Timestamp::from_micros(1_772_370_000_000_000);

/// Soon enough that a test can wait for it, and seldom enough that the log stays readable.
const REFRESH: Duration = Duration::from_millis(20);

/// How often a server looks at itself.
const HEALTH_LOOK: Duration = Duration::from_millis(200);

/// Longer than any test.
const NEVER: Duration = Duration::from_secs(24 * 60 * 60);

/// How long the test itself waits for its database.
const PATIENCE: Duration = Duration::from_secs(60);

impl TestServer {
    /// A server on this database with the default configuration, its clock at 2026-03-01T13:00:00Z.
    ///
    /// # Panics
    /// If it does not start.
    pub fn start(database: TestDatabase) -> Self {
        Self::builder(database).start()
    }

    /// A server on this database, to be configured.
    pub const fn builder(database: TestDatabase) -> TestServerBuilder {
        TestServerBuilder::new(database)
    }
}

/// What a server is started with.
#[derive(Debug)]
pub struct TestServerBuilder {
    database: TestDatabase,
    assignments: Vec<String>,
    content: Option<RuleContentSet>,
    content_refresh: Duration,
    health_look: Duration,
    has_secret: bool,
}

impl TestServerBuilder {
    const fn new(database: TestDatabase) -> Self {
        Self {
            database,
            assignments: Vec::new(),
            content: None,
            content_refresh: REFRESH,
            health_look: HEALTH_LOOK,
            has_secret: true,
        }
    }

    /// Sets a key of the configuration, as `--set` does.
    #[must_use]
    pub fn set(mut self, assignment: &str) -> Self {
        self.assignments.push(assignment.to_owned());
        self
    }

    /// The rule content that the server starts with, each finding as hit, generic text and total risk.
    ///
    /// # Panics
    /// If a hit is none.
    #[must_use]
    pub fn content(mut self, content: &[(&str, &str, i32)]) -> Self {
        self.content = Some(content::set(content));
        self
    }

    /// Keeps the server from looking for new rule content, and at itself, after its start, so that it uses the database for calls only.
    /// [`reread`](TestServer::reread) has it look for content once.
    #[must_use]
    pub const fn without_content_refresh(mut self) -> Self {
        (self.content_refresh, self.health_look) = (NEVER, NEVER);
        self
    }

    /// Leaves the HMAC secret out: for servers whose tokens are signed otherwise.
    #[must_use]
    pub const fn without_secret(mut self) -> Self {
        self.has_secret = false;
        self
    }

    /// Starts the server.
    ///
    /// # Panics
    /// If it does not start.
    pub fn start(self) -> TestServer {
        let secret = Secret::new();
        let mut assignments = vec![
            "http.bind=127.0.0.1:0".to_owned(),
            "http.workers=2".to_owned(),
            "http.shutdown_delay=0s".to_owned(),
            "http.shutdown_grace=2s".to_owned(),
            "admin.bind=127.0.0.1:0".to_owned(),
            "storage.pool_size=4".to_owned(),
            format!("storage.url={}", self.database.url()),
        ];
        if self.has_secret {
            assignments.push(format!("auth.keys.hmac_secret_file={}", secret.path().display()));
        }
        assignments.extend(self.assignments);
        let config = Config::load(&Sources { assignments, ..Sources::default() })
            .unwrap_or_else(|error| panic!("the test's configuration: {error}"));
        self.database.migrate();

        let clock = Arc::new(ManualClock::at(START));
        let environment = Environment {
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            content_refresh: self.content_refresh,
            file_refresh: REFRESH,
            key_tick: REFRESH,
            health_look: self.health_look,
            records: RecordCounters::new().expect("counters"),
        };
        // What limits the server under test must not limit the test.
        let settings = gathering_storage::Settings {
            pool_timeout: PATIENCE,
            query_timeout: PATIENCE,
            ..config.storage_settings()
        };
        let open =
            || Storage::open(&settings, Arc::clone(&clock) as Arc<dyn Clock>).expect("the test's database");
        if let Some(content) = self.content {
            block_on(|| async { open().replace_content(content).await })
                .expect("the test's database takes the content");
        }
        let (stop, stopped) = oneshot::channel();
        let (started, parts) = mpsc::channel();
        let thread = std::thread::spawn(move || run(&config, environment, &started, stopped));
        let (api, admin, content, reread) = parts
            .recv()
            .expect("the server's thread lives")
            .unwrap_or_else(|error| panic!("the server does not start: {error}"));
        TestServer {
            storage: open(),
            api,
            admin,
            clock,
            content,
            reread,
            database: self.database,
            secret,
            stop: Some(stop),
            thread: Some(thread),
        }
    }
}

/// What a server that has started tells: where its API and its probes are, which content it has, and how it reads files again.
type Started = (SocketAddr, SocketAddr, Arc<ContentCache>, RereadHandle);

/// Runs the service on this thread until it is told to stop.
fn run(
    config: &Config,
    environment: Environment,
    started: &mpsc::Sender<Result<Started, String>>,
    stopped: oneshot::Receiver<()>,
) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let service = match Service::start(config, Role::All, environment).await {
            Ok(service) => service,
            Err(error) => {
                let _ = started.send(Err(error.to_string()));
                return;
            }
        };
        let api = service.api_address().expect("a service with an API");
        let content = Arc::clone(service.content());
        let _ = started.send(Ok((api, service.admin_address(), content, service.reread_handle())));
        let _ = service.run_until(async move { drop(stopped.await) }).await;
    });
    runtime.shutdown_background();
}
