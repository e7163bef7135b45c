//! The REST API and the admin address, on actix-web.
//!
//! Handlers extract, call the domain's lookup service and answer; they know neither a database nor where tokens come
//! from: `extract` alone sees who calls. `error` is the only place where an error becomes a status, `routes` the only table of routes.

mod admin;
mod base_path;
mod connections;
mod cors;
mod error;
mod extract;
mod failure_log;
mod handlers;
mod listener;
mod metrics;
mod observe;
mod openapi;
mod request_id;
mod routes;
mod server;
mod stream;
mod tls;
mod wire;

pub use admin::{Readiness, serve_admin};
pub use base_path::{BasePath, BasePathError};
pub use cors::{Origin, OriginError};
pub use listener::{BindError, BoundAddress, Listener, StopHandle};
pub use metrics::HttpMetrics;
pub use openapi::{CallersProve, document as openapi_document};
pub use request_id::current_request_id;
pub use server::{Api, IngestSettings, PendingStatus, Settings, serve_api};
pub use tls::{Tls, TlsError, TlsSettings};
