//! Keys that verify tokens: where they are read from, what each may verify, and which of them a token means.

mod files;
mod jwk;
mod jwks;
mod key;
mod key_set;
mod pem;

pub(crate) use files::KeyFiles;
pub(crate) use jwk::Origin;
pub(crate) use jwks::{LeftOut, parse};
pub(crate) use key::VerifyingKey;
pub(crate) use key_set::KeySet;
pub(crate) use pem::{MIN_SECRET, hmac_secret, read};
