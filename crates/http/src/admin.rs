//! The admin address: probes and metrics, for those who run the service.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header;
use actix_web::middleware::from_fn;
use actix_web::{App, HttpResponse, HttpResponseBuilder, Resource, web};
use prometheus::{Registry, TextEncoder};
use serde::Serialize;

use crate::connections::{ConnectionLimits, ConnectionRegistry, track_call};
use crate::listener::{self, BindError, BoundAddress, Listener, ListenerSettings};
use crate::methods::get_or_head;
use crate::readiness::{Readiness, ReadinessReport};
use crate::tls::Tls;
use crate::wire::{self, Body};

const LIMITS: ConnectionLimits =
    ConnectionLimits { max_connections: 256, write_timeout: Duration::from_secs(30) };
const SHUTDOWN_GRACE: Duration = Duration::from_secs(1);

/// Starts probes and metrics on their address. One thread is enough for a few calls a minute.
pub fn serve_admin(
    bound: BoundAddress,
    tls: Option<Arc<Tls>>,
    registry: Registry,
    readiness: Readiness,
) -> Result<Listener, BindError> {
    let (registry, readiness) = (web::Data::new(registry), web::Data::new(readiness));
    let connections = ConnectionRegistry::new(LIMITS, None);
    let settings = ListenerSettings { tls, workers: 1, shutdown_grace: SHUTDOWN_GRACE, connections };
    listener::start(bound, settings, move || {
        App::new()
            .app_data(registry.clone())
            .app_data(readiness.clone())
            .wrap(from_fn(track_call))
            .service(probe("/livez").route(get_or_head().to(livez)))
            .service(probe("/readyz").route(get_or_head().to(readyz)))
            .service(probe("/metrics").route(get_or_head().to(metrics)))
            .default_service(web::to(no_such_path))
    })
}

/// A path that refuses every method until a route is added.
fn probe(path: &str) -> Resource {
    web::resource(path).default_service(web::to(|| async {
        let mut response = HttpResponse::MethodNotAllowed();
        response.insert_header((header::ALLOW, "GET, HEAD"));
        status(response, "The admin address knows GET and HEAD")
    }))
}

#[derive(Serialize)]
struct ProbeBody {
    status: String,
}

impl Body for ProbeBody {}

impl Body for ReadinessReport {}

fn status(response: HttpResponseBuilder, text: impl Into<String>) -> HttpResponse {
    wire::json(response, &ProbeBody { status: text.into() })
}

async fn livez() -> HttpResponse {
    status(HttpResponse::Ok(), "alive")
}

async fn readyz(readiness: web::Data<Readiness>) -> HttpResponse {
    let report = readiness().await;
    let response = if report.is_ready { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    wire::json(response, &report)
}

async fn metrics(registry: web::Data<Registry>) -> HttpResponse {
    match TextEncoder::new().encode_to_string(&registry.gather()) {
        Ok(text) => HttpResponse::Ok().content_type(prometheus::TEXT_FORMAT).body(text),
        Err(error) => {
            log::error!("the metrics cannot be written: {error}");
            status(HttpResponse::InternalServerError(), "Internal Server Error")
        }
    }
}

async fn no_such_path() -> HttpResponse {
    status(HttpResponse::NotFound(), "The admin address has GET /livez, /readyz and /metrics")
}
