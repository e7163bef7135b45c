//! The OpenAPI document. Handlers name its shared `parameters`, `messages` and `responses`; the finished `document` names handlers.

mod auth_scheme;
mod document;
pub(crate) mod messages;
pub(crate) mod parameters;
pub(crate) mod responses;

pub use auth_scheme::AuthScheme;
pub use document::{DocumentSettings, document};
