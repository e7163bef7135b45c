//! What a verified caller is and may do.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::str::FromStr;
use std::sync::LazyLock;

use gathering_domain::{ClusterId, OrganizationId, Tenant, WriteGrant};

/// A permission that a token carries in its `scope` claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Scope {
    /// Read the requests and reports of the token's organization.
    Read,
    /// Store messages of the token's organization.
    Write,
    /// Store messages of every organization.
    WriteAny,
}

/// A word that is no scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a scope is one of read, write, write:any")]
pub struct UnknownScope;

impl Scope {
    /// The word in the token: `read`, `write` or `write:any`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::WriteAny => "write:any",
        }
    }
}

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        [Self::Read, Self::Write, Self::WriteAny]
            .into_iter()
            .find(|scope| scope.as_str() == text)
            .ok_or(UnknownScope)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Why an authenticated caller may not do what it asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The token lacks the scope.
    #[error("the caller lacks the scope '{0}'")]
    MissingScope(Scope),
    /// The token is bound to another cluster.
    #[error("the caller is bound to another cluster")]
    OtherCluster,
}

/// A caller who proved who it is. What it may do is asked here and nowhere else: its organization is to be had only
/// for a cluster that it may read.
///
/// ```compile_fail,E0624
/// fn forgets_the_check(caller: &gathering_auth::Identity) -> gathering_domain::OrganizationId {
///     caller.organization()
/// }
/// ```
///
/// ```
/// use gathering_auth::{Denied, Identity};
/// use gathering_domain::{ClusterId, OrganizationId};
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
}

/// A set of scopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Scopes(u8);

impl Scopes {
    const fn with(self, scope: Scope) -> Self {
        Self(self.0 | 1 << scope as u8)
    }

    const fn has(self, scope: Scope) -> bool {
        self.0 & 1 << scope as u8 != 0
    }
}

/// Leave to read what is recorded for one cluster. Only [`Identity::read`] makes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadGrant {
    organization: OrganizationId,
    cluster: ClusterId,
}

impl ReadGrant {
    /// The tenant: everything the caller sees belongs to it.
    pub const fn organization(self) -> OrganizationId {
        self.organization
    }

    /// The cluster.
    pub const fn cluster(self) -> ClusterId {
        self.cluster
    }
}

/// Makes fingerprints that nobody outside of this process can aim at.
static FINGERPRINTS: LazyLock<RandomState> = LazyLock::new(RandomState::new);

impl Identity {
    /// The caller that a token speaks of: its subject, or else its cluster, or else everybody of its organization.
    pub(crate) fn of_token(
        organization: OrganizationId,
        cluster: Option<ClusterId>,
        issuer: Option<&str>,
        subject: Option<&str>,
        scopes: impl IntoIterator<Item = Scope>,
    ) -> Self {
        // A subject is one within its issuer; where no issuer is told, organizations must not share one by chance.
        let fingerprint = FINGERPRINTS.hash_one(("token", organization, issuer, subject.ok_or(cluster)));
        let scopes = scopes.into_iter().fold(Scopes::default(), Scopes::with);
        Self { organization, cluster, scopes, fingerprint }
    }

    /// The caller that a gateway speaks of. It may read, and no more.
    pub(crate) fn of_header(organization: OrganizationId, cluster: Option<ClusterId>, who: &str) -> Self {
        let fingerprint = FINGERPRINTS.hash_one(("header", organization, cluster, who));
        Self { organization, cluster, scopes: Scopes::default().with(Scope::Read), fingerprint }
    }

    /// Everybody, where nobody is asked who he is.
    pub(crate) fn of_anybody(organization: OrganizationId) -> Self {
        let scopes = Scopes::default().with(Scope::Read).with(Scope::Write);
        Self { organization, cluster: None, scopes, fingerprint: FINGERPRINTS.hash_one("anybody") }
    }

    pub(crate) const fn organization(&self) -> OrganizationId {
        self.organization
    }

    /// To whom the caller belongs. It tells nothing that could be asked with.
    pub fn tenant(&self) -> Tenant {
        self.organization.into()
    }

    /// Tells one caller from another, for limits. Two may rarely share one, and then share a limit.
    pub(crate) const fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// Leave to read what is recorded for this cluster of the caller's organization.
    pub fn read(&self, cluster: ClusterId) -> Result<ReadGrant, Denied> {
        if !self.scopes.has(Scope::Read) {
            return Err(Denied::MissingScope(Scope::Read));
        }
        match self.cluster {
            Some(own) if own != cluster => Err(Denied::OtherCluster),
            _ => Ok(ReadGrant { organization: self.organization, cluster }),
        }
    }

    /// For whom the caller may write: its own organization, or with `write:any` every one; a caller that is bound to a
    /// cluster writes for no other.
    pub fn write(&self) -> Result<WriteGrant, Denied> {
        let organization = if self.scopes.has(Scope::WriteAny) {
            None
        } else if self.scopes.has(Scope::Write) {
            Some(self.organization)
        } else {
            return Err(Denied::MissingScope(Scope::Write));
        };
        Ok(WriteGrant::new(organization, self.cluster).given_to(self.organization))
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
            Identity::of_token(organization, cluster, None, None, scopes.to_vec())
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
            Identity::of_token("7".parse().unwrap(), cluster, None, None, scopes.to_vec()).write()
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
            Identity::of_token(organization.try_into().unwrap(), None, issuer, subject, [Scope::Read])
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

    #[test]
    fn scopes_are_whole_words() {
        for scope in [Scope::Read, Scope::Write, Scope::WriteAny] {
            assert_eq!(scope.to_string().parse(), Ok(scope));
        }
        for word in ["", "READ", "write:", "write:any ", "admin"] {
            assert_eq!(word.parse::<Scope>(), Err(UnknownScope), "{word:?}");
        }
    }
}
