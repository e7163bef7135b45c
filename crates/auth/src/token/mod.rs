//! JSON Web Tokens: taking them apart, and what they say.

mod cache;
mod claims;
mod inspection;
mod parts;
mod verifier;

pub(crate) use cache::TokenCache;
pub(crate) use claims::organization;
pub use inspection::{Fact, Inspection};
pub(crate) use parts::Token;
pub(crate) use verifier::{Outcome, TokenVerifier};
