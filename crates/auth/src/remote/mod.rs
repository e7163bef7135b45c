//! Keys that a provider publishes: fetched, kept fresh, and fetched sooner when a token names one that is not known.

mod client;
mod keeper;
mod source;

pub(crate) use client::Client;
pub use keeper::KeysAwaited;
pub(crate) use keeper::RemoteKeys;
pub use source::{KeyUrl, KeyUrlError};
pub(crate) use source::{Source, SourceProblem};
