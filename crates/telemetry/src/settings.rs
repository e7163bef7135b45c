//! Where spans are sent, and why they cannot be.

use gathering_support::BaseUrl;

/// Why spans cannot be sent.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    #[error(
        "this program is built without traces: leave telemetry.otlp_endpoint out, or use one that `make build` makes, or \
         that is built with the feature \"traces\""
    )]
    NotBuilt,
    #[error("the thread that sends traces cannot be started: {0}")]
    Thread(#[from] std::io::Error),
    #[error("the metrics of traces cannot be set up: {0}")]
    Metrics(#[from] prometheus::Error),
}

/// Where spans are sent.
#[derive(Debug, Clone)]
pub struct TelemetrySettings {
    /// `/v1/traces` comes after it.
    pub endpoint: BaseUrl,
    /// The version of the program, as the collector is told.
    pub version: &'static str,
}

impl TelemetrySettings {
    /// Fails in a build without the feature `export`.
    pub const fn check(&self) -> Result<(), TelemetryError> {
        if cfg!(feature = "export") { Ok(()) } else { Err(TelemetryError::NotBuilt) }
    }
}
