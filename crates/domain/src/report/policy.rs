//! How reports are made, and the limits that they keep to.
//!
//! The limits are those of the operator's custom resource, which refuses a whole update for one entry out of range.

use std::ops::RangeInclusive;

/// Fewest characters of a description that the operator's resource takes. A shorter text gives way to another.
pub const MIN_DESCRIPTION: usize = 10;

/// Most characters of a hit, module and error key together, that a report shows. The operator makes a
/// link of it, of which its resource takes 2048.
pub const MAX_NAME: usize = 1900;

/// The total risks that there are, from low to critical. Reports show others as the nearest of these.
pub const TOTAL_RISKS: RangeInclusive<i32> = 1..=4;

/// What becomes of a hit that has no rule content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UnknownContent {
    /// It is left out of the report.
    #[default]
    Omit,
    /// It is reported as `rule_fqdn|error_key` with risk 1.
    Include,
}

/// How reports are made of hits and content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportPolicy {
    /// What becomes of a hit that has no rule content.
    pub unknown_content: UnknownContent,
    /// The most entries of one report, 0 for no limit; the highest risks stay. The operator's resource takes 100.
    pub max_entries: usize,
    /// The most characters of one description, 0 for no limit. The operator's resource takes 2048.
    pub max_description: usize,
}

impl Default for ReportPolicy {
    fn default() -> Self {
        Self { unknown_content: UnknownContent::Omit, max_entries: 100, max_description: 2048 }
    }
}
