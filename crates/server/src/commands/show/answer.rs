//! What is shown of a cluster: as JSON it is written as it is here.

use gathering_domain::ids::{ClusterId, OrganizationId, RequestId};
use gathering_domain::request::RequestState;
use gathering_domain::rule::RuleHit;
use gathering_domain::time::Timestamp;
use serde::Serialize;

/// What is recorded of a cluster.
#[derive(Debug, Serialize)]
pub(super) struct Shown {
    pub(super) cluster: ClusterId,
    pub(super) organizations: Vec<Owner>,
}

/// What an organization has of it.
#[derive(Debug, Serialize)]
pub(super) struct Owner {
    pub(super) organization: OrganizationId,
    /// When the cluster was first heard of, where that is remembered.
    pub(super) known_since: Option<Timestamp>,
    pub(super) last_seen: Option<Timestamp>,
    /// Requests that are recorded, those included that are not shown.
    pub(super) total: u64,
    /// The filter of reports got no answer, so that hits count as shown that a report may leave out.
    pub(super) filter_unanswered: bool,
    pub(super) requests: Vec<Request>,
}

#[derive(Debug, Serialize)]
pub(super) struct Request {
    #[serde(rename = "requestID")]
    pub(super) id: RequestId,
    pub(super) state: RequestState,
    pub(super) received: Timestamp,
    pub(super) processed: Option<Timestamp>,
    pub(super) expires: Timestamp,
    /// Expired and not purged yet: callers are told that it is unknown.
    pub(super) expired: bool,
    pub(super) reason: Option<String>,
    pub(super) hits: usize,
    pub(super) hits_without_content: usize,
    pub(super) hits_filtered: usize,
    /// Each hit, where one request was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rules: Option<Vec<Rule>>,
}

#[derive(Debug, Serialize)]
pub(super) struct Rule {
    pub(super) rule: RuleHit,
    pub(super) fate: Fate,
}

/// What becomes of a hit in a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Fate {
    Shown,
    WithoutContent,
    Filtered,
}
