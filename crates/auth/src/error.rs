//! Why a caller is refused, and why keys cannot be used.

use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use jsonwebtoken::Algorithm;

/// Why a caller is not let in. The sentences are for the caller: they tell what to change and no secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No `Authorization` header.
    #[error("an Authorization header with a bearer token is required")]
    Missing,
    /// More than one `Authorization` header: which of them counts would be a guess.
    #[error("more than one Authorization header was sent")]
    Several,
    /// Another scheme than `Bearer`, or no token behind it.
    #[error("the Authorization header holds no bearer token")]
    Scheme,
    /// The token is longer than any that this service takes.
    #[error("the token is longer than 8192 characters")]
    TooLong,
    /// The token is not three parts of base64url with a JSON header and JSON claims.
    #[error("the token is not a JSON Web Token")]
    Malformed,
    /// The token's algorithm is `none`, unknown, or one that no configured key is for.
    #[error("the token's algorithm is not accepted")]
    Algorithm,
    /// The header names extensions that must be understood; none is.
    #[error("the token has critical header extensions, which are not supported")]
    Critical,
    /// The token names a key (`kid`) that its issuer does not have.
    #[error("the token was signed with a key that is not known")]
    UnknownKey,
    /// The token names no key, and more than one might have signed it.
    #[error("the token names no key (kid), and its issuer has several")]
    KeyNotNamed,
    /// No key verifies the signature.
    #[error("the token's signature does not verify")]
    Signature,
    /// A claim is missing, of the wrong JSON type, or out of its range.
    #[error("the token's claim '{0}' is missing or not usable")]
    Claim(&'static str),
    /// `exp` has passed.
    #[error("the token has expired")]
    Expired,
    /// `nbf` or `iat` is yet to come.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// `iss` is no configured issuer.
    #[error("the token is of another issuer")]
    Issuer,
    /// `aud` does not name the configured audience.
    #[error("the token is for another audience")]
    Audience,
    /// The keys of the token's issuer were never had, so that nobody can tell whether it is right.
    #[error("the keys of the token's issuer cannot be had at the moment, please try again")]
    KeysUnavailable,
    /// Whoever sent the identity did not prove to be the gateway.
    #[error("the call does not come from a trusted gateway")]
    Untrusted,
    /// No identity in the header of the gateway.
    #[error("an x-rh-identity header is required")]
    MissingIdentity,
    /// More than one identity.
    #[error("more than one x-rh-identity header was sent")]
    SeveralIdentities,
    /// The identity is longer than any that this service takes.
    #[error("the x-rh-identity header is longer than 32768 characters")]
    IdentityTooLong,
    /// The identity is no base64 of a JSON object, or a part of it is of the wrong type.
    #[error("the x-rh-identity header is not an identity in base64")]
    MalformedIdentity,
    /// The identity is of a kind that this service does not know.
    #[error("the identity is not of the type User, System or ServiceAccount")]
    IdentityType,
    /// The identity has no organization that can be used.
    #[error("the identity's org_id is missing or not usable")]
    IdentityOrganization,
    /// The identity is bound to a cluster that cannot be read.
    #[error("the identity's cluster_id is not usable")]
    IdentityCluster,
    /// The organization called too often.
    #[error("the organization calls too often, please try again later")]
    OrganizationLimit {
        /// When the next call will be answered.
        retry_after: Duration,
    },
    /// The caller called too often.
    #[error("the caller calls too often, please try again later")]
    IdentityLimit {
        /// When the next call will be answered.
        retry_after: Duration,
    },
}

/// What a refused caller can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Prove who it is, as the `WWW-Authenticate` header says (RFC 9110 section 11.6.1).
    Authenticate,
    /// Wait for this long: it calls too often.
    CallLess(Duration),
    /// Wait: nobody can be told at the moment.
    TryAgain,
}

