//! What the pipeline publishes, read and judged: result messages, files of them, and trees of rule content.
//!
//! Everything here turns bytes into values of the domain and says precisely why it could not. Storing them is the
//! caller's business; this crate knows neither a database nor a transport.

mod documents;
mod envelope;
mod message;
mod problem;
mod report;
pub mod rule_content;
mod text;

pub use documents::{DocumentError, Documents, MAX_DOCUMENT};
pub use message::{Judgement, SkipReason, Verdict, Warning, judge};
pub use problem::Problem;
