//! `GET /info`

use actix_web::{HttpResponse, web};
use gathering_domain::lookup::LookupService;
use gathering_domain::store::RequestStore;

use crate::openapi::parameters::CallIdParameter;
use crate::openapi::responses::OpenErrors;
use crate::wire::{self, BuildInfo, InfoBody};

/// What runs here
///
/// Version, commit and rule content, for whoever compares installations. It needs no credentials.
#[utoipa::path(
    get,
    path = "/info",
    operation_id = "info",
    tag = "service",
    security(),
    params(CallIdParameter),
    responses(
        (status = 200, description = "What runs here.", body = InfoBody,
            headers(("x-rh-insights-request-id" = String, description = "The ID of this call.")),
            example = json!({
                "info": {
                    "Gathering": {
                        "BuildVersion": "0.1.0",
                        "BuildTime": "2026-03-01T11:29:00Z",
                        "BuildCommit": "0123456789abcdef0123456789abcdef01234567",
                        "OCPRulesVersion": "3",
                        "status": "ok"
                    }
                },
                "status": "ok"
            })),
        OpenErrors
    )
)]
pub(crate) async fn info<S: RequestStore>(
    build: web::Data<BuildInfo>,
    lookup: web::Data<LookupService<S>>,
) -> HttpResponse {
    wire::json(HttpResponse::Ok(), &InfoBody::new(&build, lookup.content().revision()))
}
