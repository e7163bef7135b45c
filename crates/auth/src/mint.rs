//! Signing tokens for operators, demonstrations and tests, as `gathering token` does.

use std::path::Path;
use std::time::Duration;

use gathering_domain::ids::{ClusterId, OrganizationId};
use gathering_domain::time::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::map::Entry;
use serde_json::{Map, Value};

use crate::claim_mapping::ClaimMapping;
use crate::claim_path::ClaimPath;
use crate::error::AuthError;
use crate::keys::error::KeyError;
use crate::keys::pem::{hmac_secret, read};
use crate::scope::Scope;
use crate::token::claims::Claims;
use crate::token::mapped::MappedClaims;

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
    /// The organization that the token speaks for.
    pub organization: OrganizationId,
    /// The only cluster that the token is good for; `None` for every cluster of the organization.
    pub cluster: Option<ClusterId>,
    /// What the token allows. Without any scope it allows nothing.
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
    /// In which claims and words it says so. The default is what a service takes that was told nothing else.
    pub mapping: ClaimMapping,
}

impl TokenRequest {
    /// The signed token, in the form that the `Authorization` header carries.
    ///
    /// # Errors
    /// When no token can say this in the way of [`mapping`](Self::mapping), or the library cannot sign with this key.
    pub fn mint(&self, key: &SigningKey, now: Timestamp) -> Result<String, AuthError> {
        let claims = self.claims(now)?;
        let header = Header { kid: self.key_id.clone(), ..Header::new(key.algorithm) };
        jsonwebtoken::encode(&header, &claims, &key.key).map_err(|source| AuthError::Signing { source })
    }

    fn claims(&self, now: Timestamp) -> Result<Map<String, Value>, AuthError> {
        let seconds = |time: Timestamp| Value::from(time.as_micros().div_euclid(1_000_000));
        let mut claims = Map::new();
        claims.insert("iat".to_owned(), seconds(now));
        claims.insert("exp".to_owned(), seconds(now.saturating_add(self.lifetime)));
        for (name, text) in [("iss", &self.issuer), ("aud", &self.audience), ("sub", &self.subject)] {
            if let Some(text) = text {
                claims.insert(name.to_owned(), text.as_str().into());
            }
        }
        let mut words =
            self.mapping.scopes.saying(&self.scopes).map_err(|scope| AuthError::NoWord { scope })?;
        words.dedup();
        let mapped = [
            (&self.mapping.organization, Some(self.organization.to_string())),
            (&self.mapping.cluster, self.cluster.map(|cluster| cluster.to_string())),
            (&self.mapping.scope, Some(words.join(" "))),
        ];
        for (path, text) in mapped {
            if let Some(text) = text {
                place(&mut claims, path, text).ok_or(AuthError::ClaimsCollide)?;
            }
        }
        if self.is_said_by(&claims) { Ok(claims) } else { Err(AuthError::ClaimsCollide) }
    }

    /// Whether claims are read as what was asked for, whatever names what.
    fn is_said_by(&self, claims: &Map<String, Value>) -> bool {
        let payload = Value::Object(claims.clone()).to_string();
        let (Ok(mapped), Ok(standard)) =
            (MappedClaims::find(&payload, &self.mapping), serde_json::from_str::<Claims>(&payload))
        else {
            return false;
        };
        // What was not asked for may be named by a claim that is mapped: a cluster may well be a subject.
        let is_said = |read: Result<Option<&str>, _>, asked: &Option<String>| {
            read.is_ok_and(|read| asked.is_none() || read == asked.as_deref())
        };
        mapped.organization() == Ok(self.organization)
            && mapped.cluster() == Ok(self.cluster)
            && mapped.scopes() == Ok(self.scopes.iter().copied().collect())
            && is_said(standard.issuer(), &self.issuer)
            && is_said(standard.audiences().map(|all| all.first().copied()), &self.audience)
            && is_said(standard.subject(), &self.subject)
            && standard.not_before() == Ok(None)
    }
}

/// Puts a text where a path leads, in objects within objects, which also an index finds its way through. `None` if something
/// else is there or on the way.
fn place(claims: &mut Map<String, Value>, path: &ClaimPath, text: String) -> Option<()> {
    let way = std::iter::once(path.claim()).chain(path.inner().iter().map(String::as_str));
    let names: Vec<&str> = way.collect();
    let (last, outer) = names.split_last()?;
    let mut object = claims;
    for name in outer {
        let inner = object.entry(*name).or_insert_with(|| Value::Object(Map::new()));
        object = inner.as_object_mut()?;
    }
    match object.entry(*last) {
        Entry::Vacant(place) => {
            place.insert(text.into());
            Some(())
        }
        Entry::Occupied(_) => None,
    }
}

#[cfg(test)]
mod tests;
