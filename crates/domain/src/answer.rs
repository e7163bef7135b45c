//! The JSON bodies of answers, both ways: servers write them, clients read them.
//!
//! What a server answers with borrows from what it looked up. What a client reads owns everything:
//!
//! ```
//! use gathering_domain::answer::StatusBody;
//! use gathering_domain::request::RequestState;
//!
//! let text = r#"{"cluster":"5d5892d3-1f74-4ccf-91af-548dfc9767aa","requestID":"6d2e","status":"failed"}"#;
//! let body: StatusBody<'static> = serde_json::from_str(text)?;
//! assert_eq!(body.status, RequestState::Failed);
//! assert_eq!(serde_json::to_string(&body)?, text);
//! # Ok::<(), serde_json::Error>(())
//! ```
//!
//! The body of a selection of requests is that of a list. With the feature `openapi` the bodies describe themselves as
//! schemas of `utoipa`.

mod list;
mod report;
mod status;

pub use list::{ListBody, ListEntry, ListStatus};
pub use report::{ReportBody, ReportHit};
pub use status::StatusBody;
