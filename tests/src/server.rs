//! A real server in the test's own process: all of the service, on free ports, with a database of its own.

mod builder;
mod content;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use gathering_auth::{ClaimMapping, Scope, SigningKey, TokenRequest};
use gathering_domain::answer::StatusBody;
use gathering_domain::event::{EventKind, RequestEvent};
use gathering_domain::ids::RequestKey;
use gathering_domain::intake::MessageRecord;
use gathering_domain::report::ContentCache;
use gathering_domain::request::RequestState;
use gathering_domain::store::{ContentStore, EventSink, Purge};
use gathering_domain::time::{Clock, ManualClock, Timestamp};
use gathering_ingest::{Importer, Intake, RecordCounters};
use gathering_server::RereadHandle;
use gathering_storage::Storage;
use tokio::sync::oneshot;

pub use self::builder::TestServerBuilder;
use crate::apart::block_on;
use crate::call::Call;
use crate::database::TestDatabase;
use crate::message::Message;
use crate::outage::Outage;
use crate::secret::Secret;
use crate::wait::until_some;

/// A running server. It stops when this value is dropped. It can be used from async tests as well as from others; its methods
/// block until they are done.
#[derive(Debug)]
pub struct TestServer {
    api: SocketAddr,
    admin: SocketAddr,
    clock: Arc<ManualClock>,
    content: Arc<ContentCache>,
    reread: RereadHandle,
    storage: Storage,
    database: TestDatabase,
    secret: Secret,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl TestServer {
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

    /// The API's scheme and address, such as `http://127.0.0.1:40000`, for clients that are tested. It speaks plain HTTP unless
    /// told otherwise by [`TestServerBuilder::set`].
    pub fn url(&self) -> String {
        format!("http://{}", self.api)
    }

    /// Where the API listens.
    pub const fn address(&self) -> SocketAddr {
        self.api
    }

    /// The database.
    pub const fn database(&self) -> &TestDatabase {
        &self.database
    }

    /// Takes the database away until the answer is dropped: see [`TestDatabase::outage`].
    ///
    /// # Panics
    /// If it is away already.
    pub fn outage(&self) -> Outage<'_> {
        self.database.outage()
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
            mapping: ClaimMapping::default(),
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
        block_on(async || {
            let counters = RecordCounters::new().expect("counters");
            let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
            let intake = Intake::new(self.storage.clone(), clock, None, counters);
            let mut records = Vec::new();
            let mut importer = Importer::new(&intake);
            let work = importer.import("test", lines.as_bytes(), |_, record| records.push(record.clone()));
            work.await.expect("the test's database takes the messages");
            records
        })
    }

    /// Announces a request whose result is yet to come, gathered now.
    ///
    /// # Panics
    /// If the database does not take it.
    pub fn announce(&self, organization: u32, cluster: &str, request: &str) {
        let key = RequestKey::parse(&organization.to_string(), cluster, request).expect("a request");
        let event = RequestEvent { key, received_at: self.clock.now(), kind: EventKind::Announced };
        block_on(|| self.storage.store(vec![event])).expect("the test's database takes the event");
    }

    /// Replaces the rule content, each finding as hit, generic text and total risk, and returns once the server has taken it.
    ///
    /// # Panics
    /// If it does not within three minutes.
    pub fn content(&self, content: &[(&str, &str, i32)]) {
        let content = content::set(content);
        let revision = block_on(|| self.storage.replace_content(content));
        let revision = revision.expect("the test's database takes the content");
        self.reread();
        until_some(|| self.content.revision().filter(|taken| *taken >= revision));
    }

    /// Has it read its files again, and look for new rule content, as SIGHUP does.
    pub fn reread(&self) {
        self.reread.reread();
    }

    /// What the API says about the state of a request; `None` if it knows none.
    ///
    /// # Panics
    /// If it answers anything else.
    pub fn state(&self, organization: u32, cluster: &str, request: &str) -> Option<RequestState> {
        let path = format!("/cluster/{cluster}/request/{request}/status");
        let answer = self.get(&path).bearer(&self.token(organization)).send();
        match answer.status {
            200 => Some(answer.read::<StatusBody<'static>>().status),
            404 => None,
            _ => panic!("{answer:?}"),
        }
    }

    /// Deletes what has expired, as the background task does.
    ///
    /// # Panics
    /// If the database does not answer.
    pub fn purge(&self) {
        block_on(|| self.storage.purge()).expect("the test's database purges");
    }

    /// Asks until there is an answer: see [`until_some`].
    ///
    /// # Panics
    /// If there is none within three minutes.
    #[track_caller]
    pub fn until<T>(&self, mut ask: impl FnMut(&Self) -> Option<T>) -> T {
        until_some(|| ask(self))
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
