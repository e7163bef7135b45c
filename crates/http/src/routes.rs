//! The only table of routes.

use actix_web::http::{Method, header};
use actix_web::{HttpResponse, Resource, Route, guard, web};
use gathering_domain::{MessageIntake, RequestStore};

use crate::base_path::{BasePath, pattern};
use crate::connections::SharedBody;
use crate::error::ApiError;
use crate::handlers;
use crate::metrics::Endpoint;
use crate::server::OpenApiDocument;

/// Adds every endpoint under every base path, those for messages if `takes_messages`.
pub(crate) fn configure<S: RequestStore + 'static, I: MessageIntake + 'static>(
    config: &mut web::ServiceConfig,
    base_paths: &[BasePath],
    takes_messages: bool,
) {
    let endpoint = |template: &'static str| {
        web::resource(pattern(base_paths, template)).app_data(Endpoint::new(template))
    };
    config
        .service(with_methods(
            endpoint("/cluster/{clusterID}/request/{requestID}/status")
                .route(get_or_head().to(handlers::status::status::<S>)),
            GET,
        ))
        .service(with_methods(
            endpoint("/cluster/{clusterID}/request/{requestID}/report")
                .route(get_or_head().to(handlers::report::report::<S>)),
            GET,
        ))
        .service(with_methods(
            endpoint("/cluster/{clusterID}/requests")
                .route(get_or_head().to(handlers::list::list::<S>))
                .route(web::post().to(handlers::select::select::<S>)),
            GET_AND_POST,
        ))
        .service(with_methods(endpoint("/openapi.json").route(get_or_head().to(openapi)), GET))
        .default_service(web::to(no_such_path));
    if takes_messages {
        config
            .service(with_methods(
                endpoint("/ingest/results").route(web::post().to(handlers::ingest::results::<I>)),
                POST,
            ))
            .service(with_methods(
                endpoint("/ingest/announcements").route(web::post().to(handlers::ingest::announcements::<I>)),
                POST,
            ));
    }
}

/// A route for GET, and for HEAD, which is answered alike without its body.
pub(crate) fn get_or_head() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

const GET: &str = "GET, HEAD, OPTIONS";
const POST: &str = "POST, OPTIONS";
const GET_AND_POST: &str = "GET, HEAD, POST, OPTIONS";

/// Answers OPTIONS, and any method that the resource has no route for.
fn with_methods(resource: Resource, allow: &'static str) -> Resource {
    resource
        .route(web::method(Method::OPTIONS).to(move || async move {
            HttpResponse::NoContent().insert_header((header::ALLOW, allow)).finish()
        }))
        .default_service(web::to(move || async move {
            Err::<HttpResponse, _>(ApiError::MethodNotAllowed { allow })
        }))
}

async fn no_such_path() -> Result<HttpResponse, ApiError> {
    Err(ApiError::NoSuchPath)
}

async fn openapi(document: web::Data<OpenApiDocument>) -> HttpResponse {
    let mut response = HttpResponse::Ok().content_type("application/json").body(document.0.clone());
    response.extensions_mut().insert(SharedBody);
    response
}
