//! `GET /cluster/{clusterID}/request/{requestID}/status`

use actix_web::{HttpRequest, HttpResponse, web};
use gathering_domain::answer::StatusBody;
use gathering_domain::lookup::LookupService;
use gathering_domain::request::RequestState;
use gathering_domain::store::RequestStore;
use gathering_domain::wait::{Answer, Waiters, wait_for};

use crate::error::ApiError;
use crate::extract::ReadableRequest;
use crate::limits::Limits;
use crate::openapi::parameters::{CallIdParameter, ClusterParameter, PreferParameter, RequestParameter};
use crate::openapi::responses::{CallLimits, CommonErrors, StatusNotFound};
use crate::tracing;
use crate::wait::{Wait, WaitHeaders};
use crate::wire;

/// How far a request has come
///
/// With `Prefer: wait=N` the answer comes once the request is processed or failed, or after N seconds.
/// Known only for the retention time (24 hours unless configured) after the request was last changed.
#[utoipa::path(
    get,
    path = "/cluster/{clusterID}/request/{requestID}/status",
    operation_id = "getRequestStatus",
    tag = "requests",
    params(ClusterParameter, RequestParameter, PreferParameter, CallIdParameter),
    responses(
        (status = 200, description = "The request is recorded.", body = StatusBody<'static>,
            headers(
                ("x-rh-insights-request-id" = String, description = "The ID of this call."),
                ("Preference-Applied" = String, description = "What was heeded of `Prefer`, as `wait=N`."),
                ("Retry-After" = String, description = "How many seconds to wait before the status is asked for again, as long as it is pending.")
            ),
            example = json!({
                "cluster": "5d5892d3-1f74-4ccf-91af-548dfc9767aa",
                "requestID": "6d2eede257644308a8949c4ec251c5c4",
                "status": "processed"
            })),
        StatusNotFound,
        CallLimits,
        CommonErrors
    )
)]
pub(crate) async fn status<S: RequestStore>(
    request: HttpRequest,
    ReadableRequest(key): ReadableRequest,
    lookup: web::Data<LookupService<S>>,
    limits: web::Data<Limits>,
    waiters: web::Data<Waiters>,
) -> Result<HttpResponse, ApiError> {
    let wait = Wait::of(request.headers(), &limits.wait).or_hold(&limits.wait);
    let ask = || tracing::lookup("status", lookup.status(&key));
    let Answer { found, was_heeded } =
        wait_for(&waiters, &key, wait.time, ask, |status| status.state).await?;
    let headers = WaitHeaders::new(wait, was_heeded);
    let Some(status) = limits.visible(found, |status| status.state, request.headers()) else {
        return Err(ApiError::RequestNotFound(headers.and_retry(&limits.wait)));
    };
    let is_pending = status.state == RequestState::Received;
    let headers = if is_pending { headers.and_retry(&limits.wait) } else { headers };
    let mut response = wire::json(HttpResponse::Ok(), &StatusBody::new(&key, &status));
    headers.add_to(response.headers_mut());
    Ok(response)
}
