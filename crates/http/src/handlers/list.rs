//! `GET /cluster/{clusterID}/requests`

use actix_web::{HttpResponse, web};
use gathering_domain::{LookupService, RequestStore};

use crate::error::ApiError;
use crate::extract::ReadableCluster;
use crate::openapi::{CallLimits, ClusterNotFound, ClusterParameter, Errors};
use crate::wire::{self, RequestEntry};

/// The recorded requests of a cluster
///
/// Newest `received` first, ties by request ID.
#[utoipa::path(
    get,
    path = "/cluster/{clusterID}/requests",
    operation_id = "listRequests",
    tag = "requests",
    params(ClusterParameter),
    responses(
        (status = 200, description = "The organization knows the cluster; the list may be empty.",
            body = wire::RequestList<'_>,
            headers(("x-rh-insights-request-id" = String, description = "The ID of this call.")),
            example = json!({
                "cluster": "5d5892d3-1f74-4ccf-91af-548dfc9767aa",
                "requests": [{
                    "requestID": "6d2eede257644308a8949c4ec251c5c4",
                    "valid": true,
                    "received": "2026-03-01T11:29:00Z",
                    "processed": "2026-03-01T11:31:20.25Z"
                }],
                "status": "ok"
            })),
        ClusterNotFound,
        CallLimits,
        Errors
    )
)]
pub(crate) async fn list<S: RequestStore>(
    ReadableCluster(grant): ReadableCluster,
    lookup: web::Data<LookupService<S>>,
) -> Result<HttpResponse, ApiError> {
    let cluster = grant.cluster();
    let records = lookup.list(grant.organization(), cluster).await?.ok_or(ApiError::ClusterNotFound)?;
    let requests = records.iter().map(RequestEntry::recorded).collect();
    Ok(wire::json(HttpResponse::Ok(), &wire::RequestList { cluster, requests, status: "ok" }))
}
