//! `GET /cluster/{clusterID}/request/{requestID}/status`

use actix_web::{HttpResponse, web};
use gathering_domain::answer::StatusBody;
use gathering_domain::lookup::LookupService;
use gathering_domain::store::RequestStore;

use crate::error::ApiError;
use crate::extract::ReadableRequest;
use crate::limits::Limits;
use crate::openapi::parameters::{ClusterParameter, RequestParameter};
use crate::openapi::responses::{CallLimits, CommonErrors, RequestNotFound};
use crate::wire;

/// How far a request has come
///
/// Known only for the retention time (24 hours unless configured) after the request was last changed.
#[utoipa::path(
    get,
    path = "/cluster/{clusterID}/request/{requestID}/status",
    operation_id = "getRequestStatus",
    tag = "requests",
    params(ClusterParameter, RequestParameter),
    responses(
        (status = 200, description = "The request is recorded.", body = StatusBody<'static>,
            headers(("x-rh-insights-request-id" = String, description = "The ID of this call.")),
            example = json!({
                "cluster": "5d5892d3-1f74-4ccf-91af-548dfc9767aa",
                "requestID": "6d2eede257644308a8949c4ec251c5c4",
                "status": "processed"
            })),
        RequestNotFound,
        CallLimits,
        CommonErrors
    )
)]
pub(crate) async fn status<S: RequestStore>(
    ReadableRequest(key): ReadableRequest,
    lookup: web::Data<LookupService<S>>,
    limits: web::Data<Limits>,
) -> Result<HttpResponse, ApiError> {
    let state = limits.visible(lookup.status(&key).await?, |state| *state)?;
    Ok(wire::json(HttpResponse::Ok(), &StatusBody::new(&key, state)))
}
