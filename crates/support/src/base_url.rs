//! URLs that the paths of an API begin with.

use std::fmt;
use std::str::FromStr;

use crate::service_url::{ServiceUrl, UrlRules};

/// A URL that the paths of an API begin with: `http` or `https`, without user, password, query and
/// fragment. A slash at its end is added where it is missing. Parsed with [`FromStr`].
///
/// ```
/// use gathering_support::BaseUrl;
/// let url: BaseUrl = "http://host:8080/api/v1".parse()?;
/// assert_eq!(url.to_string(), "http://host:8080/api/v1/");
/// # Ok::<(), gathering_support::BaseUrlError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl(ServiceUrl);

/// The error of a text that is not a [`BaseUrl`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "it has to be a URL with http or https, and without user, password, query and fragment, such as \
     http://host:8080/api/v1/"
)]
pub struct BaseUrlError;

impl FromStr for BaseUrl {
    type Err = BaseUrlError;

    fn from_str(text: &str) -> Result<Self, BaseUrlError> {
        let rules = UrlRules { plain_http: true, ..UrlRules::default() };
        ServiceUrl::parse(text, rules).map(|url| Self(url.with_slash())).ok_or(BaseUrlError)
    }
}

impl BaseUrl {
    /// Whether it is `https`.
    pub const fn is_encrypted(&self) -> bool {
        self.0.is_encrypted()
    }

    /// Whether it is on this very machine, as far as its text says.
    pub const fn is_local(&self) -> bool {
        self.0.is_local()
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_ends_with_a_slash() {
        for (text, expected) in [
            ("http://aggregator", "http://aggregator/"),
            ("http://aggregator/", "http://aggregator/"),
            ("https://aggregator:8443/api/v1", "https://aggregator:8443/api/v1/"),
            ("HTTP://127.0.0.1:1/api/", "HTTP://127.0.0.1:1/api/"),
            ("http://[::1]:80/a@b", "http://[::1]:80/a@b/"),
        ] {
            let url: BaseUrl = text.parse().unwrap();
            assert_eq!((url.to_string().as_str(), url.is_encrypted()), (expected, text.starts_with("https")));
            assert_eq!(url.is_local(), text.contains('1') && !text.contains("v1"), "{text}");
        }
    }

    #[test]
    fn it_is_a_url_without_anything_that_would_get_lost() {
        for text in [
            "",
            "aggregator",
            "aggregator:8080",
            "/api",
            "ftp://aggregator/",
            "http:aggregator",
            "http:///api",
            "http://",
            "http://:80/",
            "http://aggregator:/",
            "http://aggregator:99999/",
            "http://aggregator:port/",
            "http://user@aggregator/",
            "http://user:password@aggregator/",
            "http://@aggregator/",
            "http://aggregator/?",
            "http://aggregator/?key=value",
            "http://aggregator/#fragment",
            "http://aggregator#",
            " http://aggregator/",
            "http://aggregator/ ",
            "http://aggre gator/",
            "http://aggregator/\n",
            "http:\\\\aggregator\\",
        ] {
            assert_eq!(text.parse::<BaseUrl>(), Err(BaseUrlError), "{text:?}");
        }
    }
}
