//! JSON Web Tokens: taking them apart, and what they say.

mod cache;
mod claims;
mod inspection;
mod parsed;

pub(crate) use cache::TokenCache;
pub(crate) use claims::{Expected, organization};
pub use inspection::{Fact, Inspection};
pub(crate) use parsed::Token;
