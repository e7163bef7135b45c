//! `POST /cluster/{clusterID}/requests`

use actix_web::{HttpResponse, web};
use gathering_domain::answer::ListBody;
use gathering_domain::lookup::LookupService;
use gathering_domain::store::RequestStore;

use crate::error::ApiError;
use crate::extract::ReadableSelection;
use crate::openapi::parameters::{CallIdParameter, ClusterParameter, RequestIdInBody};
use crate::openapi::responses::{BodyErrors, CommonErrors, ListLimits};
use crate::tracing;
use crate::wire;

/// Selected requests of a cluster
///
/// One entry for each given ID, in the given order, duplicates kept. A request that is not recorded is there with
/// `valid: false`, also when the organization does not know the cluster at all.
#[utoipa::path(
    post,
    path = "/cluster/{clusterID}/requests",
    operation_id = "selectRequests",
    tag = "requests",
    params(ClusterParameter, CallIdParameter),
    request_body(content = Vec<RequestIdInBody>, description = "The request IDs, whatever the Content-Type says.",
        content_type = "application/json",
        example = json!(["6d2eede257644308a8949c4ec251c5c4", "unknown1"])),
    responses(
        (status = 200, description = "One entry for each given ID.", body = ListBody<'_>,
            headers(("x-rh-insights-request-id" = String, description = "The ID of this call.")),
            example = json!({
                "cluster": "5d5892d3-1f74-4ccf-91af-548dfc9767aa",
                "requests": [
                    {
                        "requestID": "6d2eede257644308a8949c4ec251c5c4",
                        "valid": true,
                        "received": "2026-03-01T11:29:00Z",
                        "processed": "2026-03-01T11:31:20.25Z",
                        "status": "processed",
                        "expires": "2026-03-02T11:31:20.25Z"
                    },
                    {
                        "requestID": "unknown1",
                        "valid": false,
                        "received": null,
                        "processed": null,
                        "status": null,
                        "expires": null
                    }
                ],
                "status": "ok"
            })),
        BodyErrors,
        ListLimits,
        CommonErrors
    )
)]
pub(crate) async fn select<S: RequestStore>(
    ReadableSelection(grant, ids, _guard): ReadableSelection,
    lookup: web::Data<LookupService<S>>,
) -> Result<HttpResponse, ApiError> {
    let cluster = grant.cluster();
    let records = tracing::lookup("select", lookup.select(grant.organization(), cluster, &ids)).await?;
    Ok(wire::json(HttpResponse::Ok(), &ListBody::of_selection(cluster, &ids, &records)))
}
