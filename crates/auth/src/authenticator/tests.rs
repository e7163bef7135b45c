//! Tokens, keys of every kind, and headers. Attacks over real HTTP are in `tests/suites/auth`.

use std::net::{IpAddr, TcpListener};
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gathering_domain::time::{ManualClock, Timestamp};
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use super::*;
use crate::claim_mapping::ClaimMapping;
use crate::credentials::{AuthHeader, AuthHeaderName};
use crate::rejection::Remedy;
use crate::settings::{GatewaySettings, IssuerSettings, KeySettings, RateLimit, RbacSettings, TokenSettings};
use crate::testing::{TestKey, file};

const NOW: i64 = 1_800_000_000;
const SECRET: &[u8] = b"a secret of more than thirty-two bytes";

/// What a call sends in `Authorization`.
struct Call<'a>(Vec<&'a [u8]>);

impl Credentials for Call<'_> {
    fn header(&self, name: AuthHeaderName) -> AuthHeader<'_> {
        match name {
            AuthHeaderName::Authorization => AuthHeader::from_values(self.0.iter().copied()),
            AuthHeaderName::Identity | AuthHeaderName::GatewaySecret => AuthHeader::Absent,
        }
    }

    fn peer(&self) -> Option<IpAddr> {
        None
    }
}

fn settings(issuers: Vec<IssuerSettings>) -> Settings {
    let tokens =
        TokenSettings { issuers, leeway: Duration::from_secs(60), max_token: 16 * 1024, cache_size: 1 << 20 };
    Settings { mode: Mode::Jwt(tokens), rate_limit: RateLimit::default() }
}

struct Fixture {
    authenticator: Authenticator,
    clock: Arc<ManualClock>,
}

impl Fixture {
    fn start(settings: &Settings) -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::from_micros(NOW * 1_000_000)));
        let tick = Duration::from_millis(1);
        let authenticator = Authenticator::start(settings, Arc::clone(&clock) as _, tick).unwrap();
        Self { authenticator, clock }
    }

    fn with(keys: KeySettings) -> Self {
        Self::start(&settings(vec![IssuerSettings { keys, ..IssuerSettings::default() }]))
    }

    fn check(&self, token: &str) -> Result<u32, AuthRejection> {
        let header = format!("Bearer {token}");
        let identity = self.authenticator.authenticate_now(&Call(vec![header.as_bytes()]))?;
        Ok(identity.organization().get())
    }
}

fn path(file: &NamedTempFile) -> PathBuf {
    file.path().to_owned()
}

fn hmac_keys(secret: &NamedTempFile) -> KeySettings {
    KeySettings { hmac_secret_file: Some(path(secret)), ..KeySettings::default() }
}

fn claims() -> Value {
    json!({"org_id": 42, "exp": NOW + 600})
}

fn hmac(algorithm: Algorithm, secret: &[u8], claims: &Value) -> String {
    let key = jsonwebtoken::EncodingKey::from_secret(secret);
    jsonwebtoken::encode(&jsonwebtoken::Header::new(algorithm), claims, &key).unwrap()
}

#[test]
fn every_algorithm_verifies_with_its_own_key() {
    let keys = [TestKey::rsa(), TestKey::p256(), TestKey::p384(), TestKey::ed25519()];
    let secret = file(SECRET);
    let pems: Vec<_> = keys.iter().map(|key| file(key.public_pem.as_bytes())).collect();
    let sets: Vec<_> = keys.iter().enumerate().map(|(number, key)| key.jwk(&number.to_string())).collect();
    let set = file(json!({"keys": sets}).to_string().as_bytes());
    let from_pem = Fixture::with(KeySettings {
        public_key_files: pems.iter().map(path).collect(),
        ..hmac_keys(&secret)
    });
    let from_set = Fixture::with(KeySettings { jwks_file: Some(path(&set)), ..KeySettings::default() });
    for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
        let token = hmac(algorithm, SECRET, &claims());
        assert_eq!(from_pem.check(&token), Ok(42), "{algorithm:?}");
        assert_eq!(from_set.check(&token), Err(AuthRejection::Algorithm), "{algorithm:?}");
    }
    let [rsa, p256, p384, ed25519] = &keys;
    for (key, id, algorithm) in [
        (rsa, "0", Algorithm::RS256),
        (rsa, "0", Algorithm::RS384),
        (rsa, "0", Algorithm::RS512),
        (rsa, "0", Algorithm::PS256),
        (rsa, "0", Algorithm::PS384),
        (rsa, "0", Algorithm::PS512),
        (p256, "1", Algorithm::ES256),
        (p384, "2", Algorithm::ES384),
        (ed25519, "3", Algorithm::EdDSA),
    ] {
        assert_eq!(from_pem.check(&key.token(algorithm, &claims())), Ok(42), "{algorithm:?}");
        assert_eq!(from_set.check(&key.token_of(algorithm, Some(id), &claims())), Ok(42), "{algorithm:?}");
    }
}

