//! A real server in the test's own process: all of the service, on free ports, with a database of its own.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use gathering_auth::{Scope, SigningKey, TokenRequest};
use gathering_domain::{
    Clock, ContentStore, EventKind, EventSink, ManualClock, MessageRecord, RequestEvent, RequestKey,
    RuleContent, Timestamp,
};
use gathering_ingest::{Importer, Intake, RecordCounters};
use gathering_server::config::{Config, Sources};
use gathering_server::{Environment, Role, Service};
use gathering_storage::Storage;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use crate::secret::Secret;
use crate::{Call, Message, TestDatabase};

/// 2026-03-01T13:00:00Z: where the clock of every server stands at first.
const START: Timestamp = Timestamp::from_micros(1_772_370_000_000_000);

/// Soon enough that a test can wait for it, and seldom enough that the log stays readable.
const REFRESH: Duration = Duration::from_millis(20);

/// A running server. It stops when this value is dropped.
#[derive(Debug)]
pub struct TestServer {
    api: SocketAddr,
    admin: SocketAddr,
    clock: Arc<ManualClock>,
    storage: Storage,
    runtime: Runtime,
    database: TestDatabase,
    secret: Secret,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What a server is started with.
#[derive(Debug)]
pub struct TestServerBuilder {
    database: TestDatabase,
    assignments: Vec<String>,
    content_refresh: Duration,
    has_secret: bool,
}

impl TestServerBuilder {
    /// Sets a key of the configuration, as `--set` does.
    #[must_use]
    pub fn set(mut self, assignment: &str) -> Self {
        self.assignments.push(assignment.to_owned());
        self
    }

    /// Keeps the server from looking for new rule content after its start, so that it uses the database for calls only.
    #[must_use]
    pub const fn without_content_refresh(mut self) -> Self {
        self.content_refresh = Duration::from_secs(24 * 60 * 60);
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
            records: RecordCounters::new().expect("counters"),
        };
        let (stop, stopped) = oneshot::channel();
        let (started, addresses) = mpsc::channel();
        let settings = config.storage_settings();
        let thread = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let service = match Service::start(&config, Role::All, environment).await {
                    Ok(service) => service,
                    Err(error) => {
                        let _ = started.send(Err(error.to_string()));
                        return;
                    }
                };
                let api = service.api_address().expect("a service with an API");
                let _ = started.send(Ok((api, service.admin_address())));
                let _ = service.run_until(async move { drop(stopped.await) }).await;
            });
            runtime.shutdown_background();
        });
        let (api, admin) = addresses
            .recv()
            .expect("the server's thread lives")
            .unwrap_or_else(|error| panic!("the server does not start: {error}"));
        let storage =
            Storage::open(&settings, Arc::clone(&clock) as Arc<dyn Clock>).expect("the test's database");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        TestServer {
            api,
            admin,
            clock,
            storage,
            runtime,
            database: self.database,
            secret,
            stop: Some(stop),
            thread: Some(thread),
        }
    }
}

impl TestServer {
    /// A server on this database with the default configuration, its clock at 2026-03-01T13:00:00Z.
    pub fn start(database: TestDatabase) -> Self {
        Self::builder(database).start()
    }

    /// A server on this database, to be configured.
    pub const fn builder(database: TestDatabase) -> TestServerBuilder {
        TestServerBuilder { database, assignments: Vec::new(), content_refresh: REFRESH, has_secret: true }
    }

    /// A call of the API.
    pub fn call(&self, method: &str, target: &str) -> Call {
        Call::new(self.api, method, target)
    }

    /// A GET of the API.
    pub fn get(&self, target: &str) -> Call {
        self.call("GET", target)
    }

    /// A POST of the API.
    pub fn post(&self, target: &str, body: impl Into<Vec<u8>>) -> Call {
        self.call("POST", target).body(body)
    }

    /// A GET of the admin address.
    pub fn admin(&self, target: &str) -> Call {
        Call::new(self.admin, "GET", target)
    }

