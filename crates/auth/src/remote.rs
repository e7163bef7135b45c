//! Keys that a provider publishes: they are fetched, kept fresh, and fetched sooner when a token names one that is unknown.

pub(crate) mod client;
mod error;
mod proxy;
pub(crate) mod refresh;
pub(crate) mod refresher;
pub(crate) mod source;
pub(crate) mod throttle;
