//! The API: what it is made of, and its start.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use actix_web::middleware::{Condition, from_fn};
use actix_web::web::Bytes;
use actix_web::{App, web};
use gathering_auth::Authenticator;
use gathering_domain::{LookupService, MessageIntake, RequestStore};

use crate::base_path::BasePath;
use crate::connections::{ConnectionLimits, Connections};
use crate::cors::{Origin, cors};
use crate::extract::{ListRoom, MessageRoom, Room};
use crate::failure_log::FailureLog;
use crate::listener::{self, BindError, BoundAddress, Listener, ListenerSettings};
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
    /// Its certificates; without them it speaks plain HTTP.
    pub tls: Option<Arc<Tls>>,
    /// What its OpenAPI document says of callers.
    pub callers: CallersProve,
    /// Under which paths the endpoints answer.
    pub base_paths: Vec<BasePath>,
    /// How many threads answer, at least 1.
    pub workers: usize,
    /// The most connections at once. For each one over it, one that was idle is closed.
    pub max_connections: usize,
    /// How long an answer may take to be read, from its first byte on, for each MiB of it.
    pub write_timeout: Duration,
    /// The largest body, in bytes.
    pub max_body: usize,
    /// What all lists of request IDs that are being read may take up together, in bytes; at least one is always let in.
    pub max_in_flight: usize,
    /// Whether messages are taken in, and how large their bodies may be.
    pub ingest: Option<IngestSettings>,
    /// The longest list of request IDs.
    pub max_request_ids: usize,
    /// The most entries of a list of a cluster's requests, the newest; `None` for any number.
    pub max_list: Option<NonZeroUsize>,
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
    pub(crate) max_request_ids: usize,
    pub(crate) max_list: Option<NonZeroUsize>,
    pub(crate) shows_pending: bool,
}

/// The document that `/openapi.json` answers.
pub(crate) struct OpenApiDocument(pub(crate) Bytes);

/// Starts the API on its address. Needs a tokio runtime; the workers have threads of their own.
pub fn serve_api<S, I>(
    bound: BoundAddress,
    settings: &Settings,
    api: Api<S, I>,
) -> Result<Listener, BindError>
where
    S: RequestStore + 'static,
    I: MessageIntake + 'static,
{
    let limits = web::Data::new(Limits {
        max_request_ids: settings.max_request_ids,
        max_list: settings.max_list,
        shows_pending: settings.pending_status == PendingStatus::Ok,
    });
    let document = web::Data::new(OpenApiDocument(Bytes::from(openapi::document(
        &settings.base_paths,
        settings.ingest.is_some(),
        settings.callers,
    ))));
    let takes_messages = settings.ingest.is_some();
    let (list_room, message_room) = rooms(settings, &api.metrics);
    let intake = web::Data::from(api.intake);
    let lookup = web::Data::from(api.lookup);
    let authenticator = web::Data::from(api.authenticator);
    let (base_paths, origins) = (settings.base_paths.clone(), settings.cors_origins.clone());

    let limits_of_connections =
        ConnectionLimits { most: settings.max_connections, write_timeout: settings.write_timeout };
    let listener = ListenerSettings {
        tls: settings.tls.clone(),
        workers: settings.workers,
        shutdown_grace: settings.shutdown_grace,
        connections: Connections::new(limits_of_connections, Some(api.metrics.connections())),
    };
    let metrics = web::Data::new(api.metrics);
    let failures = web::Data::new(FailureLog::default());
    listener::start(bound, listener, move || {
        App::new()
            .app_data(limits.clone())
            .app_data(document.clone())
            .app_data(lookup.clone())
            .app_data(authenticator.clone())
            .app_data(metrics.clone())
            .app_data(failures.clone())
            .app_data(list_room.clone())
            .app_data(message_room.clone())
            .app_data(intake.clone())
            .wrap(Condition::new(!origins.is_empty(), cors(&origins)))
            .wrap(from_fn(observe))
            .configure(|config| routes::configure::<S, I>(config, &base_paths, takes_messages))
    })
}

/// What bodies may take up.
fn rooms(settings: &Settings, metrics: &HttpMetrics) -> (web::Data<ListRoom>, web::Data<MessageRoom>) {
    let lists = Room::new(settings.max_body, settings.max_in_flight, metrics.body_bytes("lists"));
    let (max_body, max_in_flight) =
        settings.ingest.map_or((0, 0), |ingest| (ingest.max_body, ingest.max_in_flight));
    let messages = Room::new(max_body, max_in_flight, metrics.body_bytes("messages"));
    (web::Data::new(ListRoom(lists)), web::Data::new(MessageRoom::new(messages)))
}
