//! `GET /openapi.json`

use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, web};

use crate::connections::SharedBody;
use crate::openapi::{DocumentSettings, document};
use crate::settings::Settings;
use crate::wire::JSON;

/// The OpenAPI document as it is sent: as it is at its path, and there with a slash at the end. It says where the endpoints are
/// by a reference from itself, so that it holds under every base path, and behind proxies that put something in front.
pub(crate) struct OpenApiDocuments([Bytes; 2]);

impl OpenApiDocuments {
    pub(crate) fn new(settings: &Settings) -> Self {
        let document = |server: &str| {
            Bytes::from(document(DocumentSettings {
                servers: vec![server.to_owned()],
                takes_messages: settings.ingest.is_some(),
                auth_scheme: settings.auth_scheme,
                max_request_ids: settings.max_request_ids,
            }))
        };
        Self([".", ".."].map(document))
    }
}

pub(crate) async fn openapi(request: HttpRequest, documents: web::Data<OpenApiDocuments>) -> HttpResponse {
    let [plain, with_slash] = &documents.0;
    let document = if request.path().ends_with('/') { with_slash } else { plain };
    let mut response = HttpResponse::Ok().content_type(JSON).body(document.clone());
    response.extensions_mut().insert(SharedBody);
    response
}
