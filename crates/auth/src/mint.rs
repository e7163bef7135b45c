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
mod tests {
    use serde_json::json;

    use super::*;
    use crate::claim_mapping::ScopeWords;
    use crate::keys::jwk::Origin;
    use crate::keys::jwks::parse;
    use crate::settings::IssuerSettings;
    use crate::testing::{TestKey, file};
    use crate::token::inspection::Inspection;
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
            mapping: ClaimMapping::default(),
        }
    }

    fn mapping(organization: &str, cluster: &str, scope: &str) -> ClaimMapping {
        ClaimMapping {
            organization: organization.parse().unwrap(),
            cluster: cluster.parse().unwrap(),
            scope: scope.parse().unwrap(),
            ..ClaimMapping::default()
        }
    }

    fn claims(mapping: ClaimMapping) -> Result<Value, AuthError> {
        TokenRequest { mapping, ..request() }.claims(NOW).map(Value::Object)
    }

    #[test]
    fn a_token_says_what_was_asked_for() {
        let secret = file(&[b's'; 32]);
        let token = request().mint(&SigningKey::hmac_from_file(secret.path()).unwrap(), NOW).unwrap();
        let facts = Inspection::of(&token, 8192, &[IssuerSettings::default()], NOW).unwrap().facts;
        let facts: Vec<_> = facts.iter().map(|fact| (fact.name.as_str(), fact.value.as_str())).collect();
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
    fn claims_are_where_the_mapping_has_them() {
        let nested = claims(mapping("/organization/id", "/organization/cluster", "/access/0/roles")).unwrap();
        let cluster = "5d5892d3-1f74-4ccf-91af-548dfc9767aa";
        assert_eq!(nested["organization"], json!({"id": "42", "cluster": cluster}));
        assert_eq!(nested["access"], json!({"0": {"roles": "read write:any"}}));
        assert!(nested.get("org_id").is_none() && nested.get("scope").is_none());
        let named =
            claims(mapping("https://example.com/org", "custom:cluster", "/https:~1~1example.com~1scope"));
        let named = named.unwrap();
        let values = ["https://example.com/org", "custom:cluster", "https://example.com/scope"];
        assert_eq!(values.map(|name| named[name].as_str().unwrap()), ["42", cluster, "read write:any"]);
        let words = |words: &[&str]| words.iter().map(ToString::to_string).collect();
        let scopes = ScopeWords {
            read: words(&["editor", "viewer"]),
            write: words(&["editor"]),
            write_any: words(&["pipeline"]),
            ..ScopeWords::default()
        };
        let mapping = ClaimMapping { scopes, ..ClaimMapping::default() };
        assert_eq!(claims(mapping.clone()).unwrap()["scope"], "viewer pipeline");
        let both =
            TokenRequest { mapping: mapping.clone(), scopes: vec![Scope::Read, Scope::Write], ..request() };
        assert_eq!(both.claims(NOW).unwrap()["scope"], "editor");
        let writer = TokenRequest { mapping, scopes: vec![Scope::Write], ..request() };
        let refused = writer.claims(NOW).unwrap_err();
        assert!(matches!(refused, AuthError::NoWord { scope: Scope::Write }), "{refused}");
    }

    #[test]
    fn what_no_token_can_say_is_not_minted() {
        for (organization, cluster, scope) in [
            ("org_id", "org_id", "scope"),
            ("org_id", "/org_id", "scope"),
            ("org_id", "/org_id/cluster", "scope"),
            ("/organization/id", "organization", "scope"),
            ("/a/b", "/a/b/c", "scope"),
            ("sub", "cluster_id", "scope"),
            ("org_id", "/sub/cluster", "scope"),
            ("org_id", "cluster_id", "aud"),
            ("exp", "cluster_id", "scope"),
            ("iat", "cluster_id", "scope"),
            ("nbf", "cluster_id", "scope"),
            ("org_id", "cluster_id", "/iss/scope"),
        ] {
            let refused = claims(mapping(organization, cluster, scope));
            assert!(
                matches!(refused, Err(AuthError::ClaimsCollide)),
                "{organization} {cluster} {scope}: {refused:?}"
            );
        }
        // Without a subject there is room for it.
        let mapping = mapping("org_id", "sub", "scope");
        let cluster = TokenRequest { mapping: mapping.clone(), subject: None, ..request() };
        assert_eq!(cluster.claims(NOW).unwrap()["sub"], request().cluster.unwrap().to_string());
        let whole = TokenRequest { mapping, cluster: None, ..request() }.claims(NOW);
        assert!(matches!(whole, Err(AuthError::ClaimsCollide)), "its subject would be read as a cluster");
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
