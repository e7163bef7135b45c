//! The configuration: layers, types, and what one value demands of another. It is read once, and checked before any
//! socket opens.
//!
//! A setting is a field of a section with its type and range, a line with its default and meaning in
//! `config/default.toml`, and a line of `crate_settings` where a crate is told of it. Rules between settings are in `validate`.

mod alternatives;
mod auth;
mod claim_mapping;
mod clowder;
mod crate_settings;
mod error;
mod ingest;
mod layers;
mod load;
mod origin;
mod redaction;
mod report_filter;
mod sections;
mod setting;
mod telemetry;
mod validate;
mod value;

pub use auth::{Auth, AuthMode, Claims, Issuer, Keys, RateLimit, Scopes};
pub use error::ConfigError;
pub use ingest::{Ingest, IngestHttp, Kafka, KafkaSecurity};
pub use load::Sources;
pub use origin::Origin;
pub use report_filter::ReportFilter;
pub use sections::{Admin, Config, Http, Log, LogFormat, Report, Storage, Tls};
pub use telemetry::Telemetry;
