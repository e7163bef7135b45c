//! Web pages that may call the API from a browser (CORS).

use std::fmt;
use std::str::FromStr;

use actix_cors::Cors;
use actix_web::http::Uri;
use actix_web::http::header::{self, HeaderName};

use crate::call_id;

/// The origin of a page: scheme, host and perhaps a port, such as `https://console.example.com`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(String);

/// A text that is no origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an origin is http or https, a host and no path, such as https://console.example.com")]
pub struct OriginError;

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        let uri: Uri = text.parse().map_err(|_| OriginError)?;
        let (scheme, authority) = (uri.scheme_str().ok_or(OriginError)?, uri.authority().ok_or(OriginError)?);
        let is_whole = text == format!("{scheme}://{authority}") && !authority.as_str().contains('@');
        let port_is_number = authority.as_str() == authority.host() || authority.port().is_some();
        if ["http", "https"].contains(&scheme) && is_whole && port_is_number && !authority.host().is_empty() {
            Ok(Self(text.to_owned()))
        } else {
            Err(OriginError)
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// How long a browser may cache what it is allowed, in seconds.
const MAX_AGE: usize = 3600;

/// Allows these origins and no others, and no cookies, which the API does not use.
pub(crate) fn cors(origins: &[Origin]) -> Cors {
    let cors = Cors::default()
        .allowed_methods(["GET", "HEAD", "POST", "OPTIONS"])
        .allowed_headers([
            header::ACCEPT,
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::IF_NONE_MATCH,
            HeaderName::from_static("prefer"),
            call_id::HEADER,
        ])
        .expose_headers([
            header::ETAG,
            HeaderName::from_static("preference-applied"),
            header::RETRY_AFTER,
            call_id::HEADER,
        ])
        .max_age(MAX_AGE);
    origins.iter().fold(cors, |cors, origin| cors.allowed_origin(&origin.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_has_a_host_and_no_path() {
        for text in ["https://console.example.com", "http://localhost:3000", "http://[::1]:8080"] {
            assert_eq!(text.parse::<Origin>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "*",
            "null",
            "console.example.com",
            "ftp://h",
            "https://",
            "https://h/",
            "https://h/p",
            "https://[",
            "https://a:b:c",
            "https://a:99999",
            "https://u@h",
        ] {
            assert_eq!(text.parse::<Origin>(), Err(OriginError), "{text}");
        }
    }
}
