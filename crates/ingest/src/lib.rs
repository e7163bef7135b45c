//! What the platform publishes, from files, over HTTP or from Kafka, read and judged: result messages, announcements, files of them, and trees of rule content.
//!
//! Bytes become values of the domain, or a precise reason why they could not; values go to a store behind the domain's
//! port. This crate knows no database and no HTTP.

mod announcement;
mod framing;
mod importer;
mod intake;
pub mod kafka;
mod message;
mod policy;
pub mod rule_content;

pub use announcement::judge_announcement;
pub use framing::documents::{DocumentError, Documents, MAX_DOCUMENT};
pub use importer::Importer;
pub use intake::Intake;
pub use intake::counters::{RecordCounters, Source};
pub use message::judgement::{Judgement, SkipReason, Verdict};
pub use message::problem::Problem;
pub use message::result::judge;
pub use message::warning::Warning;
pub use policy::allow_list::{AllowList, AllowListError};
