//! Why keys could not be fetched.

use gathering_support::ProxyError;

use crate::error::AuthError;
use crate::key_url::{KeyUrl, KeyUrlError};
use crate::keys::error::KeyError;

/// Why there is no key set. The texts complete a sentence such as "the provider gave the status 404".
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    #[error("no answer ({0})")]
    Unreachable(ureq::Error),
    #[error("an answer larger than 256 KiB")]
    TooLarge,
    #[error("the status {0}")]
    Status(u16),
    #[error("something that {0}")]
    Keys(KeyError),
    #[error("no chance to ask it: {0}")]
    Setup(#[from] AuthError),
    #[error("no chance to ask it: {0}")]
    Proxy(#[from] ProxyError),
    #[error("a panic, which is a defect of this program or of a library")]
    Panic,
    #[error("the address of a key set, {address}, which gave {error}")]
    KeySet { address: KeyUrl, error: Box<Self> },
    #[error("no discovery document, which is a JSON object with the texts issuer and jwks_uri")]
    NoDocument,
    #[error("a discovery document of another issuer, {0:?}, and not exactly of the configured one")]
    OtherIssuer(String),
    #[error("a discovery document whose jwks_uri is not usable: {0}")]
    Address(#[from] KeyUrlError),
}

impl From<ureq::Error> for FetchError {
    fn from(error: ureq::Error) -> Self {
        match error {
            ureq::Error::BodyExceedsLimit(_) => Self::TooLarge,
            error => Self::Unreachable(error),
        }
    }
}
