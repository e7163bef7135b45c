//! From the values of the `Authorization` header to an identity.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gathering_domain::{Clock, OrganizationId};
use jsonwebtoken::decode_header;

use crate::claims::{Claims, Expected};
use crate::keys::VerifyingKey;
use crate::{AuthError, Identity, Refused, Scope};

/// How callers prove who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// With a JSON Web Token.
    Jwt,
    /// Not at all: every caller belongs to this organization. For a loopback address only, which the caller of this
    /// crate has to see to.
    Disabled {
        /// Whose records all callers see.
        organization: OrganizationId,
    },
}

/// What authentication needs to know. See `config/default.toml` for defaults.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How callers prove who they are.
    pub mode: Mode,
    /// The only accepted `iss`, when set.
    pub issuer: Option<String>,
    /// What `aud` must name, when set.
    pub audience: Option<String>,
    /// How far clocks may differ.
    pub leeway: Duration,
    /// A file with the secret of HS256, HS384 and HS512.
    pub hmac_secret_file: Option<PathBuf>,
    /// PEM files with one public key each.
    pub public_key_files: Vec<PathBuf>,
}

/// Verifies callers.
pub struct Authenticator {
    settings: Settings,
    keys: Vec<VerifyingKey>,
    clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authenticator").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// The longest token, in bytes. Tokens with many claims take 2 to 3 KiB; more only costs time.
const MAX_TOKEN: usize = 8192;

impl Authenticator {
    /// Reads and judges the keys.
    pub fn from_settings(settings: &Settings, clock: Arc<dyn Clock>) -> Result<Self, AuthError> {
        let mut keys = Vec::new();
        if settings.mode == Mode::Jwt {
            if let Some(path) = &settings.hmac_secret_file {
                keys.push(VerifyingKey::hmac(path)?);
            }
            for path in &settings.public_key_files {
                keys.push(VerifyingKey::public(path)?);
            }
            if keys.is_empty() {
                return Err(AuthError::NoKeys);
            }
        }
        Ok(Self { settings: settings.clone(), keys, clock })
    }

    /// The identity behind the values of every `Authorization` header that the caller sent.
    pub fn authenticate<'a>(&self, mut headers: impl Iterator<Item = &'a [u8]>) -> Result<Identity, Refused> {
        if let Mode::Disabled { organization } = self.settings.mode {
            return Ok(Identity::new(organization, None, None, vec![Scope::Read, Scope::Write]));
        }
        let header = headers.next().ok_or(Refused::Missing)?;
        if headers.next().is_some() {
            return Err(Refused::Several);
        }
        self.verify(bearer(header)?)
    }

    fn verify(&self, token: &str) -> Result<Identity, Refused> {
        if token.len() > MAX_TOKEN {
            return Err(Refused::TooLong);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(Refused::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(Refused::Malformed)?;
        // The library tells an unknown algorithm from other trouble by its text only; either way nothing is accepted.
        let header = decode_header(token)
            .map_err(|_| if is_json(header) { Refused::Algorithm } else { Refused::Malformed })?;
        if header.crit.is_some() {
            return Err(Refused::Critical);
        }
        let mut keys = self.keys.iter().filter(|key| key.accepts(header.alg)).peekable();
        if keys.peek().is_none() {
            return Err(Refused::Algorithm);
        }
        let verifies = |key: &VerifyingKey| {
            jsonwebtoken::crypto::verify(signature, signed.as_bytes(), &key.key, header.alg)
                .is_ok_and(|verified| verified)
        };
        if !keys.any(verifies) {
            return Err(Refused::Signature);
        }
        let payload = URL_SAFE_NO_PAD.decode(payload).map_err(|_| Refused::Malformed)?;
        Claims::parse(&payload)?.identity(&Expected {
            issuer: self.settings.issuer.as_deref(),
            audience: self.settings.audience.as_deref(),
            leeway_seconds: self.settings.leeway.as_secs_f64(),
            now: self.clock.now(),
        })
    }
}

fn is_json(part: &str) -> bool {
    URL_SAFE_NO_PAD
        .decode(part)
        .is_ok_and(|json| serde_json::from_slice::<serde_json::Map<_, _>>(&json).is_ok())
}

/// The token of `Bearer <token>`; the scheme's letter case does not matter (RFC 9110 section 11.1).
fn bearer(header: &[u8]) -> Result<&str, Refused> {
    let text = std::str::from_utf8(header).map_err(|_| Refused::Scheme)?;
    let (scheme, token) = text.trim().split_once(' ').ok_or(Refused::Scheme)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(token.trim_start()) } else { Err(Refused::Scheme) }
}

#[cfg(test)]
mod tests {
    use gathering_domain::{ManualClock, Timestamp};
    use jsonwebtoken::{Algorithm, Header};
    use serde_json::{Value, json};
    use tempfile::NamedTempFile;

