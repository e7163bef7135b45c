//! The section on ingestion, each key with its type and range. `config/default.toml` says what they mean.

use std::path::PathBuf;

use serde::Deserialize;

use super::value::size;

/// `[ingest]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config/default.toml documents each key")]
pub struct Ingest {
    pub allowlist_file: Option<PathBuf>,
    pub http: IngestHttp,
}

/// `[ingest.http]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config/default.toml documents each key")]
pub struct IngestHttp {
    pub enabled: bool,
    #[serde(deserialize_with = "size")]
    pub max_body: usize,
    #[serde(deserialize_with = "size")]
    pub max_in_flight: usize,
}
