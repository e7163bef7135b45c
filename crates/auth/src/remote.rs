//! What other servers tell: a client for small documents, and the keys that a provider publishes. They are fetched, kept fresh,
//! and fetched sooner when a token names one that is unknown.

pub(crate) mod client;
pub(crate) mod error;
pub(crate) mod refresh;
pub(crate) mod refresher;
pub(crate) mod source;
pub(crate) mod throttle;
