//! `GET /cluster/{clusterID}/request/{requestID}/report`

use actix_web::{HttpResponse, web};
use gathering_domain::answer::ReportBody;
use gathering_domain::lookup::LookupService;
use gathering_domain::store::RequestStore;

use crate::error::ApiError;
use crate::extract::ReadableRequest;
use crate::limits::Limits;
use crate::openapi::parameters::{ClusterParameter, RequestParameter};
use crate::openapi::responses::{CallLimits, CommonErrors, RequestNotFound};
use crate::wire;

/// What the analysis of a request found
///
/// Ordered by risk from high to low, then by rule and error key. Empty until the request is processed, and for a
/// healthy cluster. Rules that the organization acknowledged, or disabled for the cluster, are left out where the service
/// knows of them.
#[utoipa::path(
    get,
    path = "/cluster/{clusterID}/request/{requestID}/report",
    operation_id = "getRequestReport",
    tag = "requests",
    params(ClusterParameter, RequestParameter),
    responses(
        (status = 200, description = "The request is recorded.", body = ReportBody<'static>,
            headers(("x-rh-insights-request-id" = String, description = "The ID of this call.")),
            example = json!({
                "cluster": "5d5892d3-1f74-4ccf-91af-548dfc9767aa",
                "requestID": "6d2eede257644308a8949c4ec251c5c4",
                "status": "processed",
                "report": [{
                    "rule_fqdn": "ccx_rules_ocp.external.rules.nodes_requirements_check",
                    "error_key": "NODES_MINIMUM_REQUIREMENTS_NOT_MET",
                    "description": "Nodes have less memory than the cluster needs.\n",
                    "total_risk": 3
                }]
            })),
        RequestNotFound,
        CallLimits,
        CommonErrors
    )
)]
pub(crate) async fn report<S: RequestStore>(
    ReadableRequest(key): ReadableRequest,
    lookup: web::Data<LookupService<S>>,
    limits: web::Data<Limits>,
) -> Result<HttpResponse, ApiError> {
    let report = limits.visible(lookup.report(&key).await?, |report| report.state)?;
    Ok(wire::json(HttpResponse::Ok(), &ReportBody::new(&key, &report)))
}
