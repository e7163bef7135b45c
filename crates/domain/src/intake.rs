//! Taking messages in from a transport: who may write what, and the port behind which messages are read and recorded.

use std::future::Future;
use std::sync::Arc;

use crate::{ClusterId, MessageKind, MessageOutcome, OrganizationId, OutcomeCounts, StoreError};

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
pub struct MessageBody<B = Vec<u8>> {
    /// What kind of message it holds.
    pub kind: MessageKind,
    /// How they lie in it.
    pub framing: Framing,
    /// The bytes, uncompressed. They are dropped once nothing works on them any more, whether or not anybody waits for it.
    pub bytes: B,
}

/// The bytes of a body, whose memory a transport may count.
pub trait BodyBytes: AsRef<[u8]> + Send + Sync + 'static {
    /// Counts so many bytes beside those of the body for as long as these are there; the most that was asked for counts.
    /// False if there is no room for them.
    fn reserve(&self, beside: usize) -> bool;
}

/// Bytes that nobody counts.
impl BodyBytes for Vec<u8> {
    fn reserve(&self, _: usize) -> bool {
        true
    }
}

/// What became of the messages of a body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IntakeSummary {
    /// How many messages had each outcome.
    pub counts: OutcomeCounts,
    /// The first messages that were not stored, in order, at most [`MAX_REFUSALS`](Self::MAX_REFUSALS).
    pub refusals: Vec<Refusal>,
}

impl IntakeSummary {
    /// How many refusals are told of. A body may hold millions of messages; of the others there is only their number.
    pub const MAX_REFUSALS: usize = 100;
}

/// A message that was not stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Which message of the body, from 1; blank lines do not count.
    pub number: u64,
    /// What became of it.
    pub outcome: MessageOutcome,
    /// Why, in one sentence.
    pub reason: String,
}

/// Reads messages and records them.
pub trait MessageIntake: Send + Sync {
    /// Takes every message of a body in, in order, as far as `grant` allows, and returns what became of them. What is
    /// recorded is durable by then. If nobody waits for the answer any more, it ends soon.
    ///
    /// # Errors
    /// When the store does not take them. Some may be recorded then; sending all of them again is harmless.
    fn ingest<B: BodyBytes>(
        &self,
        body: MessageBody<B>,
        grant: WriteGrant,
    ) -> impl Future<Output = Result<IntakeSummary, StoreError>> + Send;
}

impl<I: MessageIntake> MessageIntake for Arc<I> {
    fn ingest<B: BodyBytes>(
        &self,
        body: MessageBody<B>,
        grant: WriteGrant,
    ) -> impl Future<Output = Result<IntakeSummary, StoreError>> + Send {
        (**self).ingest(body, grant)
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
