//! `GET /cluster/{clusterID}/requests`

use actix_web::{HttpRequest, HttpResponse, web};
use gathering_domain::answer::ListBody;
use gathering_domain::ids::ClusterId;
use gathering_domain::lookup::{LookupService, RequestList};
use gathering_domain::store::{RequestStore, StoreError};

use crate::error::ApiError;
use crate::etag;
use crate::extract::ReadableCluster;
use crate::limits::Limits;
use crate::openapi::parameters::{CallIdParameter, ClusterParameter, IfNoneMatchParameter};
use crate::openapi::responses::{CallLimits, ClusterNotFound, CommonErrors, NotModified};
use crate::tracing;
use crate::wire;

/// The recorded requests of a cluster
///
/// Newest `received` first, ties by request ID. Where the cluster has more requests than the service lists
/// (`http.max_list`), the older ones are left out, and `truncated` is there and true.
#[utoipa::path(
    get,
    path = "/cluster/{clusterID}/requests",
    operation_id = "listRequests",
    tag = "requests",
    params(ClusterParameter, IfNoneMatchParameter, CallIdParameter),
    responses(
        (status = 200, description = "The organization knows the cluster; the list may be empty.",
            body = ListBody<'_>,
            headers(
                ("x-rh-insights-request-id" = String, description = "The ID of this call."),
                ("ETag" = String, description = "Made of the content alone; for `If-None-Match`.")
            ),
            example = json!({
                "cluster": "5d5892d3-1f74-4ccf-91af-548dfc9767aa",
                "requests": [{
                    "requestID": "6d2eede257644308a8949c4ec251c5c4",
                    "valid": true,
                    "received": "2026-03-01T11:29:00Z",
                    "processed": "2026-03-01T11:31:20.25Z",
                    "status": "processed",
                    "expires": "2026-03-02T11:31:20.25Z"
                }],
                "status": "ok"
            })),
        NotModified,
        ClusterNotFound,
        CallLimits,
        CommonErrors
    )
)]
pub(crate) async fn list<S: RequestStore>(
    request: HttpRequest,
    ReadableCluster(grant): ReadableCluster,
    lookup: web::Data<LookupService<S>>,
    limits: web::Data<Limits>,
) -> Result<HttpResponse, ApiError> {
    let cluster = grant.cluster();
    let list = tracing::lookup("list", lookup.list(grant.organization(), cluster, limits.max_list)).await?;
    let list = list.ok_or(ApiError::ClusterNotFound)?;
    let json = if list.records.len() > MAX_INLINE {
        web::block(move || to_json(cluster, &list)).await.map_err(StoreError::defect)?
    } else {
        to_json(cluster, &list)
    };
    let json = json.ok_or_else(|| StoreError::defect("the list cannot be written"))?;
    Ok(etag::answer(&request, json))
}

/// Lists with more entries are written on a thread for blocking work: other calls on this one would wait for it.
const MAX_INLINE: usize = 1000;

fn to_json(cluster: ClusterId, list: &RequestList) -> Option<Vec<u8>> {
    wire::to_json(&ListBody::of_cluster(cluster, list))
}
