//! Why authentication cannot be set up, or a token cannot be signed.

use std::path::PathBuf;

use ipnet::IpNet;
use jsonwebtoken::Algorithm;

use crate::keys::error::KeyError;
use crate::scope::Scope;

/// Why authentication cannot be set up, or a token cannot be signed. The texts are for operators: they name settings and
/// files, and hold no secret.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// An issuer has no key, and no place to fetch one from.
    #[error(
        "no key to verify tokens with: set auth.keys.hmac_secret_file, public_key_files, jwks_file, jwks_url or discovery, \
         or the same in the keys of each of auth.issuers"
    )]
    NoKeys,
    /// An issuer is limited to algorithms that none of its keys is for.
    #[error(
        "no configured key is for one of the algorithms {algorithms:?}; set auth.algorithms to those of the keys"
    )]
    NoKeyForAlgorithms {
        /// What the issuer is limited to, as configured.
        algorithms: Vec<Algorithm>,
    },
    /// The signing key can use none of the algorithms that its issuer is limited to.
    #[error("the signing key is for none of the algorithms {algorithms:?} of auth.algorithms")]
    SigningAlgorithm {
        /// What the issuer is limited to, as configured.
        algorithms: Vec<Algorithm>,
    },
    /// Keys are to be discovered from an issuer that is no URL, or not one that is safe to ask.
    #[error(
        "with auth.keys.discovery, auth.issuer has to be a URL with https, such as https://sso.example.com/realms/ours, \
         or with http on a loopback address"
    )]
    Discovery,
    /// Mode `identity-header` has nothing that tells the gateway from everybody else.
    #[error(
        "auth.mode = \"identity-header\" needs auth.trusted_proxies, auth.gateway_secret_file or http.tls.client_ca: \
         without one, everybody could send an identity"
    )]
    AnybodyIsTheGateway,
    /// A trusted network contains every address.
    #[error(
        "auth.trusted_proxies has {network}, which is everybody; name the networks that the gateway calls from"
    )]
    EveryNetwork {
        /// The network, which has a prefix of 0 bits.
        network: IpNet,
    },
    /// Mode `client-certificate` has no organization for its callers.
    #[error("auth.mode = \"client-certificate\" needs auth.certificate.organization, that of every caller")]
    CertificatesWithoutOrganization,
    /// A file with keys, secrets or certificates cannot be read.
    #[error("the key file {} cannot be read ({source}); check its path and rights", path.display())]
    KeyFile {
        /// The path, as configured.
        path: PathBuf,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// A file holds something that cannot be used as a key, secret or certificate.
    #[error("the key file {} {error}", path.display())]
    Key {
        /// The path, as configured.
        path: PathBuf,
        /// What is wrong with the content.
        error: KeyError,
    },
    /// A thread that fetches keys or permissions cannot be started.
    #[error("no thread can be started to fetch keys or permissions with")]
    Thread {
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// The metrics cannot be created, which is a defect of this crate.
    #[error("the metrics of authentication cannot be set up")]
    Metrics {
        /// The error of the metrics library.
        source: prometheus::Error,
    },
    /// No word of the issuer grants this scope without granting more than a token is to permit.
    #[error(
        "auth.scopes has no word that permits {scope} and no more than the token is to permit, so that no such token can be \
         made"
    )]
    NoWord {
        /// The scope.
        scope: Scope,
    },
    /// Claims of a token would be in each other's way, or one would be read as another.
    #[error(
        "auth.claims names places that no token can have beside each other, or beside iss, aud, sub, iat and exp, so that none \
         can be made"
    )]
    ClaimsCollide,
    /// The library could not sign with this key.
    #[error("the token cannot be signed with this key")]
    Signing {
        /// The error of the library.
        source: jsonwebtoken::errors::Error,
    },
}
