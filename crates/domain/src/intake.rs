//! Taking messages in from a transport: who may write what, and the port behind which messages are read and recorded.

use std::future::Future;
use std::sync::Arc;

use crate::{ClusterId, MessageKind, MessageRecord, OrganizationId, StoreError};

/// For whom a sender may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriteGrant {
    organization: Option<OrganizationId>,
    cluster: Option<ClusterId>,
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
        Self { organization, cluster }
    }

    /// For a transport that is trusted as a whole, such as a file of the operator or the pipeline's topics.
    pub const fn everything() -> Self {
        Self::new(None, None)
    }

    /// Whether a message about this cluster of this organization may be written.
    ///
    /// ```
    /// use gathering_domain::{NotGranted, WriteGrant};
    /// let (own, other) = ("42".parse()?, "43".parse()?);
    /// let cluster = "5d5892d3-1f74-4ccf-91af-548dfc9767aa".parse()?;
    /// let grant = WriteGrant::new(Some(own), None);
    /// assert_eq!(grant.check(own, cluster), Ok(()));
    /// assert_eq!(grant.check(other, cluster), Err(NotGranted::Organization));
    /// # Ok::<(), gathering_domain::IdError>(())
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

/// How messages lie in a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// The whole body is one message.
    One,
    /// Every line that is not blank is one message.
    Lines,
}

/// Bytes that a sender handed over.
#[derive(Debug, Clone)]
pub struct MessageBody {
    /// What kind of message it holds.
    pub kind: MessageKind,
    /// How they lie in it.
    pub framing: Framing,
    /// The bytes, uncompressed.
    pub bytes: Vec<u8>,
}

/// Reads messages and records them.
pub trait MessageIntake: Send + Sync {
    /// Takes every message of a body in, in order, as far as `grant` allows, and returns what became of each. What is
    /// recorded is durable by then.
    ///
    /// # Errors
    /// When the store does not take them. Some may be recorded then; sending all of them again is harmless.
    fn take_in(
        &self,
        body: MessageBody,
        grant: WriteGrant,
    ) -> impl Future<Output = Result<Vec<MessageRecord>, StoreError>> + Send;
}

impl<I: MessageIntake> MessageIntake for Arc<I> {
    fn take_in(
        &self,
        body: MessageBody,
        grant: WriteGrant,
    ) -> impl Future<Output = Result<Vec<MessageRecord>, StoreError>> + Send {
        (**self).take_in(body, grant)
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
