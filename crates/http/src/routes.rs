//! The only table of routes.

use actix_web::{HttpResponse, web};
use gathering_domain::intake::MessageIntake;
use gathering_domain::store::RequestStore;

use crate::base_path::{BasePath, pattern};
use crate::error::ApiError;
use crate::handlers;
use crate::methods::{GET, GET_AND_POST, POST, get_or_head, with_methods};
use crate::metrics::Endpoint;
use crate::pages::Pages;

/// Adds every endpoint under every base path, those for messages if `takes_messages`, and then the pages, which are at one path
/// each.
pub(crate) fn configure<S: RequestStore + 'static, I: MessageIntake + 'static>(
    config: &mut web::ServiceConfig,
    base_paths: &[BasePath],
    takes_messages: bool,
    pages: &Pages,
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
        .service(with_methods(
            endpoint("/openapi.json").route(get_or_head().to(handlers::openapi::openapi)),
            GET,
        ))
        .service(with_methods(endpoint("/info").route(get_or_head().to(handlers::info::info::<S>)), GET))
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
    pages.configure(config);
}

async fn no_such_path() -> Result<HttpResponse, ApiError> {
    Err(ApiError::NoSuchPath)
}
