//! Keys that a provider publishes: fetched, kept fresh, and fetched sooner when a token names one that is not known.

mod awaited;
mod client;
mod demand;
mod keeper;
mod proxy;
mod source;

pub use awaited::KeysAwaited;
pub(crate) use client::Client;
pub(crate) use demand::Wanted;
pub(crate) use keeper::{Demand, RemoteKeys};
pub use source::{KeyUrl, KeyUrlError};
pub(crate) use source::{Source, SourceProblem};
