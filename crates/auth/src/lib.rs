//! Who calls, and what may they do: tokens, the identities of a gateway, certificates, keys, scopes, the binding to a cluster, rate limits.
//!
//! This crate knows neither HTTP requests nor storage. It is given what a call carries, as [`Credentials`], and answers
//! with an [`Identity`] or an [`AuthRejection`]. An identity grants reading and writing, and gives its organization away
//! in no other way.

mod authenticator;
mod bearer;
mod certificate;
mod claim_mapping;
mod claim_path;
mod clock;
mod collector;
mod credentials;
mod error;
mod gateway;
mod identity;
mod issuer;
mod json;
mod key_url;
mod keyring;
mod keys;
mod metrics;
mod mint;
mod permissions;
mod rate_limits;
mod rbac_url;
mod rejection;
mod rejection_log;
mod remote;
mod scope;
mod settings;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod token;
mod verifier;
mod wait;

pub use authenticator::{Authentication, Authenticator};
pub use certificate::{ClientCertificate, MAX_COMMON_NAME};
pub use claim_mapping::{AbsentScope, ClaimMapping, ScopeWords};
pub use claim_path::{ClaimPath, ClaimPathError};
pub use credentials::{AuthHeader, AuthHeaderName, Credentials};
pub use error::AuthError;
pub use identity::{Denied, Identity, ReadGrant, ShownIdentity};
pub use ipnet::IpNet;
pub use jsonwebtoken::Algorithm;
pub use key_url::{KeyUrl, KeyUrlError};
pub use keys::error::KeyError;
pub use mint::{SigningKey, TokenRequest};
pub use rbac_url::{RbacUrl, RbacUrlError};
pub use rejection::{AuthRejection, Remedy};
pub use scope::{Scope, UnknownScope};
pub use settings::{
    CertificateSettings, ClusterBinding, GatewaySettings, IssuerSettings, KeySettings, Mode, RateLimit,
    RbacSettings, Settings, TokenSettings,
};
pub use token::inspection::{Fact, Inspection};
pub use wait::Wait;
