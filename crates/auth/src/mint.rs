//! Signing tokens for operators, demonstrations and tests, as `gathering token` does.

use std::path::Path;
use std::time::Duration;

use gathering_domain::ids::{ClusterId, OrganizationId};
use gathering_domain::time::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;

use crate::error::AuthError;
use crate::keys::error::KeyError;
use crate::keys::pem::{hmac_secret, read};
use crate::scope::Scope;

/// A key that signs tokens, with the algorithm that it signs with.
pub struct SigningKey {
    key: EncodingKey,
    algorithm: Algorithm,
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

impl SigningKey {
    /// Reads an HMAC secret as `auth.keys.hmac_secret_file` is read: all bytes of the file but one newline at the end, 32 bytes
    /// or more. It signs with HS256.
    ///
    /// # Errors
    /// When the file cannot be read, or holds a short secret or PEM.
    pub fn hmac_from_file(path: &Path) -> Result<Self, AuthError> {
        let secret = hmac_secret(path)?;
        Ok(Self { key: EncodingKey::from_secret(&secret), algorithm: Algorithm::HS256 })
    }

    /// Reads a private key in PEM (PKCS#8). RSA signs with RS256, P-256 with ES256, P-384 with ES384 and Ed25519 with `EdDSA`.
    ///
    /// # Errors
    /// When the file cannot be read, or holds no such key.
    pub fn private_pem_from_file(path: &Path) -> Result<Self, AuthError> {
        let pem = read(path)?;
        let candidates = [
            (EncodingKey::from_rsa_pem(&pem), Algorithm::RS256),
            (EncodingKey::from_ec_pem(&pem), Algorithm::ES256),
            (EncodingKey::from_ec_pem(&pem), Algorithm::ES384),
            (EncodingKey::from_ed_pem(&pem), Algorithm::EdDSA),
        ];
        // A key says what family it is of, but not its size. An algorithm that cannot sign is not the one of the key.
        candidates
            .into_iter()
            .filter_map(|(key, algorithm)| key.ok().map(|key| Self { key, algorithm }))
            .find(|key| jsonwebtoken::crypto::sign(b"", &key.key, key.algorithm).is_ok())
            .ok_or_else(|| AuthError::Key { path: path.to_owned(), error: KeyError::NoPrivateKey })
    }
}

impl SigningKey {
    /// The key with the first of these algorithms that it can sign with. It keeps its usual one if that is among them, or if
    /// there are none.
    ///
    /// # Errors
    /// When the key can sign with none of them.
    pub fn with_one_of(mut self, algorithms: &[Algorithm]) -> Result<Self, AuthError> {
        if !algorithms.is_empty() && !algorithms.contains(&self.algorithm) {
            let can_sign =
                |algorithm: &&Algorithm| jsonwebtoken::crypto::sign(b"", &self.key, **algorithm).is_ok();
            self.algorithm = *algorithms
                .iter()
                .find(can_sign)
                .ok_or_else(|| AuthError::SigningAlgorithm { algorithms: algorithms.to_vec() })?;
        }
        Ok(self)
    }
}

/// The claims and header of a token to be signed.
#[derive(Debug, Clone)]
pub struct TokenRequest {
    /// The organization that the token speaks for (`org_id`).
    pub organization: OrganizationId,
    /// The only cluster that the token is good for (`cluster_id`); `None` for every cluster of the organization.
    pub cluster: Option<ClusterId>,
    /// What the token allows (`scope`). Without any scope it allows nothing.
    pub scopes: Vec<Scope>,
    /// The time from now to `exp`. Both ends are rounded down to whole seconds.
    pub lifetime: Duration,
    /// Who issues the token (`iss`); `None` leaves the claim out.
    pub issuer: Option<String>,
    /// Which service the token is for (`aud`); `None` leaves the claim out.
    pub audience: Option<String>,
    /// Who calls with the token (`sub`); `None` leaves the claim out.
    pub subject: Option<String>,
    /// The name of the key that signs it, for issuers with several (`kid` of the header).
    pub key_id: Option<String>,
}

#[derive(Serialize)]
struct Claims<'a> {
    org_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster_id: Option<ClusterId>,
    scope: String,
    iat: i64,
    exp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<&'a str>,
}

