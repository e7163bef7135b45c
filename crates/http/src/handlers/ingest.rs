//! `POST /ingest/results` and `POST /ingest/announcements`

use actix_web::{HttpRequest, HttpResponse, web};
use gathering_domain::intake::{MessageBody, MessageIntake, MessageKind};

use crate::audit::{self, AuditedCall};
use crate::error::ApiError;
use crate::extract::{MessageBudget, WritableMessages, read_messages};
use crate::failure_log::FailureLog;
use crate::openapi::messages::{AnnouncementMessage, Lines, ResultMessage};
use crate::openapi::parameters::CallIdParameter;
use crate::openapi::responses::{CommonErrors, MessageErrors};
use crate::wire;

/// Records result messages
///
/// One message, or one on each line. Every message has an outcome of its own; one that is refused keeps no other out. The
/// answer comes once everything that it counts as stored or failed is durable. Sending messages again is harmless.
#[utoipa::path(
    post,
    path = "/ingest/results",
    operation_id = "ingestResults",
    tag = "ingest",
    params(CallIdParameter),
    request_body(
        description = "Messages as the pipeline publishes them; with `Content-Encoding: gzip` if compressed.",
        content(
            (ResultMessage = "application/json", example = json!({
                "OrgID": 42, "ClusterName": "5d5892d3-1f74-4ccf-91af-548dfc9767aa",
                "RequestId": "6d2eede257644308a8949c4ec251c5c4", "LastChecked": "2026-03-01T11:30:00Z",
                "Metadata": {"gathering_time": "2026-03-01T11:29:00Z"},
                "Report": {"system": {}, "fingerprints": [], "reports": []}
            })),
            (Lines = "application/x-ndjson")
        )
    ),
    responses(
        (status = 200, description = "What became of the messages.", body = wire::IngestSummary,
            headers(("x-rh-insights-request-id" = String, description = "The ID of this call.")),
            example = json!({
                "stored": 1, "failed": 0, "skipped": 0, "rejected": 1,
                "refusals": [{"record": 2, "outcome": "rejected", "reason": "the attribute 'OrgID' is missing"}],
                "status": "ok"
            })),
        MessageErrors,
        CommonErrors
    )
)]
pub(crate) async fn results<I: MessageIntake>(
    request: HttpRequest,
    messages: WritableMessages,
    payload: web::Payload,
    budget: web::Data<MessageBudget>,
    intake: web::Data<I>,
    log: web::Data<FailureLog>,
) -> Result<HttpResponse, ApiError> {
    ingest(&request, MessageKind::Result, messages, payload, budget, intake, log).await
}

/// Records upload announcements
///
/// As the platform's ingress publishes them: until its result is there, an announced request is `received`.
#[utoipa::path(
    post,
    path = "/ingest/announcements",
    operation_id = "ingestAnnouncements",
    tag = "ingest",
    params(CallIdParameter),
    request_body(
        description = "Announcements as ingress publishes them; with `Content-Encoding: gzip` if compressed.",
        content(
            (AnnouncementMessage = "application/json", example = json!({
                "request_id": "6d2eede257644308a8949c4ec251c5c4", "service": "openshift",
                "timestamp": "2026-03-01T11:30:00Z",
                "b64_identity": "eyJpZGVudGl0eSI6eyJvcmdfaWQiOiI0MiIsInN5c3RlbSI6eyJjbHVzdGVyX2lkIjoiNWQ1ODkyZDMtMWY3NC00Y2NmLTkxYWYtNTQ4ZGZjOTc2N2FhIn19fQ=="
            })),
            (Lines = "application/x-ndjson")
        )
    ),
    responses(
        (status = 200, description = "What became of the announcements.", body = wire::IngestSummary,
            headers(("x-rh-insights-request-id" = String, description = "The ID of this call.")),
            example = json!({
                "stored": 1, "failed": 0, "skipped": 1, "rejected": 0,
                "refusals": [{
                    "record": 2, "outcome": "skipped", "reason": "the announcement is for another service"
                }],
                "status": "ok"
            })),
        MessageErrors,
        CommonErrors
    )
)]
pub(crate) async fn announcements<I: MessageIntake>(
    request: HttpRequest,
    messages: WritableMessages,
    payload: web::Payload,
    budget: web::Data<MessageBudget>,
    intake: web::Data<I>,
    log: web::Data<FailureLog>,
) -> Result<HttpResponse, ApiError> {
    ingest(&request, MessageKind::Announcement, messages, payload, budget, intake, log).await
}

async fn ingest<I: MessageIntake>(
    request: &HttpRequest,
    kind: MessageKind,
    WritableMessages(grant, headers): WritableMessages,
    payload: web::Payload,
    budget: web::Data<MessageBudget>,
    intake: web::Data<I>,
    log: web::Data<FailureLog>,
) -> Result<HttpResponse, ApiError> {
    let bytes = read_messages(payload, headers, &budget, grant.tenant(), AuditedCall::of(request)).await?;
    let body = MessageBody { kind, framing: headers.framing, bytes };
    let tenant = grant.tenant();
    let summary = intake.ingest(body, grant).await?;
    log.refused(tenant, &summary.refusals);
    audit::ingested(request, &summary);
    Ok(wire::json(HttpResponse::Ok(), &wire::IngestSummary::from(summary)))
}
