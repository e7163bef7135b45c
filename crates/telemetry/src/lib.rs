//! Sends spans to a collector of OpenTelemetry, by OTLP over HTTP: the one crate that knows that protocol.
//!
//! A thread takes spans from a queue and sends them together. What the collector does, or leaves undone, costs nobody anything:
//! the queue is bounded, what has no room in it is dropped and counted, and a stop waits for two seconds at most.
#![allow(missing_docs, reason = "only the server uses this crate, and most names say what they are")]

#[cfg(feature = "export")]
mod encoding;
#[cfg(feature = "export")]
mod exporter;
mod settings;
#[cfg(not(feature = "export"))]
mod unavailable;

#[cfg(feature = "export")]
pub use exporter::Exporter;
pub use settings::{TelemetryError, TelemetrySettings};
#[cfg(not(feature = "export"))]
pub use unavailable::Exporter;
