//! The answers with errors that endpoints share, as the document describes them.

use std::collections::BTreeMap;

use serde_json::json;
use utoipa::IntoResponses;
use utoipa::openapi::{
    ContentBuilder, Header, HeaderBuilder, ObjectBuilder, Ref, RefOr, Response, ResponseBuilder, Type,
};

use crate::call_id;

/// An answer that is no success.
struct ErrorResponse {
    status: &'static str,
    description: &'static str,
    /// The sentence of the error body.
    example: &'static str,
    /// The headers that only answers with this status have: their names and descriptions.
    headers: [Option<(&'static str, &'static str)>; 2],
}

impl ErrorResponse {
    const fn new(status: &'static str, description: &'static str, example: &'static str) -> Self {
        Self { status, description, example, headers: [None; 2] }
    }

    const fn with_header(self, name: &'static str, description: &'static str) -> Self {
        let [first, _] = self.headers;
        let header = Some((name, description));
        Self { headers: if first.is_none() { [header, None] } else { [first, header] }, ..self }
    }

    const fn with_retry_after(self) -> Self {
        self.with_header("Retry-After", "How many seconds to wait.")
    }

    /// The status and the response, as utoipa has them.
    fn build(self) -> (String, RefOr<Response>) {
        let schema = |name: &str| ContentBuilder::new().schema(Some(Ref::from_schema_name(name)));
        let plain = schema("Failure").example(Some(json!({"status": self.example}))).build();
        let mut response = ResponseBuilder::new()
            .description(self.description)
            .content("application/json", plain)
            .content("application/problem+json", schema("Problem").build())
            .header(call_id::HEADER.as_str(), text_header("The ID of this call."));
        for (name, description) in self.headers.into_iter().flatten() {
            response = response.header(name, text_header(description));
        }
        (self.status.to_owned(), RefOr::T(response.build()))
    }
}

fn text_header(description: &str) -> Header {
    let text = ObjectBuilder::new().schema_type(Type::String).build();
    HeaderBuilder::new().schema(Some(text)).description(Some(description)).build()
}

/// Makes groups of answers, each a type that handlers name in their part of the document.
macro_rules! error_responses {
    ($($(#[$comment:meta])* $group:ident = [$($response:expr),+ $(,)?];)+) => { $(
        $(#[$comment])*
        pub(crate) struct $group;

        impl IntoResponses for $group {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                [$($response),+].into_iter().map(ErrorResponse::build).collect()
            }
        }
    )+ };
}

const PREFERENCE_APPLIED: &str = "What was heeded of `Prefer`, as `wait=N`.";

const REQUEST_NOT_FOUND: ErrorResponse = ErrorResponse::new(
    "404",
    "The organization has no such request, or it has expired.",
    "Request ID not found for given org_id and cluster_id",
)
.with_header("Preference-Applied", PREFERENCE_APPLIED);

const METHOD_NOT_ALLOWED: ErrorResponse = ErrorResponse::new(
    "405",
    "The endpoint does not know the method.",
    "The endpoint does not know this method; it knows GET, HEAD, OPTIONS",
)
.with_header("Allow", "The methods that the endpoint knows.");

error_responses! {
    /// The 404 of the report of one request.
    ReportNotFound = [REQUEST_NOT_FOUND];
    /// The 404 of the status of one request.
    StatusNotFound = [REQUEST_NOT_FOUND
        .with_header("Retry-After", "How many seconds to wait before the status is asked for again.")];
    /// The 404 of a cluster.
    ClusterNotFound = [ErrorResponse::new(
        "404",
        "The organization does not know the cluster.",
        "Requests for cluster not found",
    )];
    /// Errors about the body of a list of request IDs.
    BodyErrors = [
        ErrorResponse::new(
            "408",
            "The body came too slowly, or not whole in time.",
            "The request body did not arrive within 30 seconds",
        ),
        ErrorResponse::new(
            "413",
            "The body is larger than `http.max_body`.",
            "The request body is larger than 1048576 bytes",
        ),
    ];
    /// Errors about a body of messages.
    MessageErrors = [
        ErrorResponse::new(
            "408",
            "The body came too slowly, or not whole in time.",
            "The request body did not arrive within 30 seconds",
        ),
        ErrorResponse::new(
            "413",
            "The body, uncompressed, is larger than `ingest.http.max_body`.",
            "The request body is larger than 16777216 bytes",
        ),
        ErrorResponse::new(
            "415",
            "The body is of another kind, or compressed in another way.",
            "The body has no Content-Type; it has to be application/json for one message, or application/x-ndjson for \
             one on each line",
        ),
        ErrorResponse::new(
            "429",
            "Too much waits to be recorded, or the organization or the caller calls too often.",
            "Too much waits to be recorded at the moment, please try again",
        )
        .with_retry_after(),
    ];
    /// The 429 of lists of request IDs.
    ListLimits = [ErrorResponse::new(
        "429",
        "Too many bodies arrive, or the organization or the caller calls too often.",
        "Too many request bodies arrive at the moment, please try again",
    )
    .with_retry_after()];
    /// A limit on calls, for endpoints that have no other 429.
    CallLimits = [ErrorResponse::new(
        "429",
        "The organization or the caller calls too often.",
        "Too Many Requests: the caller calls too often, please try again later",
    )
    .with_retry_after()];
    /// What an endpoint that asks nobody and nothing can answer instead.
    OpenErrors = [METHOD_NOT_ALLOWED];
    /// What every endpoint that asks who calls can answer instead.
    CommonErrors = [
        ErrorResponse::new(
            "400",
            "A parameter or the body is not valid.",
            "Parameter 'clusterID' with value 'aaaa' is not valid: a cluster ID is a UUID such as \
             5d5892d3-1f74-4ccf-91af-548dfc9767aa",
        ),
        ErrorResponse::new(
            "401",
            "The caller does not say who it is, or it cannot be verified.",
            "Unauthorized: an Authorization header with a bearer token is required",
        )
        .with_header("WWW-Authenticate", "Where tokens are asked for: the challenge, as RFC 6750 has it."),
        ErrorResponse::new(
            "403",
            "The caller lacks the permission, or is bound to another cluster.",
            "Forbidden: the caller is bound to another cluster",
        ),
        METHOD_NOT_ALLOWED,
        ErrorResponse::new("500", "A defect of the service.", "Internal Server Error"),
        ErrorResponse::new(
            "503",
            "The storage is unreachable, too slow or too busy, or what the caller is verified with, keys or permissions, cannot be had.",
            "The storage cannot answer at the moment, please try again",
        )
        .with_retry_after(),
    ];
}

/// The 304 of answers that have an `ETag`.
pub(crate) struct NotModified;

/// The same of reports, which may be waited for.
pub(crate) struct ReportNotModified;

fn not_modified() -> ResponseBuilder {
    ResponseBuilder::new()
        .description("The client has this answer already, by its `If-None-Match`.")
        .header(call_id::HEADER.as_str(), text_header("The ID of this call."))
        .header("ETag", text_header("The tag of this answer."))
}

impl IntoResponses for NotModified {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        BTreeMap::from([("304".to_owned(), RefOr::T(not_modified().build()))])
    }
}

impl IntoResponses for ReportNotModified {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let response = not_modified().header("Preference-Applied", text_header(PREFERENCE_APPLIED));
        BTreeMap::from([("304".to_owned(), RefOr::T(response.build()))])
    }
}
