//! Where the keys of an issuer are fetched from.

use std::fmt;
use std::path::Path;
use std::time::{Duration, Instant};

use gathering_support::ServiceUrl;
use serde::Deserialize;
use ureq::http::{HeaderMap, HeaderValue, header};

use super::client::{Client, Document};
use super::error::FetchError;
use crate::error::AuthError;
use crate::key_url::{KeyUrl, KeyUrlError};
use crate::keys::jwk::Origin;
use crate::keys::jwks::{SkippedKeys, parse};
use crate::keys::key_set::KeySet;
use crate::settings::IssuerSettings;

/// How long fetching keys may take, all documents together. Calls may wait for it.
pub(super) const TIMEOUT: Duration = Duration::from_secs(5);

/// How the key set of an issuer is found.
#[derive(Debug)]
pub(crate) enum KeySource {
    /// Its address is configured.
    KeySet(KeyUrl),
    /// The issuer with this address says where it is.
    Discovery(KeyUrl),
}

/// A key set that was fetched.
pub(crate) struct FetchedKeys {
    pub(crate) body: Vec<u8>,
    pub(crate) keys: KeySet,
    pub(crate) skipped: SkippedKeys,
    pub(crate) fresh_for: Duration,
}

/// What an issuer says of itself (section 3 of `OpenID` Connect Discovery 1.0), as far as it is used here.
#[derive(Deserialize)]
struct DiscoveryDocument {
    issuer: String,
    jwks_uri: String,
}

impl KeySource {
    /// Where the keys of this issuer are fetched from; `None` if its keys are in files only.
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

    /// Fetches the keys now. `ca_file` is read anew each time.
    pub(crate) fn fetch(&self, ca_file: Option<&Path>) -> Result<FetchedKeys, FetchError> {
        let client = &KeyClient { client: Client::new(ca_file)?, deadline: Instant::now() + TIMEOUT };
        let address = match self {
            Self::KeySet(url) => url.clone(),
            Self::Discovery(issuer) => discover(issuer, client)?,
        };
        key_set(&address, client).map_err(|error| match self {
            Self::KeySet(_) => error,
            Self::Discovery(_) => FetchError::KeySet { address, error: Box::new(error) },
        })
    }
}

impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KeySet(url) => url.fmt(f),
            Self::Discovery(issuer) => discovery_url(issuer).fmt(f),
        }
    }
}

/// Fetches the documents of one fetch.
struct KeyClient {
    client: Client,
    deadline: Instant,
}

impl KeyClient {
    fn get(&self, url: &ServiceUrl) -> Result<Document, FetchError> {
        const ACCEPTED: HeaderValue = HeaderValue::from_static("application/json, application/jwk-set+json");
        self.client.get(url, HeaderMap::from_iter([(header::ACCEPT, ACCEPTED)]), self.deadline)
    }
}

fn key_set(address: &KeyUrl, client: &KeyClient) -> Result<FetchedKeys, FetchError> {
    let document = client.get(address.url())?;
    let (keys, skipped) = parse(&document.body, Origin::Url).map_err(FetchError::Keys)?;
    Ok(FetchedKeys { body: document.body, keys, skipped, fresh_for: document.fresh_for })
}

/// Section 4 of the specification: a slash at the end of the issuer does not count.
fn discovery_url(issuer: &KeyUrl) -> ServiceUrl {
    issuer.url().join("/.well-known/openid-configuration")
}

/// The address of the key set. Section 4.3 of the specification: a document that names another issuer than the one that was
/// asked must not be used.
fn discover(issuer: &KeyUrl, client: &KeyClient) -> Result<KeyUrl, FetchError> {
    let document = client.get(&discovery_url(issuer))?;
    let document: DiscoveryDocument =
        serde_json::from_slice(&document.body).map_err(|_| FetchError::NoDocument)?;
    if document.issuer != issuer.url().as_str() {
        return Err(FetchError::OtherIssuer(document.issuer.chars().take(200).collect()));
    }
    let address: KeyUrl = document.jwks_uri.parse()?;
    // An issuer elsewhere must not make this service call something on its own machine.
    if issuer.url().is_encrypted() && !address.url().is_encrypted() {
        return Err(KeyUrlError.into());
    }
    Ok(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_asked_at_its_well_known_address() {
        let address = |issuer: &str| KeySource::Discovery(issuer.parse().unwrap()).to_string();
        let expected = "https://sso/realms/one/.well-known/openid-configuration";
        assert_eq!(address("https://sso/realms/one"), expected);
        assert_eq!(address("https://sso/realms/one/"), expected);
    }

    #[test]
    fn discovery_needs_an_issuer_that_can_be_asked() {
        let mut settings = IssuerSettings::default();
        assert!(matches!(KeySource::of(&settings), Ok(None)));
        settings.keys.discovery = true;
        assert!(matches!(KeySource::of(&settings), Err(AuthError::Discovery)));
        settings.issuer = Some("my issuer".to_owned());
        assert!(matches!(KeySource::of(&settings), Err(AuthError::Discovery)));
        settings.issuer = Some("https://sso".to_owned());
        assert!(matches!(KeySource::of(&settings), Ok(Some(KeySource::Discovery(_)))));
    }
}
