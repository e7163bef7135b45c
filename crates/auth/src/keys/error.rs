//! What is wrong with keys.

/// What is wrong with the content of a file of keys, or with an entry of a key set. The texts complete a sentence that
/// begins with the file or the key, such as "the key file jwks.json holds no key for signatures".
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// An HMAC secret of fewer than 32 bytes, which could be guessed.
    #[error("holds fewer than 32 bytes; make a secret with `head -c 32 /dev/urandom | base64`")]
    ShortSecret,
    /// A PEM file where the secret of an HMAC is expected. Everybody may know a public key.
    #[error("holds a PEM key and not an HMAC secret; name public keys in auth.keys.public_key_files")]
    PemAsSecret,
    /// A private key where a public one is expected.
    #[error("holds a private key; give the public one, as `openssl pkey -pubout` prints it")]
    Private,
    /// A certificate where a public key is expected.
    #[error("holds a certificate; give its public key, as `openssl x509 -noout -pubkey` prints it")]
    Certificate,
    /// A PEM file with more than one key.
    #[error("holds more than one key; give each a file of its own")]
    SeveralKeys,
    /// A file without a PEM public key of a supported kind.
    #[error("holds no public key in PEM of RSA (2048 to 8192 bits), EC (P-256, P-384) or Ed25519")]
    NoPublicKey,
    /// A document that is not a JSON Web Key Set.
    #[error("is no JSON Web Key Set: an object with a list of keys is expected")]
    NoKeySet,
    /// A key set in which no key is for signatures.
    #[error("holds no key for signatures")]
    EmptyKeySet,
    /// A key that comes after the 256 keys of a set that are used.
    #[error("comes after 256 others")]
    TooManyKeys,
    /// A key without a name, after four others without one.
    #[error("has no name (kid), and neither have four keys before it")]
    Unnamed,
    /// A key with a name that four keys before it have.
    #[error("has the name (kid) of four keys before it")]
    SameName,
    /// An entry of a key set that is not a JSON object.
    #[error("is not a JSON object")]
    NotAnObject,
    /// A key with a member that comes twice, so that nobody could say which one counts.
    #[error("has a member twice")]
    DuplicateMember,
    /// A key without this member, which every key of its kind has.
    #[error("has no {0}")]
    Missing(&'static str),
    /// A key whose member of this name is not a JSON string.
    #[error("has a value for {0} that is not a text")]
    NotAString(&'static str),
    /// A key whose member of this name is not a JSON array.
    #[error("has a value for {0} that is not a list")]
    NotAList(&'static str),
    /// A key whose member of this name is not base64url.
    #[error("has a value for {0} that is not in base64url")]
    NotBase64Url(&'static str),
    /// A key of a type or curve that this service does not use.
    #[error(
        "is not of a kind that counts here: kty RSA, EC with crv P-256 or P-384, or OKP with crv Ed25519"
    )]
    UnknownKind,
    /// A key whose `alg` is unknown, or is not for keys of its kind.
    #[error("has an alg that does not count here, or not for keys of its kty and crv")]
    OtherAlgorithm,
    /// A key of a set whose numbers are no key: an RSA key of another size, or a point that is not on its curve.
    #[error("is no usable key: RSA has to have 2048 to 8192 bits, and others a point of their curve")]
    UnusableJwk,
    /// A key of a set that contains its private half.
    #[error("has the private half of a key; publish its n and e, or crv, x and y, and no d")]
    PrivateJwk,
    /// An HMAC secret in a key set of a URL, where everybody can read it.
    #[error("publishes a secret, which is none then")]
    PublishedSecret,
    /// A file without usable secrets of a gateway.
    #[error(
        "has to hold one secret a line, each of 32 characters or more without spaces; make one with `openssl rand -hex 32`"
    )]
    GatewaySecret,
    /// A file without a PEM certificate.
    #[error("holds no certificate in PEM")]
    NoCertificate,
    /// A file without a PEM private key of a supported kind.
    #[error(
        "holds no private key in PEM of RSA (2048 bits or more), EC (P-256, P-384) or Ed25519, in PKCS#8 and without a \
         passphrase; `openssl pkcs8 -topk8 -nocrypt` makes it of others"
    )]
    NoPrivateKey,
}