#[test]
fn keys_of_strangers_do_not_verify() {
    let (own, stranger, secret) = (TestKey::p256(), TestKey::p256(), file(SECRET));
    let public = file(own.public_pem.as_bytes());
    let fixture = Fixture::with(KeySettings { public_key_files: vec![path(&public)], ..hmac_keys(&secret) });
    assert_eq!(fixture.check(&stranger.token(Algorithm::ES256, &claims())), Err(AuthRejection::Signature));
    assert_eq!(fixture.check(&hmac(Algorithm::HS256, &[b'x'; 40], &claims())), Err(AuthRejection::Signature));
    let token = hmac(Algorithm::HS256, SECRET, &claims());
    let (signed, _) = token.rsplit_once('.').unwrap();
    assert_eq!(fixture.check(&format!("{signed}.")), Err(AuthRejection::Signature));
}

#[test]
fn an_issuer_has_keys_audience_and_algorithms_of_its_own() {
    let (one, two) = (TestKey::rsa(), TestKey::p256());
    let files = [file(one.public_pem.as_bytes()), file(two.public_pem.as_bytes())];
    let issuer = |name: &str, file: &NamedTempFile, audience: &str, algorithms| IssuerSettings {
        issuer: Some(name.to_owned()),
        audience: Some(audience.to_owned()),
        algorithms,
        keys: KeySettings { public_key_files: vec![path(file)], ..KeySettings::default() },
        mapping: ClaimMapping::default(),
    };
    let fixture = Fixture::start(&settings(vec![
        issuer("one", &files[0], "for-one", vec![Algorithm::RS256, Algorithm::PS256]),
        issuer("two", &files[1], "for-two", vec![]),
    ]));
    let claims = |issuer: &str, audience: &str| json!({"org_id": 42, "exp": NOW + 600, "iss": issuer, "aud": audience});
    assert_eq!(fixture.check(&one.token(Algorithm::RS256, &claims("one", "for-one"))), Ok(42));
    assert_eq!(fixture.check(&one.token(Algorithm::PS256, &claims("one", "for-one"))), Ok(42));
    assert_eq!(fixture.check(&two.token(Algorithm::ES256, &claims("two", "for-two"))), Ok(42));
    let check = |token: String| fixture.check(&token).unwrap_err();
    assert_eq!(check(one.token(Algorithm::RS512, &claims("one", "for-one"))), AuthRejection::Algorithm);
    assert_eq!(check(two.token(Algorithm::ES256, &claims("one", "for-one"))), AuthRejection::Algorithm);
    assert_eq!(check(one.token(Algorithm::RS256, &claims("one", "for-two"))), AuthRejection::Audience);
    assert_eq!(check(one.token(Algorithm::RS256, &claims("two", "for-two"))), AuthRejection::Algorithm);
    assert_eq!(check(one.token(Algorithm::RS256, &claims("three", "for-one"))), AuthRejection::Issuer);
    let nameless = json!({"org_id": 42, "exp": NOW + 600, "aud": "for-one"});
    assert_eq!(check(one.token(Algorithm::RS256, &nameless)), AuthRejection::Issuer);
}

#[test]
fn a_remembered_token_ends_like_any_other() {
    let secret = file(SECRET);
    let fixture = Fixture::with(hmac_keys(&secret));
    let token = hmac(Algorithm::HS256, SECRET, &claims());
    assert_eq!((fixture.check(&token), fixture.check(&token)), (Ok(42), Ok(42)));
    assert_eq!(fixture.authenticator.cached_tokens(), 1);
    fixture.clock.advance(Duration::from_secs(659));
    assert_eq!(fixture.check(&token), Ok(42), "within the leeway it is verified anew");
    fixture.clock.advance(Duration::from_secs(1));
    assert_eq!(fixture.check(&token), Err(AuthRejection::Expired));
}

#[test]
fn keys_are_read_again_and_tokens_of_those_that_went_are_refused() {
    let secret = file(SECRET);
    let fixture = Fixture::with(hmac_keys(&secret));
    let token = hmac(Algorithm::HS256, SECRET, &claims());
    assert_eq!(fixture.check(&token), Ok(42));
    std::fs::write(secret.path(), "short").unwrap();
    assert!(fixture.authenticator.reload().is_err());
    assert_eq!(fixture.check(&token), Ok(42), "the keys of before stay");
    std::fs::write(secret.path(), [b'y'; 40]).unwrap();
    fixture.authenticator.reload().unwrap();
    assert_eq!(fixture.check(&token), Err(AuthRejection::Signature));
    assert_eq!(fixture.check(&hmac(Algorithm::HS256, &[b'y'; 40], &claims())), Ok(42));
}

