//! JSON Web Tokens: taking them apart, and what they say.

pub(crate) mod cache;
pub(crate) mod claims;
pub(crate) mod inspection;
pub(crate) mod mapped;
pub(crate) mod parsed;
