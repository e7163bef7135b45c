//! The answers with errors that endpoints share, as the document describes them.

use std::collections::BTreeMap;

use serde_json::json;
use utoipa::IntoResponses;
use utoipa::openapi::{
    ContentBuilder, HeaderBuilder, ObjectBuilder, Ref, RefOr, Response, ResponseBuilder, Type,
};

use crate::request_id;

/// An answer that is no success.
struct ErrorResponse {
    status: &'static str,
    description: &'static str,
    /// The sentence of the error body.
    example: &'static str,
    /// A header that only answers with this status have: its name and description.
    header: Option<(&'static str, &'static str)>,
}

impl ErrorResponse {
    const fn new(status: &'static str, description: &'static str, example: &'static str) -> Self {
        Self { status, description, example, header: None }
    }

    const fn with_header(self, name: &'static str, description: &'static str) -> Self {
        Self { header: Some((name, description)), ..self }
    }

    const fn with_retry_after(self) -> Self {
        self.with_header("Retry-After", "How many seconds to wait.")
    }

    /// The status and the response, as utoipa has them.
    fn build(self) -> (String, RefOr<Response>) {
        let schema = |name: &str| ContentBuilder::new().schema(Some(Ref::from_schema_name(name)));
        let text = |description: &str| {
            let text = ObjectBuilder::new().schema_type(Type::String).build();
            HeaderBuilder::new().schema(Some(text)).description(Some(description)).build()
        };
        let plain = schema("Failure").example(Some(json!({"status": self.example}))).build();
        let mut response = ResponseBuilder::new()
            .description(self.description)
            .content("application/json", plain)
            .content("application/problem+json", schema("Problem").build())
            .header(request_id::HEADER.as_str(), text("The ID of this call."));
        if let Some((name, description)) = self.header {
            response = response.header(name, text(description));
        }
        (self.status.to_owned(), RefOr::T(response.build()))
    }
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

error_responses! {
    /// The 404 of one request.
    RequestNotFound = [ErrorResponse::new(
        "404",
        "The organization has no such request, or it has expired.",
        "Request ID not found for given org_id and cluster_id",
    )
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
    /// What every endpoint that needs a token can answer instead.
    CommonErrors = [
        ErrorResponse::new(
            "400",
            "A parameter or the body is not valid.",
            "Parameter 'clusterID' with value 'aaaa' is not valid: a cluster ID is a UUID such as \
             5d5892d3-1f74-4ccf-91af-548dfc9767aa",
        ),
        ErrorResponse::new(
            "401",
            "There is no token, or it does not verify.",
            "Unauthorized: an Authorization header with a bearer token is required",
        )
        .with_header("WWW-Authenticate", "The challenge, as RFC 6750 has it."),
        ErrorResponse::new(
            "403",
            "The token lacks the scope, or is bound to another cluster.",
            "Forbidden: the caller is bound to another cluster",
        ),
        ErrorResponse::new(
            "405",
            "The endpoint does not know the method.",
            "The endpoint does not know this method; it knows GET, HEAD, OPTIONS",
        )
        .with_header("Allow", "The methods that the endpoint knows."),
        ErrorResponse::new("500", "A defect of the service.", "Internal Server Error"),
        ErrorResponse::new(
            "503",
            "The storage is unreachable, too slow or too busy, or the keys of the token's issuer cannot be had.",
            "The storage cannot answer at the moment, please try again",
        )
        .with_retry_after(),
    ];
}

/// The 304 of answers that have an `ETag`.
pub(crate) struct NotModified;

impl IntoResponses for NotModified {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let response = ResponseBuilder::new()
            .description("The client has this answer already, by its `If-None-Match`.")
            .build();
        BTreeMap::from([("304".to_owned(), RefOr::T(response))])
    }
}
