//! Keys and tokens for tests. Keys are made for one test each, and none is ever committed. Behind the feature `testing`.
#![expect(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a test without a key fails")]

#[cfg(test)]
use std::io::Write;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING,
    EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair, RsaKeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::Value;
#[cfg(test)]
use tempfile::NamedTempFile;

/// A private key with its public half.
pub struct TestKey {
    /// The private key, as PKCS#8 in PEM.
    pub private_pem: String,
    /// The public key, as `SubjectPublicKeyInfo` in PEM.
    pub public_pem: String,
}

impl TestKey {
    fn new(private: &[u8], public: &[u8]) -> Self {
        Self { private_pem: pem("PRIVATE KEY", private), public_pem: pem("PUBLIC KEY", public) }
    }

    /// A new RSA key of 2048 bits, which takes about a tenth of a second.
    pub fn rsa() -> Self {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let private: Pkcs8V1Der<'_> = pair.as_der().unwrap();
        let public: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
        Self::new(private.as_ref(), public.as_ref())
    }

    /// A new key on the curve P-256, for ES256.
    pub fn p256() -> Self {
        Self::ec(&ECDSA_P256_SHA256_FIXED_SIGNING)
    }

    /// A new key on the curve P-384, for ES384.
    pub fn p384() -> Self {
        Self::ec(&ECDSA_P384_SHA384_FIXED_SIGNING)
    }

    /// A new key on the curve P-521, which this service does not accept.
    pub fn p521() -> Self {
        Self::ec(&ECDSA_P521_SHA512_FIXED_SIGNING)
    }

    fn ec(algorithm: &'static EcdsaSigningAlgorithm) -> Self {
        let pair = EcdsaKeyPair::generate(algorithm).unwrap();
        let public: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
        Self::new(pair.to_pkcs8v1().unwrap().as_ref(), public.as_ref())
    }

    /// A new key on the curve Ed25519, for `EdDSA`.
    pub fn ed25519() -> Self {
        let pair = Ed25519KeyPair::generate().unwrap();
        let public: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
        Self::new(pair.to_pkcs8v1().unwrap().as_ref(), public.as_ref())
    }

    /// A token with these claims, signed with this key. Its header has this `kid`, if any.
    pub fn token_of(&self, algorithm: Algorithm, key_id: Option<&str>, claims: &Value) -> String {
        let header = Header { kid: key_id.map(str::to_owned), ..Header::new(algorithm) };
        jsonwebtoken::encode(&header, claims, &self.signing_key()).unwrap()
    }

    /// A token with these claims, signed with this key, without a `kid`.
    pub fn token(&self, algorithm: Algorithm, claims: &Value) -> String {
        self.token_of(algorithm, None, claims)
    }

    /// The signature of this key for a text, in base64url.
    pub fn sign(&self, algorithm: Algorithm, text: &str) -> String {
        jsonwebtoken::crypto::sign(text.as_bytes(), &self.signing_key(), algorithm).unwrap()
    }

    fn signing_key(&self) -> EncodingKey {
        let pem = self.private_pem.as_bytes();
        EncodingKey::from_rsa_pem(pem)
            .or_else(|_| EncodingKey::from_ec_pem(pem))
            .or_else(|_| EncodingKey::from_ed_pem(pem))
            .unwrap()
    }

    /// The public key as a JSON Web Key with this `kid`, as a provider publishes it.
    pub fn jwk(&self, key_id: &str) -> Value {
        let key = self.signing_key();
        let algorithms = [Algorithm::RS256, Algorithm::ES256, Algorithm::ES384, Algorithm::EdDSA];
        let algorithm = algorithms
            .into_iter()
            .find(|algorithm| jsonwebtoken::crypto::sign(b"", &key, *algorithm).is_ok())
            .unwrap();
        let jwk = jsonwebtoken::jwk::Jwk::from_encoding_key(&key, algorithm).unwrap();
        let mut jwk = serde_json::to_value(jwk).unwrap();
        let fields = jwk.as_object_mut().unwrap();
        // The library names one algorithm, but a key of RSA is for six.
        fields.remove("alg");
        fields.insert("kid".to_owned(), key_id.into());
        fields.insert("use".to_owned(), "sig".into());
        jwk
    }
}

/// A token of any header and payload, which are encoded as they are. `sign` is given both parts, joined by a dot, and returns
/// the signature in base64url.
pub fn token_of_parts(header: &str, payload: &[u8], sign: impl FnOnce(&str) -> String) -> String {
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let signature = sign(&signed);
    format!("{signed}.{signature}")
}

/// The HMAC of a text with this secret, in base64url.
pub fn hmac(algorithm: Algorithm, secret: &[u8], text: &str) -> String {
    jsonwebtoken::crypto::sign(text.as_bytes(), &EncodingKey::from_secret(secret), algorithm).unwrap()
}

/// Reads a key set like one that was fetched. For fuzzing.
pub fn parse_key_set(json: &[u8]) {
    let _ = crate::keys::jwks::parse(json, crate::keys::jwk::Origin::Url);
}

pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    let lines: Vec<_> = body.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

#[cfg(test)]
pub(crate) fn file(content: &[u8]) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(content).unwrap();
    file
}
