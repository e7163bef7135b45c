//! Keys for tests, made for one test each; none is ever committed. Behind the feature `testing`.
#![expect(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a test that has no key fails")]

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

/// A pair of keys.
pub struct TestKey {
    /// The private key, PKCS#8 in PEM.
    pub private_pem: String,
    /// The public key in PEM.
    pub public_pem: String,
}

impl TestKey {
    fn new(private: &[u8], public: &[u8]) -> Self {
        Self { private_pem: pem("PRIVATE KEY", private), public_pem: pem("PUBLIC KEY", public) }
    }

    /// A key of RSA, 2048 bits.
    pub fn rsa() -> Self {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let private: Pkcs8V1Der<'_> = pair.as_der().unwrap();
        let public: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
        Self::new(private.as_ref(), public.as_ref())
    }

    /// A key on the curve P-256.
    pub fn p256() -> Self {
        Self::ec(&ECDSA_P256_SHA256_FIXED_SIGNING)
    }

    /// A key on the curve P-384.
    pub fn p384() -> Self {
        Self::ec(&ECDSA_P384_SHA384_FIXED_SIGNING)
    }

    /// A key on the curve P-521, which this service does not take.
    pub fn p521() -> Self {
        Self::ec(&ECDSA_P521_SHA512_FIXED_SIGNING)
    }

    fn ec(algorithm: &'static EcdsaSigningAlgorithm) -> Self {
        let pair = EcdsaKeyPair::generate(algorithm).unwrap();
        let public: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
        Self::new(pair.to_pkcs8v1().unwrap().as_ref(), public.as_ref())
    }

    /// A key on the curve Ed25519.
    pub fn ed25519() -> Self {
        let pair = Ed25519KeyPair::generate().unwrap();
        let public: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
        Self::new(pair.to_pkcs8v1().unwrap().as_ref(), public.as_ref())
    }

    /// A token with these claims, signed with this key, whose header names this key.
    pub fn token_of(&self, algorithm: Algorithm, key_id: Option<&str>, claims: &Value) -> String {
        let header = Header { kid: key_id.map(str::to_owned), ..Header::new(algorithm) };
        jsonwebtoken::encode(&header, claims, &self.signing_key()).unwrap()
    }

    /// A token with these claims, signed with this key.
    pub fn token(&self, algorithm: Algorithm, claims: &Value) -> String {
        self.token_of(algorithm, None, claims)
    }

    /// What this key signs a text with, in base64url.
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

    /// The public key as a JSON Web Key with this name, as a provider publishes it.
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
        // The library names one algorithm; a key of RSA is for six.
        fields.remove("alg");
        fields.insert("kid".to_owned(), key_id.into());
        fields.insert("use".to_owned(), "sig".into());
        jwk
    }
}

/// A token of any header and payload, with the signature that `sign` makes of both.
pub fn token_of_parts(header: &str, payload: &[u8], sign: impl FnOnce(&str) -> String) -> String {
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let signature = sign(&signed);
    format!("{signed}.{signature}")
}

/// What an HMAC with this secret signs a text with, in base64url.
pub fn hmac(algorithm: Algorithm, secret: &[u8], text: &str) -> String {
    jsonwebtoken::crypto::sign(text.as_bytes(), &EncodingKey::from_secret(secret), algorithm).unwrap()
}

/// Reads a key set as one that was fetched. For fuzzing.
pub fn parse_key_set(json: &[u8]) {
    let _ = crate::keys::parse(json, crate::keys::Origin::Url);
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
