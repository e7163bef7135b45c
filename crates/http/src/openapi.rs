//! The OpenAPI document: the chapters of the handlers with what they share.

use std::collections::BTreeMap;

use gathering_auth::CredentialHeader;
use serde_json::json;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{
    ContentBuilder, HeaderBuilder, ObjectBuilder, Ref, RefOr, Response, ResponseBuilder, Server, Type,
};
use utoipa::{IntoParams, IntoResponses, OpenApi};

use crate::base_path::BasePath;
use crate::{handlers, request_id, wire};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "gathering",
        description = "Requests of on-demand data gathering of OpenShift clusters, and what their analysis found.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    paths(
        handlers::status::status,
        handlers::list::list,
        handlers::select::select,
        handlers::report::report,
        handlers::ingest::results,
        handlers::ingest::announcements
    ),
    components(schemas(wire::Failure, wire::Problem)),
    tags(
        (name = "requests", description = "Requests of a cluster. Every organization sees its own only."),
        (name = "ingest", description = "What the pipeline publishes, for those who have no Kafka. The token needs the \
            scope `write`, or `write:any` for messages of other organizations.")
    )
)]
struct Document;

/// How callers prove who they are, as far as the document says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallersProve {
    /// With a bearer token.
    Token,
    /// By the header of a gateway.
    IdentityHeader,
    /// Not at all.
    Nothing,
}

impl CallersProve {
    /// The scheme's name, and what it is.
    fn scheme(self) -> Option<(&'static str, SecurityScheme)> {
        match self {
            Self::Token => {
                let token = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").description(Some(
                    "A JSON Web Token with the claims `org_id` and `exp`, and the scope `read` (also without `scope`) \
                     or `write`.",
                ));
                Some(("bearerToken", SecurityScheme::Http(token.build())))
            }
            Self::IdentityHeader => {
                let header = ApiKeyValue::with_description(
                    CredentialHeader::Identity.name(),
                    "The identity that the gateway in front puts in: base64 of a JSON object.",
                );
                Some(("identityHeader", SecurityScheme::ApiKey(ApiKey::Header(header))))
            }
            Self::Nothing => None,
        }
    }
}

/// The document for a service with these base paths, with or without the endpoints for messages, OpenAPI 3.1 as JSON.
pub fn document(base_paths: &[BasePath], takes_messages: bool, callers: CallersProve) -> String {
    let mut document = Document::openapi();
    if !takes_messages {
        document.paths.paths.retain(|path, _| !path.starts_with("/ingest/"));
    }
    document.servers = Some(base_paths.iter().map(|path| Server::new(path.to_string())).collect());
    if let Some((name, scheme)) = callers.scheme() {
        let components = document.components.get_or_insert_default();
        components.security_schemes.insert(name.to_owned(), scheme.into());
        document.security = Some(vec![SecurityRequirement::new(name, Vec::<String>::new())]);
    }
    document.to_pretty_json().unwrap_or_default() + "\n"
}

/// `clusterID`.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "a chapter of the document; extractors read the path")]
pub(crate) struct ClusterParameter {
    /// The cluster: a UUID with hyphens, in any letter case.
    #[param(rename = "clusterID", format = "uuid", example = "5d5892d3-1f74-4ccf-91af-548dfc9767aa")]
    cluster: String,
}

/// `requestID`.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "a chapter of the document; extractors read the path")]
pub(crate) struct RequestParameter {
    /// The request: the ID that the upload was answered with.
    #[param(
        rename = "requestID",
        pattern = "^[a-zA-Z0-9]+$",
        min_length = 1,
        max_length = 128,
        example = "6d2eede257644308a8949c4ec251c5c4"
    )]
    request: String,
}

