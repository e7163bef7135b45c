//! How the tokens of an issuer say what this service wants to know.

use gathering_domain::ids::OrganizationId;

use crate::claim_path::ClaimPath;
use crate::scope::{Scope, Scopes};

/// Where the tokens of an issuer say for whom they are and what they permit, and in which words. The default is what this
/// service itself mints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimMapping {
    /// Where the organization is, as a number or as its digits.
    pub organization: ClaimPath,
    /// Where the only cluster is that the token is good for.
    pub cluster: ClaimPath,
    /// Where the scopes are: a text of words with spaces between them, or a list of words.
    pub scope: ClaimPath,
    /// The organization of tokens in which nothing is where [`organization`](Self::organization) says. A null there is no
    /// such token, and neither is anything else.
    pub default_organization: Option<OrganizationId>,
    /// Which words grant what.
    pub scopes: ScopeWords,
}

impl Default for ClaimMapping {
    fn default() -> Self {
        Self {
            organization: ClaimPath::named("org_id"),
            cluster: ClaimPath::named("cluster_id"),
            scope: ClaimPath::named("scope"),
            default_organization: None,
            scopes: ScopeWords::default(),
        }
    }
}

impl ClaimMapping {
    /// Whether tokens without scopes may read, although scopes are in another claim or other words than this service's own. Such
    /// tokens come from a provider that has others to serve: who lacks the claim was perhaps never meant to read.
    pub fn lets_strangers_read(&self) -> bool {
        let Self { scope, scopes: ScopeWords { read, write, write_any, absent }, .. } = self;
        let own = Self::default();
        let is_mapped = (scope, read, write, write_any)
            != (&own.scope, &own.scopes.read, &own.scopes.write, &own.scopes.write_any);
        is_mapped && *absent == AbsentScope::Read
    }
}

/// Which words of a token grant what. A word may grant several things, and others grant nothing. An empty word never counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeWords {
    /// Each of these grants [`Scope::Read`].
    pub read: Vec<String>,
    /// Each of these grants [`Scope::Write`].
    pub write: Vec<String>,
    /// Each of these grants [`Scope::WriteAny`].
    pub write_any: Vec<String>,
    /// What a token grants that has no scopes, not even an empty list of them.
    pub absent: AbsentScope,
}

/// What a token without scopes grants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AbsentScope {
    /// It may read.
    #[default]
    Read,
    /// It may do nothing.
    Nothing,
}

impl Default for ScopeWords {
    fn default() -> Self {
        let own = |scope: Scope| vec![scope.as_str().to_owned()];
        Self {
            read: own(Scope::Read),
            write: own(Scope::Write),
            write_any: own(Scope::WriteAny),
            absent: AbsentScope::default(),
        }
    }
}

impl ScopeWords {
    /// What a word grants.
    pub(crate) fn granted(&self, word: &str) -> Scopes {
        let grants = |scope: &Scope| !word.is_empty() && self.words(*scope).iter().any(|one| one == word);
        Scope::ALL.into_iter().filter(grants).collect()
    }

    /// What a token without scopes grants.
    pub(crate) fn granted_to_absent(&self) -> Scopes {
        match self.absent {
            AbsentScope::Read => Scopes::default().with(Scope::Read),
            AbsentScope::Nothing => Scopes::default(),
        }
    }

    /// Words that together grant these scopes and no more.
    ///
    /// # Errors
    /// The scope that no word grants without granting more.
    pub(crate) fn saying(&self, scopes: &[Scope]) -> Result<Vec<&str>, Scope> {
        let asked: Scopes = scopes.iter().copied().collect();
        let word = |scope: &Scope| {
            let mut words = self.words(*scope).iter().map(String::as_str);
            words.find(|word| self.granted(word).are_among(asked)).ok_or(*scope)
        };
        scopes.iter().map(word).collect()
    }

    /// All words that grant anything, for people.
    pub(crate) fn all(&self) -> Vec<&str> {
        Scope::ALL.into_iter().flat_map(|scope| self.words(scope)).map(String::as_str).collect()
    }

    fn words(&self, scope: Scope) -> &[String] {
        match scope {
            Scope::Read => &self.read,
            Scope::Write => &self.write,
            Scope::WriteAny => &self.write_any,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(read: &[&str], write: &[&str], write_any: &[&str]) -> ScopeWords {
        let own = |words: &[&str]| words.iter().map(ToString::to_string).collect();
        ScopeWords { read: own(read), write: own(write), write_any: own(write_any), ..ScopeWords::default() }
    }

    fn scopes(all: &[Scope]) -> Scopes {
        all.iter().copied().collect()
    }

    #[test]
    fn words_grant_what_they_are_mapped_to() {
        let words = words(&["viewer", "editor", ""], &["editor"], &[]);
        assert_eq!(words.granted("viewer"), scopes(&[Scope::Read]));
        assert_eq!(words.granted("editor"), scopes(&[Scope::Read, Scope::Write]));
        for other in ["", "read", "write", "write:any", "Viewer", "viewer ", "view", "viewer editor"] {
            assert_eq!(words.granted(other), Scopes::default(), "{other:?}");
        }
        for scope in Scope::ALL {
            assert_eq!(ScopeWords::default().granted(scope.as_str()), scopes(&[scope]));
        }
    }

    #[test]
    fn what_is_said_grants_no_more_than_was_asked_for() {
        let words = words(&["editor", "viewer"], &["editor"], &[]);
        assert_eq!(words.saying(&[Scope::Read]), Ok(vec!["viewer"]));
        assert_eq!(words.saying(&[Scope::Read, Scope::Write]), Ok(vec!["editor", "editor"]));
        assert_eq!(words.saying(&[Scope::Write]), Err(Scope::Write), "editor reads too");
        assert_eq!(words.saying(&[Scope::WriteAny]), Err(Scope::WriteAny));
        assert_eq!(words.saying(&[]), Ok(vec![]));
    }
}
