//! Keys that a provider publishes: fetched, kept fresh, and fetched sooner when a token names one that is not known.

mod client;
mod proxy;
mod refresh;
mod refresher;
mod source;
mod throttle;

pub(crate) use client::Client;
pub use refresh::KeysAwaited;
pub(crate) use refresher::{Demand, RemoteKeys};
pub use source::{KeyUrl, KeyUrlError};
pub(crate) use source::{Source, SourceProblem};
pub(crate) use throttle::Wanted;
