//! Who is asking, and what they may do: tokens, keys, scopes and the binding to a cluster.
//!
//! This crate verifies and mints tokens; it knows neither HTTP requests nor storage. It is handed the values of the
//! `Authorization` header as bytes and hands back an [`Identity`] or a [`Refused`] with its challenge.

mod authenticator;
mod claims;
mod error;
mod identity;
mod keys;
mod mint;
#[cfg(test)]
mod test_keys;

pub use authenticator::{Authenticator, Mode, Settings};
pub use error::{AuthError, KeyProblem, Refused};
pub use identity::{Denied, Identity, Scope};
pub use mint::{SigningKey, TokenRequest};
