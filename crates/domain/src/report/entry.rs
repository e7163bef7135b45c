//! The entries of a report.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::rule::RuleHit;

/// One entry of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportEntry {
    /// The hit: its module is the `rule_fqdn` of the wire, its error key the `error_key`.
    pub hit: RuleHit,
    /// What to tell the user, Markdown.
    pub description: Arc<str>,
    /// 1 (low) to 4 (critical).
    pub total_risk: u8,
}
