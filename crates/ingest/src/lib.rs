//! What the platform publishes, from files, over HTTP or from Kafka, read and judged: result messages, announcements, files of them, and trees of rule content.
//!
//! Bytes become values of the domain, or a precise reason why they could not; values go to a store behind the domain's
//! port. This crate knows no database and no HTTP.

mod admission;
mod allow_list;
mod announcement;
mod body;
mod counters;
mod documents;
mod envelope;
mod importer;
mod intake;
mod judgement;
pub mod kafka;
mod log_limit;
mod message;
mod object;
mod problem;
mod report;
pub mod rule_content;
mod text;
mod turns;

pub use allow_list::{AllowList, AllowListError};
pub use announcement::judge_announcement;
pub use counters::{RecordCounters, Source};
pub use documents::{DocumentError, Documents, MAX_DOCUMENT};
pub use importer::Importer;
pub use intake::Intake;
pub use judgement::{Judgement, SkipReason, Verdict, Warning};
pub use message::judge;
pub use problem::Problem;
