//! Keys that verify tokens: where they are read from, what each may verify, and which of them a token means.

pub(crate) mod error;
pub(crate) mod files;
pub(crate) mod jwk;
pub(crate) mod jwks;
mod key;
pub(crate) mod key_set;
pub(crate) mod pem;
