//! Identifiers as validated types: once a value exists it is well formed, and nothing needs to check it again.

mod cluster;
mod error;
mod key;
mod organization;
mod request;

pub use cluster::ClusterId;
pub use error::IdError;
pub use key::RequestKey;
pub use organization::OrganizationId;
pub use request::RequestId;
