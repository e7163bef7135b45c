//! The addresses that keys may be fetched from.

use std::fmt;
use std::str::FromStr;

use gathering_support::{ServiceUrl, UrlRules};

/// A URL that keys may be fetched from: `https`, or `http` on this very machine, so that nobody on the way can replace
/// them. It has neither a password nor a fragment. Parsed with [`FromStr`], and shown without its query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyUrl(ServiceUrl);

/// The error of a text that is not a [`KeyUrl`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it has to be a URL with https, or with http on a loopback address, and without a password")]
pub struct KeyUrlError;

impl FromStr for KeyUrl {
    type Err = KeyUrlError;

    fn from_str(text: &str) -> Result<Self, KeyUrlError> {
        let rules = UrlRules { query: true, ..UrlRules::default() };
        ServiceUrl::parse(text, rules).map(Self).ok_or(KeyUrlError)
    }
}

impl KeyUrl {
    /// What is asked.
    pub(crate) const fn url(&self) -> &ServiceUrl {
        &self.0
    }
}

impl fmt::Display for KeyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
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
        assert_eq!(with_query.url().as_str(), "https://sso.example.com/keys?code=secret");
        assert_eq!(with_query.to_string(), "https://sso.example.com/keys");
        assert!(with_query.url().is_encrypted() && !with_query.url().is_local());
        assert!("https://localhost:1/keys".parse::<KeyUrl>().unwrap().url().is_local());
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
