//! The simplified report: its wording, its order, its limits, what it leaves out, and the rule content that it is made with.

mod cache;
mod entry;
mod filter;
mod omitted;
mod policy;
mod rendered;

pub use cache::ContentCache;
pub use entry::ReportEntry;
pub use filter::RuleFilter;
pub(crate) use filter::SharedFilter;
pub use omitted::OmittedKinds;
pub use policy::{MAX_NAME, MIN_DESCRIPTION, ReportPolicy, TOTAL_RISKS, UnknownContent};
