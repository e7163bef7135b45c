//! Who is asking, and what they may do: tokens, identities of a gateway, keys, scopes, the binding to a cluster, limits.
//!
//! This crate knows neither HTTP requests nor storage. It is handed what a caller sent, as [`Credentials`], and hands
//! back an [`Identity`] or a [`Refused`]. An identity is asked for leave to read or to write; there is no other way to
//! its organization.

mod authenticator;
mod credentials;
mod error;
mod gateway;
mod identity;
mod issuer;
mod json;
mod keys;
mod metrics;
mod mint;
mod rate_limits;
mod rejection;
mod rejection_log;
mod remote;
mod settings;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod token;
mod verifier;

pub use authenticator::{Authentication, Authenticator};
pub use credentials::{CredentialHeader, Credentials, Sent};
pub use error::{AuthError, KeyProblem};
pub use identity::{Denied, Identity, ReadGrant, Scope};
pub use ipnet::IpNet;
pub use jsonwebtoken::Algorithm;
pub use mint::{SigningKey, TokenRequest};
pub use rejection::{Refused, Remedy};
pub use remote::{KeyUrl, KeyUrlError, KeysAwaited};
pub use settings::{GatewaySettings, IssuerSettings, KeySettings, Mode, RateLimit, Settings, TokenSettings};
pub use token::{Fact, Inspection};
