//! The addresses that keys may be fetched from.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ureq::http::Uri;

/// A URL that keys may be fetched from: `https`, or `http` on this very machine, so that nobody on the way can replace
/// them. It has neither a password nor a fragment. Parsed with [`FromStr`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyUrl {
    text: String,
    is_local: bool,
}

/// The error of a text that is not a [`KeyUrl`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it has to be a URL with https, or with http on a loopback address, and without a password")]
pub struct KeyUrlError;

impl FromStr for KeyUrl {
    type Err = KeyUrlError;

    fn from_str(text: &str) -> Result<Self, KeyUrlError> {
        let uri: Uri = text.parse().map_err(|_| KeyUrlError)?;
        let authority = uri.authority().ok_or(KeyUrlError)?;
        let host = authority.host();
        let is_local = is_local(host);
        let is_safe = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => is_local,
            _ => false,
        };
        if is_safe && !host.is_empty() && !authority.as_str().contains('@') && !text.contains('#') {
            Ok(Self { text: text.to_owned(), is_local })
        } else {
            Err(KeyUrlError)
        }
    }
}

impl KeyUrl {
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it is on this machine, which is never asked through a proxy.
    pub(crate) const fn is_local(&self) -> bool {
        self.is_local
    }

    /// Whether it is `https`.
    pub(crate) fn is_encrypted(&self) -> bool {
        self.text.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("https:"))
    }

    /// The URL with this path behind its own. Slashes at its end do not count.
    pub(crate) fn join(&self, path: &str) -> Self {
        Self { text: format!("{}{path}", self.text.trim_end_matches('/')), is_local: self.is_local }
    }
}

/// Leaves the query out, which may hold a secret.
impl fmt::Display for KeyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.text.split('?').next().unwrap_or_default())
    }
}

fn is_local(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse();
    host == "localhost" || address.is_ok_and(|address: IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_by_https_or_from_this_machine() {
        for text in [
            "https://sso.example.com/keys",
            "HTTPS://sso.example.com:8443/a/b",
            "http://localhost:1/keys",
            "http://127.0.0.1:8080",
            "http://[::1]/keys",
        ] {
            assert_eq!(text.parse::<KeyUrl>().unwrap().to_string(), text);
        }
        let with_query: KeyUrl = "https://sso.example.com/keys?code=secret".parse().unwrap();
        assert_eq!(with_query.as_str(), "https://sso.example.com/keys?code=secret");
        assert_eq!(with_query.to_string(), "https://sso.example.com/keys");
        assert!(with_query.is_encrypted() && !with_query.is_local());
        assert!("https://localhost:1/keys".parse::<KeyUrl>().unwrap().is_local());
        for text in [
            "",
            "keys",
            "/keys",
            "http://sso.example.com/keys",
            "http://127.0.0.1.example.com/keys",
            "http://localhost.example.com",
            "file:///etc/keys",
            "ftp://localhost/keys",
            "https://user:password@sso.example.com/keys",
            "http://localhost@example.com/keys",
            "https://sso.example.com/keys#1",
            "https:///keys",
        ] {
            assert_eq!(text.parse::<KeyUrl>(), Err(KeyUrlError), "{text}");
        }
    }
}
