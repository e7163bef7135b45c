//! What a verified caller is and may do.

use std::fmt;
use std::str::FromStr;

use gathering_domain::{ClusterId, OrganizationId, WriteGrant};

/// A permission that a token carries in its `scope` claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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
    #[error("the token lacks the scope '{0}'")]
    MissingScope(Scope),
    /// The token is bound to another cluster.
    #[error("the token is bound to another cluster")]
    OtherCluster,
}

/// A caller whose token was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    organization: OrganizationId,
    cluster: Option<ClusterId>,
    subject: Option<String>,
    scopes: Vec<Scope>,
}

impl Identity {
    pub(crate) const fn new(
        organization: OrganizationId,
        cluster: Option<ClusterId>,
        subject: Option<String>,
        scopes: Vec<Scope>,
    ) -> Self {
        Self { organization, cluster, subject, scopes }
    }

    /// The tenant: everything the caller sees belongs to it.
    pub const fn organization(&self) -> OrganizationId {
        self.organization
    }

    /// The only cluster that the caller may ask for; `None` for every cluster of the organization.
    pub const fn cluster(&self) -> Option<ClusterId> {
        self.cluster
    }

    /// The token's `sub`, for logs.
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// True if the token carries this scope.
    pub fn has(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }

    /// Whether the caller may read what is recorded for this cluster of its organization.
    pub fn may_read(&self, cluster: ClusterId) -> Result<(), Denied> {
        if !self.has(Scope::Read) {
            return Err(Denied::MissingScope(Scope::Read));
        }
        match self.cluster {
            Some(own) if own != cluster => Err(Denied::OtherCluster),
            _ => Ok(()),
        }
    }

    /// For whom the caller may write: its own organization, or with `write:any` every one; a token that is bound to a
    /// cluster writes for no other.
    pub fn may_write(&self) -> Result<WriteGrant, Denied> {
        let organization = if self.has(Scope::WriteAny) {
            None
        } else if self.has(Scope::Write) {
            Some(self.organization)
        } else {
            return Err(Denied::MissingScope(Scope::Write));
        };
        Ok(WriteGrant { organization, cluster: self.cluster })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_needs_the_scope_and_the_cluster() {
        let own: ClusterId = "5d5892d3-1f74-4ccf-91af-548dfc9767aa".parse().unwrap();
        let other: ClusterId = "00000000-0000-0000-0000-000000000001".parse().unwrap();
        let identity =
            |cluster, scopes: &[Scope]| Identity::new("7".parse().unwrap(), cluster, None, scopes.to_vec());
        assert_eq!(identity(None, &[Scope::Read]).may_read(other), Ok(()));
        assert_eq!(identity(Some(own), &[Scope::Read]).may_read(own), Ok(()));
        assert_eq!(identity(Some(own), &[Scope::Read]).may_read(other), Err(Denied::OtherCluster));
        let writer = identity(None, &[Scope::Write, Scope::WriteAny]);
        assert_eq!(writer.may_read(own), Err(Denied::MissingScope(Scope::Read)));
    }

    #[test]
    fn writing_needs_a_scope_and_keeps_the_bounds_of_the_token() {
        let own: ClusterId = "5d5892d3-1f74-4ccf-91af-548dfc9767aa".parse().unwrap();
        let grant = |cluster, scopes: &[Scope]| {
            Identity::new("7".parse().unwrap(), cluster, None, scopes.to_vec()).may_write()
        };
        let organization = Some("7".parse().unwrap());
        assert_eq!(grant(None, &[Scope::Read]), Err(Denied::MissingScope(Scope::Write)));
        assert_eq!(grant(None, &[Scope::Write]), Ok(WriteGrant { organization, cluster: None }));
        assert_eq!(grant(Some(own), &[Scope::Write]), Ok(WriteGrant { organization, cluster: Some(own) }));
        let any = WriteGrant { organization: None, cluster: Some(own) };
        assert_eq!(grant(Some(own), &[Scope::WriteAny]), Ok(any));
        assert_eq!(grant(Some(own), &[Scope::Write, Scope::WriteAny]), Ok(any));
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
