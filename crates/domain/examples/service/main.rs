//! A service on the domain crate with a web framework and a store of its own.
//!
//! `cargo run --package gathering-domain --features conformance --example service` serves on 127.0.0.1:8080, for the
//! organization that the header `x-org-id` names:
//!
//! ```sh
//! curl -H 'x-org-id: 42' http://127.0.0.1:8080/cluster/5d5892d3-1f74-4ccf-91af-548dfc9767aa/requests
//! ```
//!
//! It lacks what only a service for the open world needs: see the crates `gathering-auth` and `gathering-http`.

mod shards;

use std::sync::Arc;

use axum::extract::{FromRequestParts, Path, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use gathering_domain::answer::{ListBody, ReportBody, StatusBody};
use gathering_domain::prelude::*;

use crate::shards::Shards;

/// A clone answers from the same store and the same content.
type Lookup = LookupService<Arc<Shards<SystemClock>>>;

/// Why there is no answer.
enum Failure {
    Parameter(IdError),
    NotFound,
    Store(StoreError),
}

impl From<IdError> for Failure {
    fn from(error: IdError) -> Self {
        Self::Parameter(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let (status, text) = match self {
            Self::Parameter(error) => (StatusCode::BAD_REQUEST, format!("{}: {error}", error.parameter())),
            Self::NotFound => (StatusCode::NOT_FOUND, "nothing is recorded".to_owned()),
            // What a driver says is for logs.
            Self::Store(error) if error.may_pass() => {
                (StatusCode::SERVICE_UNAVAILABLE, "please try again".to_owned())
            }
            Self::Store(_) => (StatusCode::INTERNAL_SERVER_ERROR, "the storage is broken".to_owned()),
        };
        (status, text).into_response()
    }
}

/// Who asks. A real service takes this from a token.
struct Caller(OrganizationId);

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let header = parts.headers.get("x-org-id").and_then(|value| value.to_str().ok());
        Ok(Self(header.unwrap_or_default().parse()?))
    }
}

async fn status(
    State(lookup): State<Lookup>,
    Caller(organization): Caller,
    Path((cluster, request)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let key = RequestKey::new(organization, cluster.parse()?, request.parse()?);
    let status = lookup.status(&key).await?.ok_or(Failure::NotFound)?;
    Ok(Json(StatusBody::new(&key, &status)).into_response())
}

async fn report(
    State(lookup): State<Lookup>,
    Caller(organization): Caller,
    Path((cluster, request)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let key = RequestKey::new(organization, cluster.parse()?, request.parse()?);
    let report = lookup.report(&key).await?.ok_or(Failure::NotFound)?;
    Ok(Json(ReportBody::new(&key, &report)).into_response())
}

async fn list(
    State(lookup): State<Lookup>,
    Caller(organization): Caller,
    Path(cluster): Path<String>,
) -> Result<Response, Failure> {
    let cluster = cluster.parse()?;
    let list = lookup.list(organization, cluster, None).await?.ok_or(Failure::NotFound)?;
    Ok(Json(ListBody::of_cluster(cluster, &list)).into_response())
}

async fn select(
    State(lookup): State<Lookup>,
    Caller(organization): Caller,
    Path(cluster): Path<String>,
    Json(asked): Json<Vec<RequestId>>,
) -> Result<Response, Failure> {
    let cluster = cluster.parse()?;
    let found = lookup.select(organization, cluster, &asked).await?;
    Ok(Json(ListBody::of_selection(cluster, &asked, &found)).into_response())
}

fn routes(lookup: Lookup) -> Router {
    Router::new()
        .route("/cluster/{cluster}/requests", get(list).post(select))
        .route("/cluster/{cluster}/request/{request}/status", get(status))
        .route("/cluster/{cluster}/request/{request}/report", get(report))
        .with_state(lookup)
}

/// A service whose store holds one result.
async fn service() -> Result<Lookup, Box<dyn std::error::Error>> {
    let store = Arc::new(Shards::new(SystemClock, Retention::default()));
    let hit: RuleHit = "ccx_rules.external.tutorial_rule|TUTORIAL_ERROR".parse()?;
    let text =
        RuleContent { generic: "There is a problem.".to_owned(), summary: String::new(), total_risk: 3 };
    store.replace_content([(hit.clone(), text)].into_iter().collect()).await?;
    let key = RequestKey::parse("42", "5d5892d3-1f74-4ccf-91af-548dfc9767aa", "6d2eede257644308")?;
    let received_at = SystemClock.now();
    store.store(vec![RequestEvent { key, received_at, kind: EventKind::Processed(vec![hit]) }]).await?;

    let lookup = LookupService::over(store, ReportPolicy::default());
    // Without this no report with hits can be made. A service whose content changes does it every minute or so.
    lookup.refresh().await?;
    Ok(lookup)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
    Ok(axum::serve(listener, routes(service().await?)).await?)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    #[tokio::test]
    async fn the_store_does_what_is_asked_of_a_store() {
        let make = async |clock| Shards::new(clock, Retention::default());
        gathering_domain::conformance::check(make).await;
    }

    /// What the service answers to a call: its status and its body.
    async fn call(method: &str, path: &str, body: &str) -> (u16, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let server = tokio::spawn(axum::serve(listener, routes(service().await.unwrap())).into_future());
        let head = format!(
            "{method} /cluster/5d5892d3-1f74-4ccf-91af-548dfc9767aa/{path} HTTP/1.1\r\nhost: localhost\r\n\
             x-org-id: 42\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all((head + body).as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        server.abort();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    #[tokio::test]
    async fn answers_what_clients_read() {
        let (code, body) = call("GET", "request/6d2eede257644308/status", "").await;
        let status: StatusBody<'static> = serde_json::from_str(&body).unwrap();
        assert_eq!((code, status.status), (200, RequestState::Processed));

        let (_, body) = call("GET", "request/6d2eede257644308/report", "").await;
        let report: ReportBody<'static> = serde_json::from_str(&body).unwrap();
        assert_eq!((report.report[0].error_key.as_ref(), report.report[0].total_risk), ("TUTORIAL_ERROR", 3));

        let (_, body) = call("GET", "requests", "").await;
        let list: ListBody<'static> = serde_json::from_str(&body).unwrap();
        assert_eq!((list.requests.len(), list.truncated), (1, false));

        let (_, body) = call("POST", "requests", "[\"unknown\", \"6d2eede257644308\"]").await;
        let list: ListBody<'static> = serde_json::from_str(&body).unwrap();
        assert_eq!(list.requests.iter().map(|entry| entry.valid).collect::<Vec<_>>(), [false, true]);
    }

    #[tokio::test]
    async fn says_what_is_wrong() {
        assert_eq!(call("GET", "request/unknown/status", "").await.0, 404);
        let (code, text) = call("GET", "request/not_an_id/status", "").await;
        assert_eq!(
            (code, text.as_str()),
            (
                400,
                "requestID: a request ID is 1 to 128 ASCII letters, digits or hyphens, with no hyphen at its start"
            )
        );
    }
}