impl TokenRequest {
    /// The signed token, in the form that the `Authorization` header carries.
    ///
    /// # Errors
    /// When the library cannot sign with this key.
    pub fn mint(&self, key: &SigningKey, now: Timestamp) -> Result<String, AuthError> {
        let seconds = |time: Timestamp| time.as_micros().div_euclid(1_000_000);
        let claims = Claims {
            org_id: self.organization.to_string(),
            cluster_id: self.cluster,
            scope: self.scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" "),
            iat: seconds(now),
            exp: seconds(now.saturating_add(self.lifetime)),
            iss: self.issuer.as_deref(),
            aud: self.audience.as_deref(),
            sub: self.subject.as_deref(),
        };
        let header = Header { kid: self.key_id.clone(), ..Header::new(key.algorithm) };
        jsonwebtoken::encode(&header, &claims, &key.key).map_err(|source| AuthError::Signing { source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::jwk::Origin;
    use crate::keys::jwks::parse;
    use crate::testing::{TestKey, file};
    use crate::token::parsed::ParsedToken;

    const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

    fn request() -> TokenRequest {
        TokenRequest {
            organization: "42".parse().unwrap(),
            cluster: Some("5d5892d3-1f74-4ccf-91af-548dfc9767aa".parse().unwrap()),
            scopes: vec![Scope::Read, Scope::WriteAny],
            lifetime: Duration::from_secs(600),
            issuer: Some("issuer".to_owned()),
            audience: Some("audience".to_owned()),
            subject: Some("tester".to_owned()),
            key_id: Some("key".to_owned()),
        }
    }

    #[test]
    fn a_token_says_what_was_asked_for() {
        let secret = file(&[b's'; 32]);
        let token = request().mint(&SigningKey::hmac_from_file(secret.path()).unwrap(), NOW).unwrap();
        let facts = crate::token::inspection::Inspection::of(&token, 8192, NOW).unwrap().facts;
        let facts: Vec<_> = facts.iter().map(|fact| (fact.name, fact.value.as_str())).collect();
        let expected = [
            ("alg", "HS256"),
            ("kid", "key"),
            ("iss", "issuer"),
            ("exp", "2027-01-15T08:10:00Z (in 600 seconds)"),
            ("iat", "2027-01-15T08:00:00Z (in 0 seconds)"),
            ("aud", "audience"),
            ("sub", "tester"),
            ("org_id", "42"),
            ("cluster_id", "5d5892d3-1f74-4ccf-91af-548dfc9767aa"),
            ("scope", "read write:any"),
        ];
        assert_eq!(facts, expected);
    }

    #[test]
    fn every_kind_of_private_key_signs() {
        for key in [TestKey::rsa(), TestKey::p256(), TestKey::p384(), TestKey::ed25519()] {
            let private = file(key.private_pem.as_bytes());
            let signing = SigningKey::private_pem_from_file(private.path()).unwrap();
            let token = request().mint(&signing, NOW).unwrap();
            let keys = serde_json::json!({"keys": [key.jwk("key")]}).to_string();
            let (keys, _) = parse(keys.as_bytes(), Origin::Url).unwrap();
            let token = ParsedToken::parse(&token, 8192).unwrap();
            assert_eq!(token.check_signature(&keys), Ok(()), "{:?}", signing.algorithm);
        }
    }

    #[test]
    fn a_key_signs_with_an_algorithm_that_counts() {
        let (secret, rsa) = (file(&[b's'; 32]), file(TestKey::rsa().private_pem.as_bytes()));
        let hmac = |algorithms: &[Algorithm]| {
            let key = SigningKey::hmac_from_file(secret.path()).unwrap();
            key.with_one_of(algorithms).map(|key| key.algorithm).ok()
        };
        assert_eq!(hmac(&[]), Some(Algorithm::HS256));
        assert_eq!(hmac(&[Algorithm::HS512, Algorithm::HS256]), Some(Algorithm::HS256));
        assert_eq!(hmac(&[Algorithm::RS256, Algorithm::HS512]), Some(Algorithm::HS512));
        assert_eq!(hmac(&[Algorithm::RS256]), None);
        let key = SigningKey::private_pem_from_file(rsa.path()).unwrap();
        let key = key.with_one_of(&[Algorithm::ES256, Algorithm::PS384]).unwrap();
        assert_eq!(key.algorithm, Algorithm::PS384);
    }

    #[test]
    fn a_public_key_does_not_sign() {
        let public = file(TestKey::p256().public_pem.as_bytes());
        assert!(matches!(
            SigningKey::private_pem_from_file(public.path()),
            Err(AuthError::Key { error: KeyError::NoPrivateKey, .. })
        ));
    }
}
