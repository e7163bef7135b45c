//! Ingestion of what the platform publishes: result messages and announcements, from files, over HTTP or from Kafka, and
//! trees of rule content.
//!
//! Bytes become values of the domain, or a precise reason why they cannot. Values go to a store behind the domain's port. This
//! crate knows no database and no HTTP.

#![expect(
    missing_docs,
    reason = "only the server uses this crate, and an error says in its sentence what it is"
)]

mod announcement;
mod framing;
mod importer;
mod intake;
pub mod kafka;
mod message;
mod policy;
pub mod rule_content;
mod sample;

pub use announcement::parse_announcement;
pub use framing::documents::{DocumentError, Documents, MAX_DOCUMENT};
pub use importer::Importer;
pub use intake::Intake;
pub use intake::counters::{RecordCounters, Source};
pub use message::error::MessageError;
pub use message::parsed::{Disposition, ParsedMessage, SkipReason};
pub use message::result::parse_result;
pub use message::warning::Warning;
pub use policy::allow_list::{AllowList, AllowListError};
pub use sample::{SampleAnnouncement, SampleResult};
