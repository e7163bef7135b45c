//! For whom a sender may write, and to whom it belongs.

use std::fmt;

use crate::ids::{ClusterId, OrganizationId};

/// For whom a sender may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriteGrant {
    organization: Option<OrganizationId>,
    cluster: Option<ClusterId>,
    tenant: Tenant,
}

/// To whom a sender belongs. Room and time are shared out among tenants, so that none takes all of them; what a sender
/// may do does not depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tenant(Option<OrganizationId>);

/// The organization, for log lines: `none` for senders that have none.
impl fmt::Display for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(organization) => organization.fmt(f),
            None => f.write_str("none"),
        }
    }
}

impl From<OrganizationId> for Tenant {
    fn from(organization: OrganizationId) -> Self {
        Self(Some(organization))
    }
}

/// Why a sender may not write what it sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotGranted {
    /// It is bound to another organization.
    #[error("the sender may not write for this organization")]
    Organization,
    /// It is bound to another cluster.
    #[error("the sender may not write for this cluster")]
    Cluster,
}

impl WriteGrant {
    /// For the only organization and the only cluster that a sender may write for; `None` for every one. To be called where
    /// senders are judged, and nowhere else.
    pub const fn new(organization: Option<OrganizationId>, cluster: Option<ClusterId>) -> Self {
        Self { organization, cluster, tenant: Tenant(None) }
    }

    /// The same, as given to a sender of this organization, whichever it may write for.
    #[must_use]
    pub const fn given_to(self, organization: OrganizationId) -> Self {
        Self { tenant: Tenant(Some(organization)), ..self }
    }

    /// To whom the sender belongs.
    pub const fn tenant(&self) -> Tenant {
        self.tenant
    }

    /// For a transport that is trusted as a whole, such as a file of the operator or the pipeline's topics.
    pub const fn everything() -> Self {
        Self::new(None, None)
    }

    /// Whether a message about this cluster of this organization may be written.
    ///
    /// ```
    /// use gathering_domain::intake::{NotGranted, WriteGrant};
    /// let (own, other) = ("42".parse()?, "43".parse()?);
    /// let cluster = "5d5892d3-1f74-4ccf-91af-548dfc9767aa".parse()?;
    /// let grant = WriteGrant::new(Some(own), None);
    /// assert_eq!(grant.check(own, cluster), Ok(()));
    /// assert_eq!(grant.check(other, cluster), Err(NotGranted::Organization));
    /// # Ok::<(), gathering_domain::ids::IdError>(())
    /// ```
    pub fn check(&self, organization: OrganizationId, cluster: ClusterId) -> Result<(), NotGranted> {
        if self.organization.is_some_and(|own| own != organization) {
            Err(NotGranted::Organization)
        } else if self.cluster.is_some_and(|own| own != cluster) {
            Err(NotGranted::Cluster)
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_has_two_bounds() {
        let organization = |text: &str| text.parse::<OrganizationId>().unwrap();
        let (own, other): (ClusterId, ClusterId) = (
            "5d5892d3-1f74-4ccf-91af-548dfc9767aa".parse().unwrap(),
            "00000000-0000-0000-0000-000000000001".parse().unwrap(),
        );
        assert_eq!(WriteGrant::everything().check(organization("7"), other), Ok(()));
        let bound = WriteGrant::new(None, Some(own));
        assert_eq!(bound.check(organization("7"), own), Ok(()));
        assert_eq!(bound.check(organization("7"), other), Err(NotGranted::Cluster));
        let bound = WriteGrant::new(Some(organization("7")), Some(own));
        assert_eq!(bound.check(organization("8"), own), Err(NotGranted::Organization));
    }
}
