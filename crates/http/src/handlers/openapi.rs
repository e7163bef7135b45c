//! `GET /openapi.json`

use actix_web::web::Bytes;
use actix_web::{HttpResponse, web};

use crate::connections::SharedBody;
use crate::wire::JSON;

/// The OpenAPI document, as it is sent.
pub(crate) struct OpenApiDocument(pub(crate) Bytes);

pub(crate) async fn openapi(document: web::Data<OpenApiDocument>) -> HttpResponse {
    let mut response = HttpResponse::Ok().content_type(JSON).body(document.0.clone());
    response.extensions_mut().insert(SharedBody);
    response
}