    use super::*;
    use crate::test_keys::{TestKey, file};

    const NOW: i64 = 1_800_000_000;
    const SECRET: &[u8] = b"a secret of more than thirty-two bytes";

    struct Fixture {
        authenticator: Authenticator,
        _files: Vec<NamedTempFile>,
    }

    impl Fixture {
        fn new(secret: Option<&[u8]>, public: &[&TestKey]) -> Self {
            let secret = secret.map(file);
            let public: Vec<_> = public.iter().map(|key| file(key.public_pem.as_bytes())).collect();
            let settings = Settings {
                mode: Mode::Jwt,
                issuer: None,
                audience: None,
                leeway: Duration::from_secs(60),
                hmac_secret_file: secret.as_ref().map(|file| file.path().to_owned()),
                public_key_files: public.iter().map(|file| file.path().to_owned()).collect(),
            };
            let clock = Arc::new(ManualClock::at(Timestamp::from_micros(NOW * 1_000_000)));
            let authenticator = Authenticator::from_settings(&settings, clock).unwrap();
            Self { authenticator, _files: secret.into_iter().chain(public).collect() }
        }

        fn check(&self, token: &str) -> Result<u32, Refused> {
            let header = format!("Bearer {token}");
            let identity = self.authenticator.authenticate([header.as_bytes()].into_iter())?;
            Ok(identity.organization().get())
        }
    }

    fn claims() -> Value {
        json!({"org_id": 42, "exp": NOW + 600})
    }

    fn hmac(algorithm: Algorithm, secret: &[u8]) -> String {
        let key = jsonwebtoken::EncodingKey::from_secret(secret);
        jsonwebtoken::encode(&Header::new(algorithm), &claims(), &key).unwrap()
    }

    fn raw(header: &Value, payload: &[u8], signature: &str) -> String {
        let encode = |part: &[u8]| URL_SAFE_NO_PAD.encode(part);
        format!("{}.{}.{signature}", encode(header.to_string().as_bytes()), encode(payload))
    }

    #[test]
    fn every_algorithm_verifies_with_its_own_key() {
        let keys = [TestKey::rsa(), TestKey::p256(), TestKey::p384(), TestKey::ed25519()];
        let fixture = Fixture::new(Some(SECRET), &keys.each_ref());
        for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
            assert_eq!(fixture.check(&hmac(algorithm, SECRET)), Ok(42), "{algorithm:?}");
        }
        let [rsa, p256, p384, ed25519] = &keys;
        for (key, algorithm) in [
            (rsa, Algorithm::RS256),
            (rsa, Algorithm::RS384),
            (rsa, Algorithm::RS512),
            (rsa, Algorithm::PS256),
            (rsa, Algorithm::PS384),
            (rsa, Algorithm::PS512),
            (p256, Algorithm::ES256),
            (p384, Algorithm::ES384),
            (ed25519, Algorithm::EdDSA),
        ] {
            assert_eq!(fixture.check(&key.token(algorithm, &claims())), Ok(42), "{algorithm:?}");
        }
    }

    #[test]
    fn keys_of_strangers_do_not_verify() {
        let (own, stranger) = (TestKey::p256(), TestKey::p256());
        let fixture = Fixture::new(Some(SECRET), &[&own]);
        assert_eq!(fixture.check(&stranger.token(Algorithm::ES256, &claims())), Err(Refused::Signature));
        assert_eq!(fixture.check(&hmac(Algorithm::HS256, &[b'x'; 40])), Err(Refused::Signature));
        let (head, _) =
            hmac(Algorithm::HS256, SECRET).rsplit_once('.').map(|(a, b)| (a.to_owned(), b.len())).unwrap();
        assert_eq!(fixture.check(&format!("{head}.")), Err(Refused::Signature));
    }

