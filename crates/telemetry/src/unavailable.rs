//! Stands for the exporter in a build without the feature `export`. It can never be started.

use std::convert::Infallible;
use std::sync::Arc;

use gathering_support::trace::SpanSink;
use prometheus::Registry;

use crate::settings::{TelemetryError, TelemetrySettings};

/// An exporter, of which there can be none in this build.
#[derive(Debug)]
pub struct Exporter(Infallible);

impl Exporter {
    /// Always fails.
    pub const fn start(_: &TelemetrySettings, _: &Registry) -> Result<Self, TelemetryError> {
        Err(TelemetryError::NotBuilt)
    }

    pub fn sink(&self) -> Arc<dyn SpanSink> {
        match self.0 {}
    }

    pub const fn stop(&self) {
        match self.0 {}
    }
}
