//! The address of the service that says what service accounts may do.

use std::fmt;
use std::str::FromStr;

use gathering_support::{ServiceUrl, UrlRules};

/// Where a service account's permissions for the advisor are asked for.
const ACCESS: &str = "/access/?application=ocp-advisor&limit=100";

/// The URL of an RBAC service, such as `https://console.example.com/api/rbac/v1`: `https`, also where it names no scheme, or
/// `http` on this very machine, so that nobody on the way can read identities or grant permissions. It has neither a password
/// nor a query nor a fragment. Parsed with [`FromStr`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RbacUrl {
    access: ServiceUrl,
}

/// The error of a text that is not an [`RbacUrl`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "it has to be a URL with https, or with http on a loopback address, without a password and without a query"
)]
pub struct RbacUrlError;

impl FromStr for RbacUrl {
    type Err = RbacUrlError;

    fn from_str(text: &str) -> Result<Self, RbacUrlError> {
        let rules = UrlRules { https_if_unsaid: true, ..UrlRules::default() };
        let url = ServiceUrl::parse(text, rules).ok_or(RbacUrlError)?;
        Ok(Self { access: url.join(ACCESS) })
    }
}

impl RbacUrl {
    /// Where the permissions of a caller are.
    pub(crate) const fn access(&self) -> &ServiceUrl {
        &self.access
    }
}

/// What is asked, without the query.
impl fmt::Display for RbacUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.access.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_scheme_it_is_https() {
        for (text, expected) in [
            ("https://rbac.example.com/api/rbac/v1", "https://rbac.example.com/api/rbac/v1"),
            ("https://rbac.example.com/api/rbac/v1//", "https://rbac.example.com/api/rbac/v1"),
            ("rbac.example.com", "https://rbac.example.com"),
            ("rbac:8443/api", "https://rbac:8443/api"),
            ("localhost:8000", "https://localhost:8000"),
            ("http://localhost:8000/", "http://localhost:8000"),
            ("http://127.0.0.1:8000/v1", "http://127.0.0.1:8000/v1"),
        ] {
            let url: RbacUrl = text.parse().unwrap();
            assert_eq!(url.access().as_str(), format!("{expected}{ACCESS}"));
            assert_eq!(url.to_string(), format!("{expected}/access/"));
        }
        for text in [
            "",
            "://",
            "//rbac",
            "/api/rbac",
            "http://rbac.example.com",
            "http://rbac:8000",
            "ftp://localhost",
            "https://user:password@rbac",
            "user:password@rbac",
            "https://rbac/?limit=1",
            "https://rbac/#x",
            "rbac example",
        ] {
            assert_eq!(text.parse::<RbacUrl>(), Err(RbacUrlError), "{text}");
        }
    }
}
