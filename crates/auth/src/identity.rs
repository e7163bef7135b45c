//! Who a verified caller is, and what it may do.

use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Arc, LazyLock};

use gathering_domain::ids::{ClusterId, OrganizationId};
use gathering_domain::intake::{Tenant, WriteGrant};

use crate::scope::{Scope, Scopes};

/// Why a caller may not do what it asks for, although it is known who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The token lacks this scope.
    #[error("the caller lacks the scope '{0}'")]
    MissingScope(Scope),
    /// The credential is bound to another cluster than the one that is asked for.
    #[error("the caller is bound to another cluster")]
    OtherCluster,
    /// The RBAC service knows no permission of this service account to read recommendations.
    #[error("the service account has no permission for ocp-advisor:recommendation-results")]
    MissingPermission,
}

/// A caller that proved who it is. What it may do is decided here and nowhere else: it gives its organization away only
/// for a cluster that it may read.
///
/// ```compile_fail,E0624
/// fn forgets_the_check(caller: &gathering_auth::Identity) -> gathering_domain::ids::OrganizationId {
///     caller.organization()
/// }
/// ```
///
/// ```
/// use gathering_auth::{Denied, Identity};
/// use gathering_domain::ids::{ClusterId, OrganizationId};
/// fn checks(caller: &Identity, cluster: ClusterId) -> Result<OrganizationId, Denied> {
///     Ok(caller.read(cluster)?.organization())
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    organization: OrganizationId,
    cluster: Option<ClusterId>,
    scopes: Scopes,
    fingerprint: u64,
    subject: Option<Arc<str>>,
    lacks_permission: bool,
}

/// Who a caller is, for people who read what was done. Nothing can be asked with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownIdentity {
    /// The number of the organization.
    pub organization: String,
    /// The subject of the token, the common name of the certificate, or the type and name that the gateway gave; at most 256
    /// characters.
    pub subject: Option<Arc<str>>,
}

/// The longest subject that is kept, in characters.
const MAX_SUBJECT: usize = 256;

fn kept_subject(subject: &str) -> Arc<str> {
    subject
        .char_indices()
        .nth(MAX_SUBJECT)
        .map_or(subject, |(end, _)| subject.get(..end).unwrap_or_default())
        .into()
}

/// The permission to read what is recorded for one cluster of one organization. Only [`Identity::read`] makes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadGrant {
    organization: OrganizationId,
    cluster: ClusterId,
}

impl ReadGrant {
    /// The organization of the caller, which owns everything that the caller sees.
    pub const fn organization(self) -> OrganizationId {
        self.organization
    }

    /// The cluster that may be read.
    pub const fn cluster(self) -> ClusterId {
        self.cluster
    }
}

/// Hashes with keys of this process, so that nobody can aim at the fingerprint of somebody else.
static FINGERPRINTS: LazyLock<RandomState> = LazyLock::new(RandomState::new);

pub(crate) fn fingerprint_of(who: impl Hash) -> u64 {
    FINGERPRINTS.hash_one(who)
}

impl Identity {
    /// The caller that a token names: its subject, or else its cluster, or else everybody of its organization.
    pub(crate) fn from_token(
        organization: OrganizationId,
        cluster: Option<ClusterId>,
        issuer: Option<&str>,
        subject: Option<&str>,
        scopes: impl IntoIterator<Item = Scope>,
    ) -> Self {
        // A subject is unique within its issuer. The organization counts too, for tokens that name no issuer.
        let fingerprint = FINGERPRINTS.hash_one(("token", organization, issuer, subject.ok_or(cluster)));
        let scopes = scopes.into_iter().collect();
        let subject = subject.map(kept_subject);
        Self { organization, cluster, scopes, fingerprint, subject, lacks_permission: false }
    }

    /// The caller that a gateway names, with its cluster if it is one. It may read, and no more: that cluster, or any of the
    /// organization.
    pub(crate) fn from_gateway(
        organization: OrganizationId,
        cluster: Option<ClusterId>,
        any_cluster: bool,
        who: &str,
    ) -> Self {
        let fingerprint = FINGERPRINTS.hash_one(("header", organization, cluster, who));
        let cluster = cluster.filter(|_| !any_cluster);
        Self {
            organization,
            cluster,
            scopes: Scopes::default().with(Scope::Read),
            fingerprint,
            subject: Some(kept_subject(who)),
            lacks_permission: false,
        }
    }

    /// The caller that a certificate names. It reads, and if it is a writer, it also writes for every organization.
    pub(crate) fn from_certificate(
        organization: OrganizationId,
        cluster: Option<ClusterId>,
        fingerprint: u64,
        subject: Option<&str>,
        is_writer: bool,
    ) -> Self {
        let read = Scopes::default().with(Scope::Read);
        let scopes = if is_writer { read.with(Scope::WriteAny) } else { read };
        let subject = subject.map(kept_subject);
        Self { organization, cluster, scopes, fingerprint, subject, lacks_permission: false }
    }

    /// The caller of mode `disabled`, who is everybody.
    pub(crate) fn anybody(organization: OrganizationId) -> Self {
        let scopes = Scopes::default().with(Scope::Read).with(Scope::Write);
        Self {
            organization,
            cluster: None,
            scopes,
            fingerprint: FINGERPRINTS.hash_one("anybody"),
            subject: None,
            lacks_permission: false,
        }
    }

