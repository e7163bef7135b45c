//! `GET /cluster/{clusterID}/request/{requestID}/report`

use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use gathering_domain::answer::ReportBody;
use gathering_domain::lookup::LookupService;
use gathering_domain::request::RequestState;
use gathering_domain::store::RequestStore;
use gathering_domain::wait::{Answer, Waiters, wait_for};

use crate::accept::prefers_html;
use crate::error::ApiError;
use crate::etag;
use crate::extract::ReadableRequest;
use crate::limits::Limits;
use crate::openapi::parameters::{
    CallIdParameter, ClusterParameter, IfNoneMatchParameter, PreferParameter, RequestParameter,
};
use crate::openapi::responses::{CallLimits, CommonErrors, ReportNotFound, ReportNotModified};
use crate::pages;
use crate::tracing;
use crate::wait::{Wait, WaitHeaders};
use crate::wire;

/// What the analysis of a request found
///
/// Ordered by risk from high to low, then by rule and error key. Empty until the request is processed, and for a
/// healthy cluster. Rules that the organization acknowledged, or disabled for the cluster, are left out where the service
/// knows of them.
///
/// Browsers, and who accepts `text/html` rather than JSON and no range with `*`, get a document with the descriptions rendered: a
/// `section` for each hit, with the risk, rule and error key in the attributes `data-risk`, `data-rule` and `data-key`. HTML of the rule
/// content is shown as text, and nothing is loaded.
#[utoipa::path(
    get,
    path = "/cluster/{clusterID}/request/{requestID}/report",
    operation_id = "getRequestReport",
    tag = "requests",
    params(ClusterParameter, RequestParameter, PreferParameter, IfNoneMatchParameter, CallIdParameter),
    responses(
        (status = 200, description = "The request is recorded.",
            headers(
                ("x-rh-insights-request-id" = String, description = "The ID of this call."),
                ("ETag" = String, description = "Made of the content alone; for `If-None-Match`."),
                ("Preference-Applied" = String, description = "What was heeded of `Prefer`, as `wait=N`.")
            ),
            content(
                (ReportBody<'static> = "application/json", example = json!({
                    "cluster": "5d5892d3-1f74-4ccf-91af-548dfc9767aa",
                    "requestID": "6d2eede257644308a8949c4ec251c5c4",
                    "status": "processed",
                    "report": [{
                        "rule_fqdn": "ccx_rules_ocp.external.rules.nodes_requirements_check",
                        "error_key": "NODES_MINIMUM_REQUIREMENTS_NOT_MET",
                        "description": "Nodes have less memory than the cluster needs.\n",
                        "total_risk": 3
                    }],
                    "expires": "2026-03-02T11:31:20.25Z"
                })),
                (String = "text/html")
            )),
        ReportNotModified,
        ReportNotFound,
        CallLimits,
        CommonErrors
    )
)]
pub(crate) async fn report<S: RequestStore>(
    request: HttpRequest,
    ReadableRequest(key): ReadableRequest,
    lookup: web::Data<LookupService<S>>,
    limits: web::Data<Limits>,
    waiters: web::Data<Waiters>,
) -> Result<HttpResponse, ApiError> {
    let wait = Wait::of(request.headers(), &limits.wait);
    let ask = || tracing::lookup("report", lookup.report(&key));
    let Answer { found, was_heeded } =
        wait_for(&waiters, &key, wait.time, ask, |report| report.state).await?;
    let headers = WaitHeaders::new(wait, was_heeded);
    // Whoever is not let wait is not to ask again at once, unless there is nothing left to wait for.
    let is_final = found.as_ref().is_some_and(|report| report.state != RequestState::Received);
    let headers = if was_heeded || is_final { headers } else { headers.and_retry(&limits.wait) };
    let Some(report) = limits.visible(found, |report| report.state, request.headers()) else {
        return Err(ApiError::RequestNotFound(headers));
    };
    let body = ReportBody::new(&key, &report);
    let mut response = if prefers_html(&request) {
        pages::report::answer(&request, &body)
    } else if let Some(json) = wire::to_json(&body) {
        etag::answer(&request, json)
    } else {
        return Ok(wire::cannot_be_written());
    };
    response.headers_mut().append(header::VARY, HeaderValue::from_static("accept"));
    headers.add_to(response.headers_mut());
    Ok(response)
}
