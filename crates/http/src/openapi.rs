//! The OpenAPI document. Handlers name its shared `parameters` and `responses`; the finished `document` names handlers.

mod document;
pub(crate) mod parameters;
pub(crate) mod responses;

pub use document::{AuthScheme, DocumentSettings, document};
