//! Starting and stopping listeners.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use actix_web::middleware::{Condition, from_fn};
use actix_web::web::Bytes;
use actix_web::{App, HttpServer, web};
use gathering_auth::Authenticator;
use gathering_domain::{LookupService, MessageIntake, RequestStore};

use crate::base_path::BasePath;
use crate::cors::{Origin, cors};
use crate::extract::Room;
use crate::metrics::HttpMetrics;
use crate::observe::observe;
use crate::openapi::CallersProve;
use crate::tls::Tls;
use crate::{openapi, routes};

/// What a caller gets for a request that is recorded and not processed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PendingStatus {
    /// 200 with the state.
    Ok,
    /// 404, for operators up to 4.20, which give up at once on any other 200.
    NotFound,
}

/// What the API needs to know. See `config/default.toml` for defaults.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where it listens; port 0 takes a free one.
    pub bind: SocketAddr,
    /// Its certificates; without them it speaks plain HTTP.
    pub tls: Option<Arc<Tls>>,
    /// What its OpenAPI document says of callers.
    pub callers: CallersProve,
    /// Under which paths the endpoints answer.
    pub base_paths: Vec<BasePath>,
    /// How many threads answer, at least 1.
    pub workers: usize,
    /// The largest body, in bytes.
    pub max_body: usize,
    /// Whether messages are taken in, and how large their bodies may be.
    pub ingest: Option<IngestSettings>,
    /// The longest list of request IDs.
    pub max_request_ids: usize,
    /// What a caller gets for a request that is recorded and not processed.
    pub pending_status: PendingStatus,
    /// How long calls may still take after a stop.
    pub shutdown_grace: Duration,
    /// Origins whose pages may call from a browser.
    pub cors_origins: Vec<Origin>,
}

/// What the endpoints for messages need to know.
#[derive(Debug, Clone, Copy)]
pub struct IngestSettings {
    /// The largest body, in bytes, uncompressed.
    pub max_body: usize,
    /// What all bodies that are being read or recorded may take up together, in bytes; at least one is always let in.
    pub max_in_flight: usize,
}

/// What the API is made of.
#[derive(Debug, Clone)]
pub struct Api<S, I> {
    /// Answers questions.
    pub lookup: Arc<LookupService<S>>,
    /// Takes messages in.
    pub intake: Arc<I>,
    /// Knows callers.
    pub authenticator: Arc<Authenticator>,
    /// Counts calls.
    pub metrics: HttpMetrics,
}

/// The limits that handlers keep.
pub(crate) struct Limits {
    pub(crate) max_body: usize,
    pub(crate) max_request_ids: usize,
    pub(crate) shows_pending: bool,
}

/// The document that `/openapi.json` answers.
pub(crate) struct OpenApiDocument(pub(crate) Bytes);

/// An address that cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address} ({source}); stop what uses it, or choose another address with {key}")]
pub struct BindError {
    /// The key of the configuration that the address comes from.
    pub key: &'static str,
    /// The address.
    pub address: SocketAddr,
    /// What the system said.
    pub source: std::io::Error,
}

/// A bound listener. It answers while [`run`](Self::run) is polled.
pub struct Listener {
    server: Server,
    address: SocketAddr,
    is_encrypted: bool,
}

impl std::fmt::Debug for Listener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Listener").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Stops a listener from elsewhere.
#[derive(Clone)]
pub struct StopHandle(ServerHandle);

impl std::fmt::Debug for StopHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StopHandle").finish_non_exhaustive()
    }
}

impl StopHandle {
    /// Takes no more calls and waits for those in flight, within the grace time.
    pub fn stop(&self) -> impl Future<Output = ()> + use<> {
        self.0.stop(true)
    }
}

/// Most TLS handshakes at once, for each worker: as many as connections. With the library's 256, so many clients that say
/// nothing for the three seconds that a handshake may take keep everybody else out.
pub(crate) const MAX_HANDSHAKES: usize = 25_000;

/// Binds a server to an address, starts it, and returns its listener or a [`BindError`]. A function would have to name
/// types that actix-web keeps to itself.
macro_rules! bind {
    ($server:expr, $address:expr, $tls:expr, $key:literal) => {{
        let (address, tls): (SocketAddr, Option<&Tls>) = ($address, $tls);
        let server = $server.max_connection_rate(crate::server::MAX_HANDSHAKES);
        let bound = match tls {
            None => server.bind(address),
            Some(tls) => tls
                .server_config()
                .map_err(std::io::Error::other)
                .and_then(|config| server.bind_rustls_0_23(address, config)),
        };
        bound.map_err(|source| BindError { key: $key, address, source }).map(|server| {
            let bound = server.addrs().first().copied().unwrap_or(address);
            Listener::new(server.run(), bound, tls.is_some())
        })
    }};
}
pub(crate) use bind;

impl Listener {
    /// A server that was bound to one address and started.
    pub(crate) const fn new(server: Server, address: SocketAddr, is_encrypted: bool) -> Self {
        Self { server, address, is_encrypted }
    }

    /// Where it answers: `http` or `https`, and its address.
    pub fn url(&self) -> String {
        format!("{}://{}", if self.is_encrypted { "https" } else { "http" }, self.address)
    }

    /// Where it listens, with the port that the system chose if it was asked to.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// A handle to stop it.
    pub fn stop_handle(&self) -> StopHandle {
        StopHandle(self.server.handle())
    }

    /// Answers until it is stopped.
    pub async fn run(self) -> std::io::Result<()> {
        self.server.await
    }
}

/// Binds the API. Needs a tokio runtime; the workers have threads of their own.
pub fn serve_api<S, I>(settings: &Settings, api: Api<S, I>) -> Result<Listener, BindError>
where
    S: RequestStore + 'static,
    I: MessageIntake + 'static,
{
    let limits = web::Data::new(Limits {
        max_body: settings.max_body,
        max_request_ids: settings.max_request_ids,
        shows_pending: settings.pending_status == PendingStatus::Ok,
    });
    let document = web::Data::new(OpenApiDocument(Bytes::from(openapi::document(
        &settings.base_paths,
        settings.ingest.is_some(),
        settings.callers,
    ))));
    let room = settings.ingest.map(|ingest| Room::new(ingest.max_body, ingest.max_in_flight));
    let takes_messages = room.is_some();
    let room = web::Data::new(room.unwrap_or_else(|| Room::new(0, 0)));
    let intake = web::Data::from(api.intake);
    let lookup = web::Data::from(api.lookup);
    let authenticator = web::Data::from(api.authenticator);
    let metrics = web::Data::new(api.metrics);
    let (base_paths, origins) = (settings.base_paths.clone(), settings.cors_origins.clone());

    let server = HttpServer::new(move || {
        App::new()
            .app_data(limits.clone())
            .app_data(document.clone())
            .app_data(lookup.clone())
            .app_data(authenticator.clone())
            .app_data(metrics.clone())
            .app_data(room.clone())
            .app_data(intake.clone())
            .wrap(Condition::new(!origins.is_empty(), cors(&origins)))
            .wrap(from_fn(observe))
            .configure(|config| routes::configure::<S, I>(config, &base_paths, takes_messages))
    })
    .workers(settings.workers.max(1))
    .shutdown_timeout(settings.shutdown_grace.as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX))
    .disable_signals();
    bind!(server, settings.bind, settings.tls.as_deref(), "http.bind")
}