    /// The value of a metric that counts, its labels included; 0 if there is none.
    ///
    /// # Panics
    /// If the value is none.
    pub fn metric(&self, name: &str) -> u64 {
        let text = self.admin("/metrics").send().body;
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.map_or(0, |value| value.parse().expect("a whole number"))
    }

    /// Where the API listens.
    pub const fn address(&self) -> SocketAddr {
        self.api
    }

    /// The database.
    pub const fn database(&self) -> &TestDatabase {
        &self.database
    }

    /// Where the file with the HMAC secret is.
    pub fn secret_file(&self) -> PathBuf {
        self.secret.path()
    }

    /// Moves the server's clock forward.
    pub fn advance(&self, duration: Duration) {
        self.clock.advance(duration);
    }

    /// What the server's clock shows.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A token to read everything of an organization, valid for an hour of the server's clock.
    pub fn token(&self, organization: u32) -> String {
        self.mint(&Self::token_request(organization))
    }

    /// What [`token`](Self::token) mints, to be changed.
    ///
    /// # Panics
    /// If there is no such organization.
    pub fn token_request(organization: u32) -> TokenRequest {
        TokenRequest {
            organization: organization.try_into().expect("an organization"),
            cluster: None,
            scopes: vec![Scope::Read],
            lifetime: Duration::from_secs(3600),
            issuer: None,
            audience: None,
            subject: None,
            key_id: None,
        }
    }

    /// Any token.
    ///
    /// # Panics
    /// If it cannot be signed.
    pub fn mint(&self, request: &TokenRequest) -> String {
        let key = SigningKey::hmac_from_file(&self.secret.path()).expect("the test's secret");
        request.mint(&key, self.clock.now()).expect("a token")
    }

    /// Imports messages the way `gathering import results` does.
    ///
    /// # Panics
    /// If the database does not take them.
    pub fn import(&self, messages: &[Message]) -> Vec<MessageRecord> {
        let lines = messages.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        let counters = RecordCounters::new().expect("counters");
        let mut records = Vec::new();
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        let intake = Intake::new(self.storage.clone(), clock, None, counters);
        let mut importer = Importer::new(&intake);
        let work = importer.import("test", lines.as_bytes(), |_, record| records.push(record.clone()));
        self.runtime.block_on(work).expect("the test's database takes the messages");
        records
    }

    /// Announces a request whose result is yet to come, gathered now.
    ///
    /// # Panics
    /// If the database does not take it.
    pub fn announce(&self, organization: u32, cluster: &str, request: &str) {
        let key = RequestKey {
            organization: organization.try_into().expect("an organization"),
            cluster: cluster.parse().expect("a cluster"),
            request: request.parse().expect("a request"),
        };
        let event = RequestEvent { key, received_at: self.clock.now(), kind: EventKind::Announced };
        self.runtime.block_on(self.storage.store(vec![event])).expect("the test's database takes the event");
    }

    /// Replaces the rule content: hit, generic text, total risk. The server takes it soon after.
    ///
    /// # Panics
    /// If the database does not take it.
    pub fn content(&self, content: &[(&str, &str, i32)]) {
        let content = content
            .iter()
            .map(|&(hit, generic, total_risk)| {
                let content = RuleContent { generic: generic.to_owned(), summary: String::new(), total_risk };
                (hit.parse().expect("a hit"), content)
            })
            .collect();
        self.runtime
            .block_on(self.storage.replace_content(content))
            .expect("the test's database takes the content");
    }

    /// Deletes what has expired, as the background task does.
    ///
    /// # Panics
    /// If the database does not answer.
    pub fn purge(&self) {
        self.runtime.block_on(self.storage.purge()).expect("the test's database purges");
    }

    /// Asks until the answer is as wanted.
    ///
    /// # Panics
    /// If it is not within a minute.
    pub fn until<T>(&self, mut ask: impl FnMut(&Self) -> Option<T>) -> T {
        for _ in 0..3000 {
            if let Some(answer) = ask(self) {
                return answer;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("it does not happen")
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(ended.is_ok() || std::thread::panicking(), "the server panicked");
        }
    }
}