impl Refused {
    /// What the caller can do.
    pub const fn remedy(&self) -> Remedy {
        match self {
            Self::OrganizationLimit { retry_after } | Self::IdentityLimit { retry_after } => {
                Remedy::CallLess(*retry_after)
            }
            Self::KeysUnavailable => Remedy::TryAgain,
            _ => Remedy::Authenticate,
        }
    }

    /// The value of the `WWW-Authenticate` header. For tokens it is that of RFC 6750 section 3: without an error code where
    /// there was no token, so that clients learn what is wanted and no more. Who calls without the gateway has no use for
    /// a token.
    pub fn challenge(&self) -> String {
        const REALM: &str = "Bearer realm=\"gathering\"";
        match self {
            Self::Missing | Self::Scheme => REALM.to_owned(),
            Self::Several => format!("{REALM}, error=\"invalid_request\", error_description=\"{self}\""),
            Self::Untrusted
            | Self::MissingIdentity
            | Self::SeveralIdentities
            | Self::IdentityTooLong
            | Self::MalformedIdentity
            | Self::IdentityType
            | Self::IdentityOrganization
            | Self::IdentityCluster => "Gateway realm=\"gathering\"".to_owned(),
            _ => format!("{REALM}, error=\"invalid_token\", error_description=\"{self}\""),
        }
    }

    /// What [`label`](Self::label) can be.
    pub(crate) const LABELS: [&'static str; 26] = [
        "missing",
        "several",
        "scheme",
        "too_long",
        "malformed",
        "algorithm",
        "critical",
        "unknown_key",
        "key_not_named",
        "signature",
        "claim",
        "expired",
        "not_yet_valid",
        "issuer",
        "audience",
        "keys_unavailable",
        "untrusted",
        "missing_identity",
        "several_identities",
        "identity_too_long",
        "malformed_identity",
        "identity_type",
        "identity_organization",
        "identity_cluster",
        "organization_limit",
        "identity_limit",
    ];

    /// The reason in one word, for metrics and logs.
    pub const fn label(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Several => "several",
            Self::Scheme => "scheme",
            Self::TooLong => "too_long",
            Self::Malformed => "malformed",
            Self::Algorithm => "algorithm",
            Self::Critical => "critical",
            Self::UnknownKey => "unknown_key",
            Self::KeyNotNamed => "key_not_named",
            Self::Signature => "signature",
            Self::Claim(_) => "claim",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::Issuer => "issuer",
            Self::Audience => "audience",
            Self::KeysUnavailable => "keys_unavailable",
            Self::Untrusted => "untrusted",
            Self::MissingIdentity => "missing_identity",
            Self::SeveralIdentities => "several_identities",
            Self::IdentityTooLong => "identity_too_long",
            Self::MalformedIdentity => "malformed_identity",
            Self::IdentityType => "identity_type",
            Self::IdentityOrganization => "identity_organization",
            Self::IdentityCluster => "identity_cluster",
            Self::OrganizationLimit { .. } => "organization_limit",
            Self::IdentityLimit { .. } => "identity_limit",
        }
    }
}

