//! The REST API and the admin address, on actix-web.
//!
//! Handlers extract, call the domain's lookup service and answer; they know neither a database nor where tokens come
//! from: `extract` alone sees who calls. `error` is the only place where an error becomes a status, `routes` the only
//! table of routes.
//!
//! From the top down: `api` and `admin` start listeners; `routes` and the finished OpenAPI document name `handlers`, and beside
//! them are the `pages` for people; these share `extract`, `limits`, `wire` and the parts of the document; `listener` and `connections` stand below the
//! web server.
#![allow(missing_docs, reason = "only the server uses this crate, and most names say what they are")]

mod accept;
mod admin;
mod api;
mod audit;
mod base_path;
mod call_id;
mod clients;
mod connections;
mod cors;
mod error;
mod etag;
mod extract;
mod failure_log;
mod gone;
mod handlers;
mod limits;
mod listener;
mod methods;
mod metrics;
mod observe;
mod openapi;
mod operator;
mod pages;
mod prefer;
mod readiness;
mod routes;
mod settings;
mod tls;
mod tracing;
mod wait;
mod wire;

pub use admin::serve_admin;
pub use api::{Api, serve_api};
pub use audit::AUDIT_TARGET;
pub use base_path::{BasePath, BasePathError};
pub use call_id::current_call_id;
pub use cors::{Origin, OriginError};
pub use limits::PendingStatus;
pub use listener::{BindError, BoundAddress, Listener, StopHandle};
pub use metrics::HttpMetrics;
pub use openapi::{AuthScheme, DocumentSettings, document as openapi_document};
pub use pages::PageSettings;
pub use readiness::{PartState, Readiness, ReadinessReport};
pub use settings::{IngestSettings, Settings};
pub use tls::{Tls, TlsError, TlsSettings};
pub use wait::WaitSettings;
pub use wire::BuildInfo;
