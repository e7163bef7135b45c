//! The whole service: configuration, logging, commands, background tasks and wiring.
//!
//! `main.rs` calls [`run`]; the test harness calls [`Service::start`]. This is the only crate that knows all others.
//!
//! A command is a file of `commands`, a setting a field in `config`. `service` starts, runs and stops what `serve` serves.

#![expect(
    missing_docs,
    reason = "config/default.toml documents each setting, and nobody else uses this crate"
)]

mod build_info;
pub mod cli;
mod commands;
pub mod config;
mod error;
mod logging;
mod open_files;
mod preparation;
mod service;

pub use cli::Role;
pub use commands::run;
pub use error::ServerError;
pub use service::{Environment, RereadHandle, Service};
