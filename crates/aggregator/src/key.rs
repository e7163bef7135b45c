//! What the aggregator is asked about.

use gathering_domain::ids::{ClusterId, OrganizationId};

/// A cluster of an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ClusterKey {
    pub(crate) organization: OrganizationId,
    pub(crate) cluster: ClusterId,
}
