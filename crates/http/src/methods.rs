//! HTTP methods of endpoints.

use actix_web::http::{Method, header};
use actix_web::{HttpResponse, Resource, Route, guard, web};

use crate::error::ApiError;

pub(crate) const GET: &str = "GET, HEAD, OPTIONS";
pub(crate) const POST: &str = "POST, OPTIONS";
pub(crate) const GET_AND_POST: &str = "GET, HEAD, POST, OPTIONS";

/// A route for GET, and for HEAD: the library leaves out the body of its answer.
pub(crate) fn get_or_head() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

/// Answers OPTIONS, and refuses methods that the resource has no route for. `allow` is what it has, for the `Allow` header.
pub(crate) fn with_methods(resource: Resource, allow: &'static str) -> Resource {
    resource
        .route(web::method(Method::OPTIONS).to(move || async move {
            HttpResponse::NoContent().insert_header((header::ALLOW, allow)).finish()
        }))
        .default_service(web::to(move || async move {
            Err::<HttpResponse, _>(ApiError::MethodNotAllowed { allow })
        }))
}