/// An answer that is no success: status, what it means, an example, and a header of its own.
type FailureChapter = (&'static str, &'static str, &'static str, Option<(&'static str, &'static str)>);

/// Makes a group of answers that handlers name in their chapters.
macro_rules! failures {
    ($($(#[$comment:meta])* $group:ident = [$($chapter:expr),+ $(,)?];)+) => { $(
        $(#[$comment])*
        pub(crate) struct $group;

        impl IntoResponses for $group {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                [$($chapter),+].into_iter().map(failure).collect()
            }
        }
    )+ };
}

failures! {
    /// The 404 of one request.
    RequestNotFound = [(
        "404",
        "The organization has no such request, or it has expired.",
        "Request ID not found for given org_id and cluster_id",
        None,
    )];
    /// The 404 of a cluster.
    ClusterNotFound =
        [("404", "The organization does not know the cluster.", "Requests for cluster not found", None)];
    /// What can be wrong with a body on its way.
    BodyErrors = [
        (
            "408",
            "The body came too slowly, or not whole in time.",
            "The request body did not arrive within 30 seconds",
            None,
        ),
        (
            "413",
            "The body is larger than `http.max_body`.",
            "The request body is larger than 1048576 bytes",
            None,
        ),
    ];
    /// What can be wrong with a body of messages on its way.
    MessageErrors = [
        (
            "408",
            "The body came too slowly, or not whole in time.",
            "The request body did not arrive within 30 seconds",
            None,
        ),
        (
            "413",
            "The body, uncompressed, is larger than `ingest.http.max_body`.",
            "The request body is larger than 16777216 bytes",
            None,
        ),
        (
            "415",
            "The body is of another kind, or compressed in another way.",
            "The body has no Content-Type; it has to be application/json for one message, or application/x-ndjson for \
             one on each line",
            None,
        ),
        (
            "429",
            "Too much waits to be recorded, or the organization or the caller calls too often.",
            "Too much waits to be recorded at the moment, please try again",
            Some(("Retry-After", "How many seconds to wait.")),
        ),
    ];
    /// The 429 of lists of request IDs.
    ListLimits = [(
        "429",
        "Too many bodies arrive, or the organization or the caller calls too often.",
        "Too many request bodies arrive at the moment, please try again",
        Some(("Retry-After", "How many seconds to wait.")),
    )];
    /// A limit on calls, for endpoints that have no other 429.
    CallLimits = [(
        "429",
        "The organization or the caller calls too often.",
        "Too Many Requests: the caller calls too often, please try again later",
        Some(("Retry-After", "How many seconds to wait.")),
    )];
    /// What every endpoint that wants a token can answer instead.
    Errors = [
        (
            "400",
            "A parameter or the body is not valid.",
            "Parameter 'clusterID' with value 'aaaa' is not valid: a cluster ID is a UUID such as \
             5d5892d3-1f74-4ccf-91af-548dfc9767aa",
            None,
        ),
        (
            "401",
            "There is no token, or it does not verify.",
            "Unauthorized: an Authorization header with a bearer token is required",
            Some(("WWW-Authenticate", "The challenge, as RFC 6750 has it.")),
        ),
        (
            "403",
            "The token lacks the scope, or is bound to another cluster.",
            "Forbidden: the caller is bound to another cluster",
            None,
        ),
        (
            "405",
            "The endpoint does not know the method.",
            "The endpoint does not know this method; it knows GET, HEAD, OPTIONS",
            Some(("Allow", "The methods that the endpoint knows.")),
        ),
        ("500", "A defect of the service.", "Internal Server Error", None),
        (
            "503",
            "The storage is unreachable, too slow or too busy, or the keys of the token's issuer cannot be had.",
            "The storage cannot answer at the moment, please try again",
            Some(("Retry-After", "How many seconds to wait.")),
        ),
    ];
}

fn failure((status, description, example, header): FailureChapter) -> (String, RefOr<Response>) {
    let schema = |name: &str| ContentBuilder::new().schema(Some(Ref::from_schema_name(name)));
    let text = |description: &str| {
        let text = ObjectBuilder::new().schema_type(Type::String).build();
        HeaderBuilder::new().schema(Some(text)).description(Some(description)).build()
    };
    let plain = schema("Failure").example(Some(json!({"status": example}))).build();
    let mut response = ResponseBuilder::new()
        .description(description)
        .content("application/json", plain)
        .content("application/problem+json", schema("Problem").build())
        .header(request_id::HEADER.as_str(), text("The ID of this call."));
    if let Some((name, description)) = header {
        response = response.header(name, text(description));
    }
    (status.to_owned(), RefOr::T(response.build()))
}