/// Why authentication cannot be set up, or a token not be minted.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// An issuer has no key at all.
    #[error(
        "no key to verify tokens with: set auth.keys.hmac_secret_file, public_key_files, jwks_file, jwks_url or discovery, \
         or the same in the keys of each of auth.issuers"
    )]
    NoKeys,
    /// No key of an issuer is for an algorithm that it may use.
    #[error(
        "no configured key is for one of the algorithms {algorithms:?}; set auth.algorithms to those of the keys"
    )]
    NoKeyForAlgorithms {
        /// The algorithms.
        algorithms: Vec<Algorithm>,
    },
    /// A key that signs is for none of the algorithms that its issuer may use.
    #[error("the signing key is for none of the algorithms {algorithms:?} of auth.algorithms")]
    SigningAlgorithm {
        /// The algorithms.
        algorithms: Vec<Algorithm>,
    },
    /// An issuer is to be asked for its keys, and is no URL that can be.
    #[error(
        "with auth.keys.discovery, auth.issuer has to be a URL with https, such as https://sso.example.com/realms/ours, \
         or with http on a loopback address"
    )]
    Discovery,
    /// Nothing tells the gateway from anybody else.
    #[error(
        "auth.mode = \"identity-header\" needs auth.trusted_proxies, auth.gateway_secret_file or http.tls.client_ca: \
         without one, everybody could send an identity"
    )]
    AnybodyIsTheGateway,
    /// A network that everybody is in.
    #[error(
        "auth.trusted_proxies has {network}, which is everybody; name the networks that the gateway calls from"
    )]
    EveryNetwork {
        /// The network.
        network: IpNet,
    },
    /// A key file cannot be read.
    #[error("the key file {} cannot be read ({source}); check its path and rights", path.display())]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A key file holds something that cannot be used.
    #[error("the key file {} {problem}", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: KeyProblem,
    },
    /// The system has no thread to fetch keys with.
    #[error("no thread can be started to fetch keys with")]
    Thread {
        /// What the system said.
        source: std::io::Error,
    },
    /// The metrics cannot be made.
    #[error("the metrics of authentication cannot be set up")]
    Metrics {
        /// What the library said.
        source: prometheus::Error,
    },
    /// The signing library refused to sign.
    #[error("the token cannot be signed with this key")]
    Signing {
        /// What the library said.
        source: jsonwebtoken::errors::Error,
    },
}

/// What is wrong with the content of a key file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyProblem {
    /// An HMAC secret that could be guessed.
    #[error("holds fewer than 32 bytes; make a secret with `head -c 32 /dev/urandom | base64`")]
    ShortSecret,
    /// A PEM file where the secret of an HMAC is expected: everybody may know a public key.
    #[error("holds a PEM key and not an HMAC secret; name public keys in auth.keys.public_key_files")]
    PemAsSecret,
    /// A private key where a public one is expected.
    #[error("holds a private key; give the public one, as `openssl pkey -pubout` prints it")]
    Private,
    /// A certificate where a public key is expected.
    #[error("holds a certificate; give its public key, as `openssl x509 -noout -pubkey` prints it")]
    Certificate,
    /// More than one key.
    #[error("holds more than one key; give each a file of its own")]
    Several,
    /// Not a PEM public key of a supported kind.
    #[error("holds no public key in PEM of RSA (2048 to 8192 bits), EC (P-256, P-384) or Ed25519")]
    NoPublicKey,
    /// Not a JSON Web Key Set.
    #[error("is no JSON Web Key Set: an object with a list of keys is expected")]
    NoKeySet,
    /// A key set without a key for signatures.
    #[error("holds no key for signatures")]
    EmptyKeySet,
    /// A key set with more keys than any provider publishes.
    #[error("holds more than 64 keys")]
    TooManyKeys,
    /// A key without a name, beside others.
    #[error("has no name (kid), and neither have four keys before it")]
    Unnamed,
    /// A key of a set that this service cannot use.
    #[error(
        "is not of a kind that counts here: kty RSA (2048 to 8192 bits), EC (P-256, P-384) or OKP (Ed25519) with a kid that \
         is a text and an alg of that kind, if any"
    )]
    UnusableJwk,
    /// A key set with the private half of a key.
    #[error("has the private half of a key; publish its n and e, or crv, x and y, and no d")]
    PrivateJwk,
    /// A secret in a place that everybody can read.
    #[error("publishes a secret, which is none then")]
    PublishedSecret,
    /// Not the secrets of a gateway.
    #[error(
        "has to hold one secret a line, each of 32 characters or more without spaces; make one with `openssl rand -hex 32`"
    )]
    GatewaySecret,
    /// Not a PEM certificate.
    #[error("holds no certificate in PEM")]
    NoCertificate,
    /// Not a PEM private key of a supported kind.
    #[error(
        "holds no private key in PEM of RSA (2048 bits or more), EC (P-256, P-384) or Ed25519, in PKCS#8 and without a \
         passphrase; `openssl pkcs8 -topk8 -nocrypt` makes it of others"
    )]
    NoPrivateKey,
}
