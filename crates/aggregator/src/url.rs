//! Where the aggregator is.

use std::fmt;
use std::str::FromStr;

use hyper::Uri;
use hyper::http::uri::Authority;

/// The URL that the paths of the aggregator's REST API begin with: `http` or `https`, without user, password, query and
/// fragment. A slash at its end is added where it is missing. Parsed with [`FromStr`].
///
/// ```
/// use gathering_aggregator::AggregatorUrl;
/// let url: AggregatorUrl = "http://aggregator:8080/api/v1".parse()?;
/// assert_eq!(url.to_string(), "http://aggregator:8080/api/v1/");
/// # Ok::<(), gathering_aggregator::AggregatorUrlError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AggregatorUrl {
    text: String,
    is_encrypted: bool,
}

/// The error of a text that is not an [`AggregatorUrl`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "it has to be a URL with http or https, and without user, password, query and fragment, such as \
     http://aggregator:8080/api/v1/"
)]
pub struct AggregatorUrlError;

impl FromStr for AggregatorUrl {
    type Err = AggregatorUrlError;

    fn from_str(text: &str) -> Result<Self, AggregatorUrlError> {
        let uri: Uri = text.parse().map_err(|_| AggregatorUrlError)?;
        let is_encrypted = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(AggregatorUrlError),
        };
        let is_usable = uri.authority().is_some_and(names_a_host) && !text.contains(['?', '#']);
        let slash = if text.ends_with('/') { "" } else { "/" };
        is_usable.then(|| Self { text: format!("{text}{slash}"), is_encrypted }).ok_or(AggregatorUrlError)
    }
}

impl AggregatorUrl {
    /// Whether it is `https`.
    pub(crate) const fn is_encrypted(&self) -> bool {
        self.is_encrypted
    }
}

impl fmt::Display for AggregatorUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

/// Whether it is a host, and a port if there is a colon behind it; and nobody's name or password.
fn names_a_host(authority: &Authority) -> bool {
    let (text, host) = (authority.as_str(), authority.host());
    !host.is_empty() && !text.contains('@') && (text == host || authority.port_u16().is_some())
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
            let url: AggregatorUrl = text.parse().unwrap();
            assert_eq!((url.to_string().as_str(), url.is_encrypted()), (expected, text.starts_with("https")));
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
            assert_eq!(text.parse::<AggregatorUrl>(), Err(AggregatorUrlError), "{text:?}");
        }
    }
}
