//! The admin address: probes and metrics, for those who run the service.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use actix_web::http::header;
use actix_web::{App, HttpResponse, HttpResponseBuilder, HttpServer, Resource, web};
use prometheus::{Registry, TextEncoder};

use crate::routes::get_or_head;
use crate::server::{BindError, Listener, bind};
use crate::tls::Tls;
use crate::wire::{self, Failure};

/// Tells whether the service can answer, or in one sentence why not.
pub type Readiness = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<(), String>> + Send>> + Send + Sync>;

/// Binds the admin address. One thread is enough: it is asked a few times a minute.
pub fn serve_admin(
    address: SocketAddr,
    tls: Option<&Tls>,
    registry: Registry,
    readiness: Readiness,
) -> Result<Listener, BindError> {
    let (registry, readiness) = (web::Data::new(registry), web::Data::new(readiness));
    let server = HttpServer::new(move || {
        App::new()
            .app_data(registry.clone())
            .app_data(readiness.clone())
            .service(probe("/livez").route(get_or_head().to(livez)))
            .service(probe("/readyz").route(get_or_head().to(readyz)))
            .service(probe("/metrics").route(get_or_head().to(metrics)))
            .default_service(web::to(other))
    })
    .workers(1)
    .shutdown_timeout(1)
    .disable_signals();
    bind!(server, address, tls, "admin.bind")
}

/// A path that knows GET and HEAD; routes are added to it.
fn probe(path: &str) -> Resource {
    web::resource(path).default_service(web::to(|| async {
        let mut response = HttpResponse::MethodNotAllowed();
        response.insert_header((header::ALLOW, "GET, HEAD"));
        status(response, "The admin address knows GET and HEAD")
    }))
}

fn status(response: HttpResponseBuilder, text: impl Into<String>) -> HttpResponse {
    wire::json(response, &Failure { status: text.into() })
}

async fn livez() -> HttpResponse {
    status(HttpResponse::Ok(), "alive")
}

async fn readyz(readiness: web::Data<Readiness>) -> HttpResponse {
    match readiness().await {
        Ok(()) => status(HttpResponse::Ok(), "ready"),
        Err(reason) => status(HttpResponse::ServiceUnavailable(), reason),
    }
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

async fn other() -> HttpResponse {
    status(HttpResponse::NotFound(), "The admin address has GET /livez, /readyz and /metrics")
}