    #[test]
    fn a_public_key_is_no_hmac_secret() {
        let key = TestKey::rsa();
        let fixture = Fixture::new(None, &[&key]);
        for secret in [key.public_pem.as_bytes(), key.public_pem.trim_end().as_bytes()] {
            assert_eq!(fixture.check(&hmac(Algorithm::HS256, secret)), Err(Refused::Algorithm));
        }
    }

    #[test]
    fn an_unsigned_token_is_refused_whatever_it_calls_itself() {
        let fixture = Fixture::new(Some(SECRET), &[]);
        let payload = claims().to_string();
        for algorithm in ["none", "None", "NONE", "", "HS257", "ES256K"] {
            let token = raw(&json!({"alg": algorithm}), payload.as_bytes(), "");
            assert_eq!(fixture.check(&token), Err(Refused::Algorithm), "{algorithm}");
        }
        assert_eq!(fixture.check(&raw(&json!({}), payload.as_bytes(), "")), Err(Refused::Algorithm));
        assert_eq!(fixture.check(&raw(&json!({"alg": "ES256"}), b"{}", "AA")), Err(Refused::Algorithm));
    }

    #[test]
    fn critical_extensions_are_refused() {
        let fixture = Fixture::new(Some(SECRET), &[]);
        let mut header = Header::new(Algorithm::HS256);
        header.crit = Some(vec!["exp".to_owned()]);
        let key = jsonwebtoken::EncodingKey::from_secret(SECRET);
        let token = jsonwebtoken::encode(&header, &claims(), &key).unwrap();
        assert_eq!(fixture.check(&token), Err(Refused::Critical));
    }

    #[test]
    fn headers_that_are_no_single_bearer_token() {
        let fixture = Fixture::new(Some(SECRET), &[]);
        let check = |headers: &[&[u8]]| fixture.authenticator.authenticate(headers.iter().copied()).err();
        let good = format!("Bearer {}", hmac(Algorithm::HS256, SECRET));
        let lower = format!("bearer   {}", hmac(Algorithm::HS256, SECRET));
        assert_eq!(check(&[good.as_bytes()]), None);
        assert_eq!(check(&[lower.as_bytes()]), None);
        assert_eq!(check(&[]), Some(Refused::Missing));
        assert_eq!(check(&[good.as_bytes(), good.as_bytes()]), Some(Refused::Several));
        for other in [b"".as_slice(), b"Bearer", b"Bearer ", b"Basic dXNlcjpwYXNz", b"Bearer\xff x"] {
            assert_eq!(check(&[other]), Some(Refused::Scheme), "{other:?}");
        }
        for malformed in ["a", "a.b", "a.b.c", "...", "e30.e30.e30.e30", "!.!.!"] {
            let header = format!("Bearer {malformed}");
            assert!(check(&[header.as_bytes()]).is_some(), "{malformed}");
        }
        let long = format!("Bearer {}", "x".repeat(MAX_TOKEN + 1));
        assert_eq!(check(&[long.as_bytes()]), Some(Refused::TooLong));
    }

    #[test]
    fn without_a_key_there_is_no_mode_jwt() {
        let settings = Settings {
            mode: Mode::Jwt,
            issuer: None,
            audience: None,
            leeway: Duration::ZERO,
            hmac_secret_file: None,
            public_key_files: Vec::new(),
        };
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(Timestamp::from_micros(0)));
        let result = Authenticator::from_settings(&settings, Arc::clone(&clock));
        assert!(matches!(result, Err(AuthError::NoKeys)));

        let organization = "7".parse().unwrap();
        let disabled = Settings { mode: Mode::Disabled { organization }, ..settings };
        let authenticator = Authenticator::from_settings(&disabled, clock).unwrap();
        let identity = authenticator.authenticate([b"Bearer nonsense".as_slice()].into_iter()).unwrap();
        assert_eq!(identity.organization(), organization);
    }

    #[test]
    fn challenges_name_an_error_only_where_there_was_a_token() {
        assert_eq!(Refused::Missing.challenge(), "Bearer realm=\"gathering\"");
        assert_eq!(
            Refused::Expired.challenge(),
            "Bearer realm=\"gathering\", error=\"invalid_token\", error_description=\"the token has expired\""
        );
    }
}
