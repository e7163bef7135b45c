//! The API: what it is made of, and its start.

use std::sync::Arc;

use actix_web::middleware::{Condition, from_fn};
use actix_web::{App, web};
use gathering_auth::Authenticator;
use gathering_domain::intake::MessageIntake;
use gathering_domain::lookup::LookupService;
use gathering_domain::store::RequestStore;
use gathering_domain::wait::Waiters;

use crate::connections::{ConnectionLimits, ConnectionRegistry};
use crate::cors::cors;
use crate::extract::{BodyBudget, ListBudget, MessageBudget};
use crate::failure_log::FailureLog;
use crate::handlers::openapi::OpenApiDocuments;
use crate::limits::Limits;
use crate::listener::{self, BindError, BoundAddress, Listener, ListenerSettings};
use crate::metrics::HttpMetrics;
use crate::observe::observe;
use crate::pages::{Pages, Site};
use crate::routes;
use crate::settings::Settings;

/// What the API is made of.
#[derive(Debug, Clone)]
pub struct Api<S, I> {
    pub lookup: Arc<LookupService<S>>,
    pub intake: Arc<I>,
    pub authenticator: Arc<Authenticator>,
    /// Who waits for results. Whoever records them wakes these.
    pub waiters: Arc<Waiters>,
    pub metrics: HttpMetrics,
}

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
        pending_status: settings.pending_status,
        wait: settings.wait,
    });
    let documents = web::Data::new(OpenApiDocuments::new(settings));
    let build = web::Data::new(settings.build);
    let site = Site::new(&settings.base_paths, settings.auth_scheme, settings.build);
    let pages = Pages::new(&site, settings.pages);
    let takes_messages = settings.ingest.is_some();
    let (list_budget, message_budget) = body_budgets(settings, &api.metrics);
    let intake = web::Data::from(api.intake);
    let lookup = web::Data::from(api.lookup);
    let authenticator = web::Data::from(api.authenticator);
    let waiters = web::Data::from(api.waiters);
    let (base_paths, origins) = (settings.base_paths.clone(), settings.cors_origins.clone());

    let connection_limits =
        ConnectionLimits { max_connections: settings.max_connections, write_timeout: settings.write_timeout };
    let listener = ListenerSettings {
        tls: settings.tls.clone(),
        workers: settings.workers,
        shutdown_grace: settings.shutdown_grace,
        connections: ConnectionRegistry::new(connection_limits, Some(api.metrics.connections())),
    };
    let metrics = web::Data::new(api.metrics);
    let failures = web::Data::new(FailureLog::default());
    listener::start(bound, listener, move || {
        App::new()
            .app_data(limits.clone())
            .app_data(documents.clone())
            .app_data(build.clone())
            .app_data(lookup.clone())
            .app_data(authenticator.clone())
            .app_data(waiters.clone())
            .app_data(metrics.clone())
            .app_data(failures.clone())
            .app_data(list_budget.clone())
            .app_data(message_budget.clone())
            .app_data(intake.clone())
            .wrap(Condition::new(!origins.is_empty(), cors(&origins)))
            .wrap(from_fn(observe))
            .configure(|config| routes::configure::<S, I>(config, &base_paths, takes_messages, &pages))
    })
}

fn body_budgets(
    settings: &Settings,
    metrics: &HttpMetrics,
) -> (web::Data<ListBudget>, web::Data<MessageBudget>) {
    let lists = BodyBudget::new(settings.max_body, settings.max_in_flight, metrics.body_bytes("lists"));
    let (max_body, max_in_flight) =
        settings.ingest.map_or((0, 0), |ingest| (ingest.max_body, ingest.max_in_flight));
    let messages = BodyBudget::new(max_body, max_in_flight, metrics.body_bytes("messages"));
    (web::Data::new(ListBudget(lists)), web::Data::new(MessageBudget::new(messages)))
}
