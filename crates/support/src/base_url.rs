//! URLs that the paths of an API begin with.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use http::Uri;
use http::uri::Authority;

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
pub struct BaseUrl {
    text: String,
    is_encrypted: bool,
    is_local: bool,
}

/// The error of a text that is not an [`BaseUrl`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "it has to be a URL with http or https, and without user, password, query and fragment, such as \
     http://host:8080/api/v1/"
)]
pub struct BaseUrlError;

impl FromStr for BaseUrl {
    type Err = BaseUrlError;

    fn from_str(text: &str) -> Result<Self, BaseUrlError> {
        let uri: Uri = text.parse().map_err(|_| BaseUrlError)?;
        let is_encrypted = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(BaseUrlError),
        };
        let authority = uri.authority().filter(|authority| names_a_host(authority)).ok_or(BaseUrlError)?;
        if text.contains(['?', '#']) {
            return Err(BaseUrlError);
        }
        let slash = if text.ends_with('/') { "" } else { "/" };
        Ok(Self { text: format!("{text}{slash}"), is_encrypted, is_local: is_local(authority.host()) })
    }
}

impl BaseUrl {
    /// Whether it is `https`.
    pub const fn is_encrypted(&self) -> bool {
        self.is_encrypted
    }

    /// Whether it is on this very machine, as far as its text says.
    pub const fn is_local(&self) -> bool {
        self.is_local
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
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
