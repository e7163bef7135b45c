//! What pages are told of the service.

use std::time::Duration;

use crate::base_path::BasePath;
use crate::openapi::AuthScheme;
use crate::wire::BuildInfo;

/// What the pages `/ui` and `/docs` are told of the configuration.
#[derive(Debug, Clone, Copy)]
pub struct PageSettings {
    /// How long a request is kept after it was last changed.
    pub retention: Duration,
}

/// What pages say of the service.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    /// The base path that pages ask: the root if it is one, else the first.
    pub(super) api: BasePath,
    pub(super) auth: AuthScheme,
    pub(super) build: BuildInfo,
}

impl Site {
    pub(crate) fn new(base_paths: &[BasePath], auth: AuthScheme, build: BuildInfo) -> Self {
        let root = BasePath::default();
        let api = if base_paths.contains(&root) { None } else { base_paths.first().cloned() };
        Self { api: api.unwrap_or(root), auth, build }
    }
}
