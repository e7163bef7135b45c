//! What the API is told of the configuration. `config/default.toml` has the defaults.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use crate::base_path::BasePath;
use crate::cors::Origin;
use crate::limits::PendingStatus;
use crate::openapi::AuthScheme;
use crate::pages::PageSettings;
use crate::tls::Tls;
use crate::wait::WaitSettings;
use crate::wire::BuildInfo;

#[derive(Debug, Clone)]
pub struct Settings {
    /// Without certificates the API speaks plain HTTP.
    pub tls: Option<Arc<Tls>>,
    /// What `/info` says of the program.
    pub build: BuildInfo,
    /// How callers authenticate, for the OpenAPI document.
    pub auth_scheme: AuthScheme,
    /// The paths under which the endpoints answer.
    pub base_paths: Vec<BasePath>,
    /// How many threads answer; at least one does.
    pub workers: usize,
    /// The most connections at once. For each one over it, one that was idle is closed.
    pub max_connections: usize,
    /// How long an answer may take to be read, from its first byte on, for each MiB of it.
    pub write_timeout: Duration,
    /// The largest body of a list of request IDs, in bytes.
    pub max_body: usize,
    /// What all lists of request IDs that are being read may take up together, in bytes; at least one is always let in.
    pub max_in_flight: usize,
    /// `None` where there are no endpoints for messages.
    pub ingest: Option<IngestSettings>,
    /// `None` where the pages `/ui` and `/docs` are switched off.
    pub pages: Option<PageSettings>,
    /// The most IDs in a list of request IDs.
    pub max_request_ids: usize,
    /// The most entries in the list of a cluster's requests, the newest; `None` for any number.
    pub max_list: Option<NonZeroUsize>,
    pub pending_status: PendingStatus,
    pub wait: WaitSettings,
    /// How long calls may still take after a stop.
    pub shutdown_grace: Duration,
    /// Origins whose pages may call from a browser.
    pub cors_origins: Vec<Origin>,
}

/// Limits of the endpoints for messages.
#[derive(Debug, Clone, Copy)]
pub struct IngestSettings {
    /// The largest body, in bytes, uncompressed.
    pub max_body: usize,
    /// What all bodies that are being read or recorded may take up together, in bytes; at least one is always let in.
    pub max_in_flight: usize,
}
