//! URLs of services that are asked over HTTP, read in one way whatever they are for.

use std::fmt;
use std::net::IpAddr;

use http::Uri;
use http::uri::Authority;

/// A URL with `http` or `https`, a host, and nobody's name or password. It is shown without its query, which may hold a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct ServiceUrl {
    text: String,
    is_encrypted: bool,
    is_local: bool,
}

/// What a [`ServiceUrl`] may be, beyond what all are. The default is the least: `https` that is spelled out, or `http` on this very
/// machine, and no query.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UrlRules {
    /// Whether it may be `http` elsewhere too, where others on the way can read and change everything.
    pub plain_http: bool,
    /// Whether it may have a query.
    pub query: bool,
    /// Whether a text without a scheme is `https`.
    pub https_if_unsaid: bool,
}

impl ServiceUrl {
    /// Reads a URL; `None` if it is none, or one that these rules do not allow.
    pub fn parse(text: &str, rules: UrlRules) -> Option<Self> {
        let is_bare = rules.https_if_unsaid && !text.contains("://");
        let text = if is_bare { format!("https://{text}") } else { text.to_owned() };
        let uri: Uri = text.parse().ok()?;
        let is_encrypted = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return None,
        };
        let authority = uri.authority().filter(|authority| names_a_host(authority))?;
        let is_local = is_local(authority.host());
        // The library drops a fragment.
        let is_allowed = (is_encrypted || is_local || rules.plain_http)
            && (rules.query || !text.contains('?'))
            && !text.contains('#');
        is_allowed.then_some(Self { text, is_encrypted, is_local })
    }

    /// The whole of it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it is `https`.
    pub const fn is_encrypted(&self) -> bool {
        self.is_encrypted
    }

    /// Whether it is on this very machine, as far as its text says.
    pub const fn is_local(&self) -> bool {
        self.is_local
    }

    /// The URL with this path behind its own. Slashes at its end do not count.
    #[must_use]
    pub fn join(&self, path: &str) -> Self {
        Self { text: format!("{}{path}", self.text.trim_end_matches('/')), ..*self }
    }

    /// The URL with a slash at its end, where there is none.
    #[must_use]
    pub fn with_slash(mut self) -> Self {
        if !self.text.ends_with('/') {
            self.text.push('/');
        }
        self
    }
}

impl fmt::Display for ServiceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.text.split('?').next().unwrap_or_default())
    }
}

impl fmt::Debug for ServiceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServiceUrl({self})")
    }
}

fn is_local(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse();
    host == "localhost" || address.is_ok_and(|address: IpAddr| address.is_loopback())
}

/// Whether it is a host, and a port if there is a colon behind it; and nobody's name or password.
fn names_a_host(authority: &Authority) -> bool {
    let (text, host) = (authority.as_str(), authority.host());
    !host.is_empty() && !text.contains('@') && (text == host || authority.port_u16().is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: UrlRules = UrlRules { plain_http: false, query: false, https_if_unsaid: false };
    const MOST: UrlRules = UrlRules { plain_http: true, query: true, https_if_unsaid: true };

    #[test]
    fn each_rule_allows_its_own_and_nothing_else() {
        for (text, needed) in [
            ("https://host:8443/a", LEAST),
            ("http://localhost:1", LEAST),
            ("http://127.8.9.1/", LEAST),
            ("http://[::1]/", LEAST),
            ("http://host/", UrlRules { plain_http: true, ..LEAST }),
            ("http://127.0.0.1.example.com/", UrlRules { plain_http: true, ..LEAST }),
            ("http://localhost.example.com/", UrlRules { plain_http: true, ..LEAST }),
            ("https://host/?a=b", UrlRules { query: true, ..LEAST }),
            ("https://host?", UrlRules { query: true, ..LEAST }),
            ("host:8443/a", UrlRules { https_if_unsaid: true, ..LEAST }),
            ("localhost", UrlRules { https_if_unsaid: true, ..LEAST }),
        ] {
            for bits in 0..8_u8 {
                let rules =
                    UrlRules { plain_http: bits & 1 > 0, query: bits & 2 > 0, https_if_unsaid: bits & 4 > 0 };
                let is_enough = (rules.plain_http || !needed.plain_http)
                    && (rules.query || !needed.query)
                    && (rules.https_if_unsaid || !needed.https_if_unsaid);
                assert_eq!(ServiceUrl::parse(text, rules).is_some(), is_enough, "{text} {rules:?}");
            }
        }
    }

    #[test]
    fn no_rule_allows_names_passwords_fragments_or_what_is_no_host() {
        for text in [
            "",
            "://",
            "https://",
            "https:///a",
            "https://:80/",
            "https://host:/",
            "https://host:99999/",
            "https://user@host/",
            "https://user:password@host/",
            "user:password@host",
            "https://@host/",
            "http://localhost@example.com/",
            "https://host/#a",
            "https://host#",
            "https://host/?a#b",
            "ftp://localhost/",
            "file:///etc/keys",
            "/a",
            "//host",
            "ho st",
            " https://host/",
            "https://host/\n",
        ] {
            assert_eq!(ServiceUrl::parse(text, MOST), None, "{text:?}");
        }
    }

    #[test]
    fn what_is_shown_has_no_query() {
        let url = ServiceUrl::parse("https://host/a?code=secret", MOST).unwrap();
        assert_eq!(url.as_str(), "https://host/a?code=secret");
        assert_eq!(
            (url.to_string(), format!("{url:?}")),
            ("https://host/a".into(), "ServiceUrl(https://host/a)".into())
        );
        assert!(url.is_encrypted() && !url.is_local());
    }

    #[test]
    fn paths_are_put_behind_it() {
        for text in ["http://[::1]:80/a", "http://[::1]:80/a/", "http://[::1]:80/a//"] {
            let url = ServiceUrl::parse(text, LEAST).unwrap();
            let joined = url.join("/b?c=d");
            assert_eq!(joined.as_str(), "http://[::1]:80/a/b?c=d");
            assert!(joined.is_local() && !joined.is_encrypted());
            assert!(url.with_slash().as_str().ends_with("a/") || text.ends_with("//"));
        }
    }
}
