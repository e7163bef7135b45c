//! Which web pages may call from a browser.

use actix_cors::Cors;
use actix_web::http::header;

use crate::request_id;

/// How long a browser may remember what it was allowed, in seconds.
const MAX_AGE: usize = 3600;

/// Allows these origins and no others; there are no cookies to send along.
pub(crate) fn cors(origins: &[String]) -> Cors {
    let cors = Cors::default()
        .allowed_methods(["GET", "HEAD", "POST", "OPTIONS"])
        .allowed_headers([header::ACCEPT, header::AUTHORIZATION, header::CONTENT_TYPE, request_id::HEADER])
        .expose_headers([request_id::HEADER])
        .max_age(MAX_AGE);
    origins.iter().fold(cors, |cors, origin| cors.allowed_origin(origin))
}
