//! The finished OpenAPI document: what the handlers say of themselves, and what holds for all of them.

use utoipa::OpenApi;
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{Array, RefOr, Schema, Server};

use super::auth_scheme::AuthScheme;
use crate::error::body::{ErrorBody, ProblemDetails};
use crate::handlers;

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
        handlers::info::info,
        handlers::ingest::results,
        handlers::ingest::announcements
    ),
    components(schemas(ErrorBody, ProblemDetails)),
    tags(
        (name = "requests", description = "Requests of a cluster. Every organization sees its own only."),
        (name = "ingest", description = "What the pipeline publishes, for those who have no Kafka. The caller needs \
            the permission to write: where tokens are asked for, the scope `write`, or `write:any` for messages of other \
            organizations."),
        (name = "service", description = "The service itself.")
    )
)]
struct Document;

/// What the document says of a service.
#[derive(Debug, Clone)]
pub struct DocumentSettings {
    /// Where the endpoints are: paths, or references that count from where the document is.
    pub servers: Vec<String>,
    /// Whether there are endpoints for messages.
    pub takes_messages: bool,
    pub auth_scheme: AuthScheme,
    /// The most IDs in a list of request IDs.
    pub max_request_ids: usize,
}

/// The document, OpenAPI 3.1 as JSON.
pub fn document(settings: DocumentSettings) -> String {
    let DocumentSettings { servers, takes_messages, auth_scheme, max_request_ids } = settings;
    let mut document = Document::openapi();
    if !takes_messages {
        document.paths.paths.retain(|path, _| !path.starts_with("/ingest/"));
    }
    document.servers = Some(servers.into_iter().map(Server::new).collect());
    if let Some((name, scheme)) = auth_scheme.security_scheme() {
        let components = document.components.get_or_insert_default();
        components.security_schemes.insert(name.to_owned(), scheme.into());
        document.security = Some(vec![SecurityRequirement::new(name, Vec::<String>::new())]);
    }
    if let Some(list) = list_of_request_ids(&mut document) {
        list.max_items = Some(max_request_ids);
    }
    document.to_pretty_json().unwrap_or_default() + "\n"
}

/// The schema of the list that is posted to select requests.
fn list_of_request_ids(document: &mut utoipa::openapi::OpenApi) -> Option<&mut Array> {
    let select = document.paths.paths.get_mut("/cluster/{clusterID}/requests")?.post.as_mut()?;
    let RefOr::T(body) = select.request_body.as_mut()? else { return None };
    let RefOr::T(content) = body.content.get_mut("application/json")? else { return None };
    match content.schema.as_mut()? {
        RefOr::T(Schema::Array(list)) => Some(list),
        _ => None,
    }
}