#[test]
fn headers_that_are_no_single_bearer_token() {
    let secret = file(SECRET);
    let fixture = Fixture::with(hmac_keys(&secret));
    let check = |headers: &[&[u8]]| fixture.authenticator.authenticate_now(&Call(headers.to_vec())).err();
    let good = format!("Bearer {}", hmac(Algorithm::HS256, SECRET, &claims()));
    let lower = good.replace("Bearer ", "bearer   ");
    assert_eq!(check(&[good.as_bytes()]), None);
    assert_eq!(check(&[lower.as_bytes()]), None);
    assert_eq!(check(&[]), Some(AuthRejection::Missing));
    assert_eq!(check(&[good.as_bytes(), good.as_bytes()]), Some(AuthRejection::Several));
    for other in [b"".as_slice(), b"Bearer", b"Bearer ", b"Basic dXNlcjpwYXNz", b"Bearer\xff x"] {
        assert_eq!(check(&[other]), Some(AuthRejection::Scheme), "{other:?}");
    }
}

#[test]
fn without_a_key_there_is_no_mode_jwt() {
    let nothing = settings(vec![IssuerSettings::default()]);
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(Timestamp::from_micros(0)));
    let tick = Duration::from_secs(1);
    assert!(matches!(Authenticator::start(&nothing, Arc::clone(&clock), tick), Err(AuthError::NoKeys)));
    assert!(matches!(Authenticator::check(&nothing), Err(AuthError::NoKeys)));

    let organization = "7".parse().unwrap();
    let disabled = Settings { mode: Mode::Disabled { organization }, ..nothing };
    let authenticator = Authenticator::start(&disabled, clock, tick).unwrap();
    let identity = authenticator.authenticate_now(&Call(vec![b"Bearer nonsense"])).unwrap();
    assert_eq!(identity.organization(), organization);
    assert!(authenticator.is_ready());
}

#[test]
fn callers_that_call_too_often_are_told_how_long_to_wait() {
    let secret = file(SECRET);
    let keys = vec![IssuerSettings { keys: hmac_keys(&secret), ..IssuerSettings::default() }];
    let rate_limit = RateLimit { per_organization: 0, per_identity: 1 };
    let fixture = Fixture::start(&Settings { rate_limit, ..settings(keys) });
    let token = hmac(Algorithm::HS256, SECRET, &claims());
    assert_eq!(fixture.check(&token), Ok(42));
    let rejection = fixture.check(&token).unwrap_err();
    assert_eq!(rejection.remedy(), Remedy::CallLess(Duration::from_secs(1)));
    fixture.clock.advance(Duration::from_secs(1));
    assert_eq!(fixture.check(&token), Ok(42));
}

/// A service account of organization 42, as a gateway sends it.
struct AccountCall(String);

impl AccountCall {
    fn new(number: u32) -> Self {
        let account = json!({"client_id": number.to_string(), "username": "a"});
        let identity = json!({"type": "ServiceAccount", "org_id": "42", "service_account": account});
        Self(STANDARD.encode(json!({"identity": identity}).to_string()))
    }
}

impl Credentials for AccountCall {
    fn header(&self, name: AuthHeaderName) -> AuthHeader<'_> {
        match name {
            AuthHeaderName::Identity => AuthHeader::Single(self.0.as_bytes()),
            AuthHeaderName::Authorization | AuthHeaderName::GatewaySecret => AuthHeader::Absent,
        }
    }

    fn peer(&self) -> Option<IpAddr> {
        Some(IpAddr::from([127, 0, 0, 1]))
    }
}

#[test]
fn a_call_counts_before_its_permission_is_asked_for_and_not_again_after() {
    // It ends each connection at once. The thread ends with the process.
    let rbac = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", rbac.local_addr().unwrap()).parse().unwrap();
    std::thread::spawn(move || rbac.incoming().for_each(drop));
    let gateway = GatewaySettings {
        trusted_proxies: vec!["127.0.0.0/8".parse().unwrap()],
        rbac: Some(RbacSettings { url, enforce: true }),
        ..GatewaySettings::default()
    };
    let rate_limit = RateLimit { per_organization: 3, per_identity: 0 };
    let fixture = Fixture::start(&Settings { mode: Mode::IdentityHeader(gateway), rate_limit });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    for number in 0..3 {
        let call = AccountCall::new(number);
        let Authentication::Waiting(wait) = fixture.authenticator.authenticate(&call) else {
            panic!("it is asked for");
        };
        let after = runtime.block_on(fixture.authenticator.authenticate_after(wait, &call));
        assert_eq!(after, Err(AuthRejection::PermissionsUnavailable));
    }
    let refused = fixture.authenticator.authenticate(&AccountCall::new(3));
    assert!(matches!(refused, Authentication::Done(Err(AuthRejection::OrganizationLimit { .. }))));
}

#[test]
fn challenges_name_an_error_only_where_there_was_a_token() {
    assert_eq!(AuthRejection::Missing.challenge(), "Bearer realm=\"gathering\"");
    assert_eq!(
        AuthRejection::Expired.challenge(),
        "Bearer realm=\"gathering\", error=\"invalid_token\", error_description=\"the token has expired\""
    );
    assert_eq!(AuthRejection::MissingIdentity.challenge(), "Gateway realm=\"gathering\"");
}
