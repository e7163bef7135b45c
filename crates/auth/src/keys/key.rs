//! A key that verifies tokens, bound to what it may verify.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RsaParameters, RsaPublicKeyComponents, VerificationAlgorithm,
};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, DecodingKeyKind};

/// A key with the algorithms that it may verify. It never verifies anything else, whatever a token says.
#[derive(Clone)]
pub(crate) struct VerifyingKey {
    key: DecodingKey,
    algorithms: Vec<Algorithm>,
    id: Option<String>,
}

const HMAC: &[Algorithm] = &[Algorithm::HS256, Algorithm::HS384, Algorithm::HS512];
const RSA: &[Algorithm] = &[
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
];

impl VerifyingKey {
    /// The secret of an HMAC. Its length was checked before.
    pub(super) fn hmac(secret: &[u8], id: Option<String>) -> Self {
        Self { key: DecodingKey::from_secret(secret), algorithms: HMAC.to_vec(), id }
    }

    /// A public key; `None` if it could never verify anything.
    pub(super) fn public(key: DecodingKey, id: Option<String>) -> Option<Self> {
        let algorithms = algorithms(&key)?.to_vec();
        Some(Self { key, algorithms, id })
    }

    /// The key, limited to one of its algorithms; `None` if the algorithm is not one of them.
    pub(super) fn only_for(mut self, algorithm: Algorithm) -> Option<Self> {
        self.algorithms.retain(|own| *own == algorithm);
        (!self.algorithms.is_empty()).then_some(self)
    }

    /// Whether the key is of the algorithm's family and, on a curve, of its size.
    pub(crate) fn accepts(&self, algorithm: Algorithm) -> bool {
        self.algorithms.contains(&algorithm)
    }

    /// The name by which tokens refer to it (`kid`).
    pub(super) fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Everything that tells it from other keys.
    pub(super) fn fingerprint(&self) -> (Option<&str>, Vec<String>, [&[u8]; 2]) {
        let algorithms = self.algorithms.iter().map(|algorithm| format!("{algorithm:?}")).collect();
        let bytes = match self.key.kind() {
            DecodingKeyKind::SecretOrDer(bytes) => [bytes.as_slice(), &[]],
            DecodingKeyKind::RsaModulusExponent { n, e } => [n.as_slice(), e.as_slice()],
        };
        (self.id(), algorithms, bytes)
    }

    /// Whether it made this signature. False for an algorithm that it is not for.
    pub(crate) fn verifies(&self, algorithm: Algorithm, signed: &str, signature: &str) -> bool {
        self.accepts(algorithm)
            && jsonwebtoken::crypto::verify(signature, signed.as_bytes(), &self.key, algorithm)
                .is_ok_and(|verified| verified)
    }
}

/// The algorithms of a public key; `None` if it could never verify anything.
fn algorithms(key: &DecodingKey) -> Option<&'static [Algorithm]> {
    let bytes = match key.kind() {
        DecodingKeyKind::RsaModulusExponent { n, e } => {
            let parsed = RsaPublicKeyComponents { n, e }.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256);
            let bits = n.len() * 8 - n.first()?.leading_zeros() as usize;
            return (parsed.is_ok() && (2048..=8192).contains(&bits)).then_some(RSA);
        }
        DecodingKeyKind::SecretOrDer(bytes) => bytes,
    };
    let parses =
        |algorithm: &'static dyn VerificationAlgorithm| ParsedPublicKey::new(algorithm, bytes).is_ok();
    match key.family() {
        AlgorithmFamily::Rsa => {
            let bits = RsaParameters::public_modulus_len(bytes).ok()?;
            ((2048..=8192).contains(&bits) && parses(&RSA_PKCS1_2048_8192_SHA256)).then_some(RSA)
        }
        AlgorithmFamily::Ec if parses(&ECDSA_P256_SHA256_FIXED) => Some(&[Algorithm::ES256]),
        AlgorithmFamily::Ec if parses(&ECDSA_P384_SHA384_FIXED) => Some(&[Algorithm::ES384]),
        AlgorithmFamily::Ed if parses(&ED25519) => Some(&[Algorithm::EdDSA]),
        AlgorithmFamily::Ec | AlgorithmFamily::Ed | AlgorithmFamily::Hmac => None,
    }
}
