//! Where keys are fetched from.

use std::fmt;
use std::net::IpAddr;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;
use ureq::http::Uri;

use super::Client;
use super::proxy::ProxyError;
use crate::keys::{KeySet, LeftOut, Origin, parse};
use crate::settings::IssuerSettings;
use crate::{AuthError, KeyProblem};

/// An address that keys may come from: `https`, or `http` on this very machine, so that nobody on the way can put keys
/// of his own in their place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyUrl {
    text: String,
    is_local: bool,
}

/// A text that is no such address.
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
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it is on this machine, for which no proxy is to speak.
    pub(super) const fn is_local(&self) -> bool {
        self.is_local
    }

    /// Whether it is `https`, and not `http` on this machine.
    fn is_encrypted(&self) -> bool {
        self.text.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("https:"))
    }
}

/// Without the query, which may hold something that is not for logs.
impl fmt::Display for KeyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.text.split('?').next().unwrap_or_default())
    }
}

/// How the key set of an issuer is found.
#[derive(Debug)]
pub(crate) enum Source {
    /// Its address is known.
    KeySet(KeyUrl),
    /// The issuer tells its address.
    Discovery(KeyUrl),
}

/// A key set that was fetched.
pub(crate) struct Fetched {
    pub(crate) body: Vec<u8>,
    pub(crate) keys: KeySet,
    pub(crate) left_out: LeftOut,
    pub(crate) fresh_for: Duration,
}

/// Why there is no key set.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SourceProblem {
    #[error("no answer ({0})")]
    Unreachable(ureq::Error),
    #[error("an answer larger than 256 KiB")]
    TooLarge,
    #[error("the status {0}")]
    Status(u16),
    #[error("something that {0}")]
    Keys(KeyProblem),
    #[error("no chance to ask it: {0}")]
    Setup(#[from] AuthError),
    #[error("no chance to ask it: {0}")]
    Proxy(#[from] ProxyError),
    #[error("a panic, which is a defect of this program or of a library")]
    Panic,
    #[error("the address of a key set, {address}, which gave {problem}")]
    KeySet { address: KeyUrl, problem: Box<Self> },
    #[error("no discovery document, which is a JSON object with the texts issuer and jwks_uri")]
    NoDocument,
    #[error("a discovery document of another issuer, {0:?}, and not exactly of the configured one")]
    OtherIssuer(String),
    #[error("a discovery document whose jwks_uri is not usable: {0}")]
    Address(#[from] KeyUrlError),
}

impl From<ureq::Error> for SourceProblem {
    fn from(error: ureq::Error) -> Self {
        match error {
            ureq::Error::BodyExceedsLimit(_) => Self::TooLarge,
            error => Self::Unreachable(error),
        }
    }
}

/// What an issuer says of itself (section 3 of `OpenID` Connect Discovery 1.0), as far as it counts here.
#[derive(Deserialize)]
struct DiscoveryDocument {
    issuer: String,
    jwks_uri: String,
}

impl Source {
    /// Where this issuer's keys are fetched from, if from anywhere.
    pub(crate) fn of(settings: &IssuerSettings) -> Result<Option<Self>, AuthError> {
        if let Some(url) = &settings.keys.jwks_url {
            return Ok(Some(Self::KeySet(url.clone())));
        }
        if !settings.keys.discovery {
            return Ok(None);
        }
        let issuer = settings.issuer.as_deref().ok_or(AuthError::Discovery)?;
        issuer.parse().map(|url| Some(Self::Discovery(url))).map_err(|_| AuthError::Discovery)
    }

    pub(crate) fn fetch(&self, ca_file: Option<&Path>) -> Result<Fetched, SourceProblem> {
        let client = &Client::new(ca_file)?;
        let address = match self {
            Self::KeySet(url) => url.clone(),
            Self::Discovery(issuer) => discover(issuer, client)?,
        };
        key_set(&address, client).map_err(|problem| match self {
            Self::KeySet(_) => problem,
            Self::Discovery(_) => SourceProblem::KeySet { address, problem: Box::new(problem) },
        })
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KeySet(url) => url.fmt(f),
            Self::Discovery(issuer) => well_known(issuer).fmt(f),
        }
    }
}

fn key_set(address: &KeyUrl, client: &Client) -> Result<Fetched, SourceProblem> {
    let document = client.get(address)?;
    let (keys, left_out) = parse(&document.body, Origin::Url).map_err(SourceProblem::Keys)?;
    Ok(Fetched { body: document.body, keys, left_out, fresh_for: document.fresh_for })
}

fn is_local(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse();
    host == "localhost" || address.is_ok_and(|address: IpAddr| address.is_loopback())
}

/// Section 4: a slash at the end of the issuer does not count.
fn well_known(issuer: &KeyUrl) -> KeyUrl {
    let text = format!("{}/.well-known/openid-configuration", issuer.text.trim_end_matches('/'));
    KeyUrl { text, is_local: issuer.is_local }
}

/// Section 4.3: a document that names another issuer than the one that was asked is not to be used.
fn discover(issuer: &KeyUrl, client: &Client) -> Result<KeyUrl, SourceProblem> {
    let document = client.get(&well_known(issuer))?;
    let document: DiscoveryDocument =
        serde_json::from_slice(&document.body).map_err(|_| SourceProblem::NoDocument)?;
    if document.issuer != issuer.text {
        return Err(SourceProblem::OtherIssuer(document.issuer.chars().take(200).collect()));
    }
    let address: KeyUrl = document.jwks_uri.parse()?;
    // Somebody elsewhere does not get to say what is asked on this machine.
    if issuer.is_encrypted() && !address.is_encrypted() {
        return Err(KeyUrlError.into());
    }
    Ok(address)
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

    #[test]
    fn an_issuer_is_asked_at_its_well_known_address() {
        let address = |issuer: &str| Source::Discovery(issuer.parse().unwrap()).to_string();
        let expected = "https://sso/realms/one/.well-known/openid-configuration";
        assert_eq!(address("https://sso/realms/one"), expected);
        assert_eq!(address("https://sso/realms/one/"), expected);
    }

    #[test]
    fn discovery_needs_an_issuer_that_can_be_asked() {
        let mut settings = IssuerSettings::default();
        assert!(matches!(Source::of(&settings), Ok(None)));
        settings.keys.discovery = true;
        assert!(matches!(Source::of(&settings), Err(AuthError::Discovery)));
        settings.issuer = Some("my issuer".to_owned());
        assert!(matches!(Source::of(&settings), Err(AuthError::Discovery)));
        settings.issuer = Some("https://sso".to_owned());
        assert!(matches!(Source::of(&settings), Ok(Some(Source::Discovery(_)))));
    }
}
