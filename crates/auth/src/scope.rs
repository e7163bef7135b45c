//! The permissions of callers.

use std::fmt;
use std::str::FromStr;

/// A permission, as the `scope` claim of a token names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Scope {
    /// Read requests and reports of the token's organization.
    Read,
    /// Store messages of the token's organization.
    Write,
    /// Store messages of every organization.
    WriteAny,
}

/// The error of a word that is no scope.
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

/// A set of scopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Scopes(u8);

impl Scopes {
    pub(crate) const fn with(self, scope: Scope) -> Self {
        Self(self.0 | 1 << scope as u8)
    }

    pub(crate) const fn has(self, scope: Scope) -> bool {
        self.0 & 1 << scope as u8 != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
