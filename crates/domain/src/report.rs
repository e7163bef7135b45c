//! The simplified report: its wording, its order, its limits, and the rule content that it is made with.

mod cache;
mod entry;
mod omitted;
mod policy;
mod rendered;

pub use cache::ContentCache;
pub use entry::ReportEntry;
pub use omitted::OmittedKinds;
pub use policy::{MAX_NAME, MIN_DESCRIPTION, ReportPolicy, TOTAL_RISKS, UnknownContent};
