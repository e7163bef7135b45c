//! The key of a request.

use serde::{Deserialize, Serialize};

use super::cluster::ClusterId;
use super::error::IdError;
use super::organization::OrganizationId;
use super::request::RequestId;

/// What a request is recorded under. The organization is part of it, so one tenant's IDs never meet another's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RequestKey {
    /// The tenant.
    pub organization: OrganizationId,
    /// The cluster of that tenant.
    pub cluster: ClusterId,
    /// The request of that cluster.
    pub request: RequestId,
}

impl RequestKey {
    /// The key of these three.
    pub const fn new(organization: OrganizationId, cluster: ClusterId, request: RequestId) -> Self {
        Self { organization, cluster, request }
    }

    /// Reads all three, for example from a token and the parameters of a path. The error says which of them is wrong:
    /// see [`IdError::parameter`].
    ///
    /// ```
    /// use gathering_domain::ids::{IdError, RequestKey};
    ///
    /// let key = RequestKey::parse("42", "5d5892d3-1f74-4ccf-91af-548dfc9767aa", "6d2eede257644308")?;
    /// assert_eq!(key.organization.get(), 42);
    /// assert_eq!(RequestKey::parse("42", "nonsense", "6d2eede257644308"), Err(IdError::Cluster));
    /// # Ok::<(), IdError>(())
    /// ```
    pub fn parse(organization: &str, cluster: &str, request: &str) -> Result<Self, IdError> {
        Ok(Self::new(organization.parse()?, cluster.parse()?, request.parse()?))
    }
}
