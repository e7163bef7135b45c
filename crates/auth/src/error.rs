//! Why a caller is refused, and why keys cannot be used.

use std::path::PathBuf;

/// Why a caller is not authenticated. The sentences are for the caller: they tell what to change and no secret.
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
    /// No configured key verifies the signature.
    #[error("the token's signature does not verify")]
    Signature,
    /// A claim is missing, of the wrong JSON type, or out of its range.
    #[error("the token's claim '{0}' is missing or not usable")]
    Claim(&'static str),
    /// `exp` has passed.
    #[error("the token has expired")]
    Expired,
    /// `nbf` is yet to come.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// `iss` is not the configured issuer.
    #[error("the token is of another issuer")]
    Issuer,
    /// `aud` does not name the configured audience.
    #[error("the token is for another audience")]
    Audience,
}

impl Refused {
    /// The value of the `WWW-Authenticate` header (RFC 6750 section 3): without an error code where there was no
    /// token, so that clients learn what is wanted and no more.
    pub fn challenge(&self) -> String {
        const REALM: &str = "Bearer realm=\"gathering\"";
        match self {
            Self::Missing | Self::Scheme => REALM.to_owned(),
            Self::Several => format!("{REALM}, error=\"invalid_request\", error_description=\"{self}\""),
            _ => format!("{REALM}, error=\"invalid_token\", error_description=\"{self}\""),
        }
    }
}

/// Why authentication cannot be set up, or a token not be minted.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// There is no key at all.
    #[error("no key to verify tokens with: set auth.keys.hmac_secret_file or auth.keys.public_key_files")]
    NoKeys,
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
    /// Not a PEM private key of a supported kind.
    #[error("holds no private key in PEM (PKCS#8) of RSA, EC (P-256, P-384) or Ed25519")]
    NoPrivateKey,
}
