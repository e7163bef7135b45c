//! Why keys cannot be used, authentication cannot be set up, or a token cannot be signed.

use std::path::PathBuf;

use ipnet::IpNet;
use jsonwebtoken::Algorithm;

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
    /// A key of a set with more keys than any provider publishes.
    #[error("comes after 256 others")]
    TooManyKeys,
    /// A key without a name, beside others.
    #[error("has no name (kid), and neither have four keys before it")]
    Unnamed,
    /// A key with the name of others.
    #[error("has the name (kid) of four keys before it")]
    SameName,
    /// An entry of a set that is a text, a number, a list or null.
    #[error("is not a JSON object")]
    NotAnObject,
    /// A key of which a member comes twice.
    #[error("has a member twice")]
    Twice,
    /// A key without a member that its kind has.
    #[error("has no {0}")]
    Missing(&'static str),
    /// A key with a member of another type.
    #[error("has a value for {0} that is not a text")]
    NoText(&'static str),
    /// A key with a member of another type.
    #[error("has a value for {0} that is not a list")]
    NoList(&'static str),
    /// A key with a member that has other letters than those of base64url.
    #[error("has a value for {0} that is not in base64url")]
    NoBase64(&'static str),
    /// A key of a kind that this service does not use.
    #[error(
        "is not of a kind that counts here: kty RSA, EC with crv P-256 or P-384, or OKP with crv Ed25519"
    )]
    UnknownKind,
    /// A key for an algorithm that is not one of its kind.
    #[error("has an alg that does not count here, or not for keys of its kty and crv")]
    OtherAlgorithm,
    /// A key of a set whose numbers make none.
    #[error("is no usable key: RSA has to have 2048 to 8192 bits, and others a point of their curve")]
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
