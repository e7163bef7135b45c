//! A real server in the test's own process: all of the service, on free ports, with a database of its own.

mod builder;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use gathering_auth::{Scope, SigningKey, TokenRequest};
use gathering_domain::{
    Clock, ContentStore, EventKind, EventSink, ManualClock, MessageRecord, Purge, RequestEvent,
    RequestKey, RuleContent, Timestamp,
};
use gathering_ingest::{Importer, Intake, RecordCounters};
use gathering_storage::Storage;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

pub use self::builder::TestServerBuilder;
use crate::secret::Secret;
use crate::{Call, Message, TestDatabase};

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

impl TestServer {
    /// A server on this database with the default configuration, its clock at 2026-03-01T13:00:00Z.
    pub fn start(database: TestDatabase) -> Self {
        Self::builder(database).start()
    }

    /// A server on this database, to be configured.
    pub const fn builder(database: TestDatabase) -> TestServerBuilder {
        TestServerBuilder::new(database)
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