    /// The same caller, who may do nothing.
    pub(crate) fn without_permission(self) -> Self {
        Self { lacks_permission: true, ..self }
    }

    pub(crate) const fn organization(&self) -> OrganizationId {
        self.organization
    }

    /// Who it is, for people.
    pub fn shown(&self) -> ShownIdentity {
        ShownIdentity { organization: self.organization.to_string(), subject: self.subject.clone() }
    }

    /// Whether it may neither read nor write: no scope of its credential is one of ours.
    pub fn may_do_nothing(&self) -> bool {
        self.lacks_permission || !Scope::ALL.into_iter().any(|scope| self.scopes.has(scope))
    }

    /// The tenant of the caller, for sharing resources out among tenants. No organization can be made of it, so it gives
    /// access to nothing.
    pub fn tenant(&self) -> Tenant {
        self.organization.into()
    }

    /// Tells one caller from another, for rate limits. Two callers rarely have the same, and then share a limit.
    pub(crate) const fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// The permission to read what is recorded for this cluster of the caller's organization.
    ///
    /// # Errors
    /// [`Denied`] without the scope `read` or the permission of a service account, or when the caller is bound to another cluster.
    pub fn read(&self, cluster: ClusterId) -> Result<ReadGrant, Denied> {
        self.check_permission()?;
        if !self.scopes.has(Scope::Read) {
            return Err(Denied::MissingScope(Scope::Read));
        }
        match self.cluster {
            Some(own) if own != cluster => Err(Denied::OtherCluster),
            _ => Ok(ReadGrant { organization: self.organization, cluster }),
        }
    }

    /// The permission to write for the caller's own organization, or with `write:any` for every organization. A caller that
    /// is bound to a cluster writes for that cluster only.
    ///
    /// # Errors
    /// [`Denied`] without the scopes `write` and `write:any`.
    pub fn write(&self) -> Result<WriteGrant, Denied> {
        self.check_permission()?;
        let organization = if self.scopes.has(Scope::WriteAny) {
            None
        } else if self.scopes.has(Scope::Write) {
            Some(self.organization)
        } else {
            return Err(Denied::MissingScope(Scope::Write));
        };
        Ok(WriteGrant::new(organization, self.cluster).given_to(self.organization))
    }

    const fn check_permission(&self) -> Result<(), Denied> {
        if self.lacks_permission { Err(Denied::MissingPermission) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_needs_the_scope_and_the_cluster() {
        let own: ClusterId = "5d5892d3-1f74-4ccf-91af-548dfc9767aa".parse().unwrap();
        let other: ClusterId = "00000000-0000-0000-0000-000000000001".parse().unwrap();
        let organization = "7".parse().unwrap();
        let identity = |cluster, scopes: &[Scope]| {
            Identity::from_token(organization, cluster, None, None, scopes.to_vec())
        };
        let grant = |cluster| Ok(ReadGrant { organization, cluster });
        assert_eq!(identity(None, &[Scope::Read]).read(other), grant(other));
        assert_eq!(identity(Some(own), &[Scope::Read]).read(own), grant(own));
        assert_eq!(identity(Some(own), &[Scope::Read]).read(other), Err(Denied::OtherCluster));
        let writer = identity(None, &[Scope::Write, Scope::WriteAny]);
        assert_eq!(writer.read(own), Err(Denied::MissingScope(Scope::Read)));
    }

    #[test]
    fn writing_needs_a_scope_and_keeps_the_bounds_of_the_token() {
        let own: ClusterId = "5d5892d3-1f74-4ccf-91af-548dfc9767aa".parse().unwrap();
        let grant = |cluster, scopes: &[Scope]| {
            Identity::from_token("7".parse().unwrap(), cluster, None, None, scopes.to_vec()).write()
        };
        let organization = Some("7".parse().unwrap());
        assert_eq!(grant(None, &[Scope::Read]), Err(Denied::MissingScope(Scope::Write)));
        let given =
            |organization, cluster| WriteGrant::new(organization, cluster).given_to("7".parse().unwrap());
        assert_eq!(grant(None, &[Scope::Write]), Ok(given(organization, None)));
        assert_eq!(grant(Some(own), &[Scope::Write]), Ok(given(organization, Some(own))));
        let any = given(None, Some(own));
        assert_eq!(grant(Some(own), &[Scope::WriteAny]), Ok(any));
        assert_eq!(grant(Some(own), &[Scope::Write, Scope::WriteAny]), Ok(any));
    }

    #[test]
    fn fingerprints_tell_callers_apart() {
        let token = |organization: u32, issuer, subject| {
            Identity::from_token(organization.try_into().unwrap(), None, issuer, subject, [Scope::Read])
                .fingerprint()
        };
        assert_eq!(token(1, Some("i"), Some("s")), token(1, Some("i"), Some("s")));
        assert_eq!(token(1, None, None), token(1, None, None));
        let all = [
            token(1, Some("i"), Some("s")),
            token(1, Some("j"), Some("s")),
            token(1, Some("i"), Some("t")),
            token(1, Some("i"), None),
            token(2, Some("i"), None),
            token(2, Some("i"), Some("s")),
        ];
        assert_eq!(all.iter().collect::<std::collections::HashSet<_>>().len(), all.len());
    }
}
