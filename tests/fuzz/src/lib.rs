//! What the fuzz targets do with what they are given: whatever it is, it is judged without a panic, and nobody is let in
//! who should not be.

use std::io::Write;
use std::net::IpAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gathering_auth::testing::{TestKey, hmac, parse_key_set, token_of_parts};
use gathering_auth::{
    Algorithm, AuthHeader, AuthHeaderName, Authenticator, ClaimMapping, Credentials, GatewaySettings,
    Inspection, IssuerSettings, KeySettings, Mode, RateLimit, Settings, TokenSettings,
};
use gathering_domain::time::{ManualClock, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::NamedTempFile;

const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);
const SECRET: &[u8] = b"a secret of more than thirty-two bytes";

/// A call with one header.
struct Call<'a>(AuthHeaderName, &'a [u8]);

impl Credentials for Call<'_> {
    fn header(&self, name: AuthHeaderName) -> AuthHeader<'_> {
        if name == self.0 { AuthHeader::Single(self.1) } else { AuthHeader::Absent }
    }

    fn peer(&self) -> Option<IpAddr> {
        Some(IpAddr::from([127, 0, 0, 1]))
    }
}

fn file(content: &[u8]) -> NamedTempFile {
    let mut file = NamedTempFile::new().expect("the temporary folder can be written to");
    file.write_all(content).expect("the temporary folder can be written to");
    file
}

fn start(mode: Mode) -> Authenticator {
    let settings = Settings { mode, rate_limit: RateLimit::default() };
    let clock = Arc::new(ManualClock::at(NOW));
    Authenticator::start(&settings, clock, Duration::from_secs(1)).expect("settings that can be used")
}

static TOKENS: LazyLock<Authenticator> = LazyLock::new(|| start_with(ClaimMapping::default()));

/// With claims within others, and an organization for tokens that name none.
static MAPPED: LazyLock<Authenticator> = LazyLock::new(|| {
    start_with(ClaimMapping {
        organization: "/organization/id".parse().expect("a pointer"),
        cluster: "/organization/clusters/0".parse().expect("a pointer"),
        scope: "/access/roles".parse().expect("a pointer"),
        default_organization: "7".parse().ok(),
        ..ClaimMapping::default()
    })
});

fn start_with(mapping: ClaimMapping) -> Authenticator {
    let set = json!({"keys": [TestKey::p256().jwk("one"), TestKey::ed25519().jwk("two")]}).to_string();
    let (secret, set) = (file(SECRET), file(set.as_bytes()));
    let keys = KeySettings {
        hmac_secret_file: Some(secret.path().to_owned()),
        jwks_file: Some(set.path().to_owned()),
        ..KeySettings::default()
    };
    let issuers = vec![IssuerSettings { keys, mapping, ..IssuerSettings::default() }];
    start(Mode::Jwt(TokenSettings {
        issuers,
        leeway: Duration::from_secs(60),
        max_token: 16 * 1024,
        cache_size: 1 << 20,
    }))
}

/// What counts of a token that was let in. The rest may hold numbers that fit nowhere.
#[derive(Debug, Deserialize)]
struct Claims {
    org_id: Value,
    exp: f64,
}

#[derive(Debug, Deserialize)]
struct Header {
    alg: String,
    crit: Option<Value>,
}

/// Bytes as an `Authorization` header, as a token, and as header and claims of a token with the right signature.
///
/// # Panics
/// If somebody is let in who should not be.
pub fn token(data: &[u8]) {
    let ask = |header: &[u8]| TOKENS.authenticate_now(&Call(AuthHeaderName::Authorization, header));
    assert!(ask(data).is_err(), "nobody can guess a signature");
    assert!(ask(&[b"Bearer ", data].concat()).is_err(), "nobody can guess a signature");
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = Inspection::of(text, 16 * 1024, &[IssuerSettings::default()], NOW);
    }
    let sign = |text: &str| hmac(Algorithm::HS256, SECRET, text);
    let with_claims = token_of_parts(r#"{"alg":"HS256"}"#, data, sign);
    // Good claims can be found; then they are those of an organization, and in force.
    if ask(format!("Bearer {with_claims}").as_bytes()).is_ok() {
        let claims: Claims = serde_json::from_slice(data).expect("claims are JSON");
        assert!(claims.org_id.is_u64() || claims.org_id.is_string(), "{claims:?}");
        assert!(claims.exp > 1_799_999_940.0, "{claims:?}");
    }
    mapped(data, &with_claims);
    let _ = Inspection::of(&with_claims, 16 * 1024, &[IssuerSettings::default()], NOW);
    if let Ok(header) = std::str::from_utf8(data) {
        let with_header = token_of_parts(header, br#"{"org_id":42,"exp":1900000000}"#, sign);
        if ask(format!("Bearer {with_header}").as_bytes()).is_ok() {
            let header: Header = serde_json::from_str(header).expect("a header is JSON");
            assert!(header.alg == "HS256" && header.crit.is_none(), "{header:?}");
        }
    }
}

/// A token with these claims, where they are those of another provider. Who is let in names an organization, or none at all.
fn mapped(claims: &[u8], token: &str) {
    let header = format!("Bearer {token}");
    let identity = MAPPED.authenticate_now(&Call(AuthHeaderName::Authorization, header.as_bytes()));
    // What nobody reads may hold numbers that fit nowhere.
    let (Ok(identity), Ok(claims)) = (identity, serde_json::from_slice::<Value>(claims)) else { return };
    let organization = &claims["organization"];
    let names_none = claims.get("organization").is_none()
        || organization.as_object().is_some_and(|all| !all.contains_key("id"));
    let id = &organization["id"];
    assert!(names_none || id.is_u64() || id.is_string(), "{claims}");
    if let Some(cluster) = organization["clusters"][0].as_str() {
        let other = "00000000-0000-0000-0000-000000000000";
        let bound = identity.read(other.parse().expect("a cluster")).is_err();
        assert!(bound || cluster == other, "{claims}");
    }
}

static GATEWAY: LazyLock<Authenticator> = LazyLock::new(|| {
    let trusted_proxies = vec!["127.0.0.0/8".parse().expect("a network")];
    start(Mode::IdentityHeader(GatewaySettings { trusted_proxies, ..GatewaySettings::default() }))
});

/// Bytes as an `x-rh-identity` header, and as the JSON in one.
///
/// # Panics
/// If somebody is let in further than he should be.
pub fn identity_header(data: &[u8]) {
    let ask = |header: &[u8]| GATEWAY.authenticate_now(&Call(AuthHeaderName::Identity, header));
    let _ = ask(data);
    if let Ok(identity) = ask(STANDARD.encode(data).as_bytes()) {
        assert!(identity.write().is_err(), "an identity of the gateway reads only");
        // What nobody reads may hold numbers that fit nowhere.
        let Ok(document) = serde_json::from_slice::<Value>(data) else { return };
        if let Some(cluster) = document["identity"]["system"]["cluster_id"].as_str() {
            let other = "00000000-0000-0000-0000-000000000000";
            let bound = identity.read(other.parse().expect("a cluster")).is_err();
            assert!(bound || cluster == other, "{document}");
        }
    }
}

/// Bytes as a key set of a URL.
pub fn key_set(data: &[u8]) {
    parse_key_set(data);
}

/// Tries each file that the program was given.
///
/// # Errors
/// When a file cannot be read.
pub fn replay(target: fn(&[u8])) -> std::io::Result<()> {
    std::env::args_os().skip(1).try_for_each(|path| {
        target(&std::fs::read(path)?);
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_takes_what_is_right_and_what_is_not() {
        for data in [
            &b""[..],
            b"{",
            br#"{"org_id":42,"exp":1900000000}"#,
            br#"{"alg":"HS256"}"#,
            br#"{"organization":{"id":"42","clusters":["5d5892d3-1f74-4ccf-91af-548dfc9767aa"]},"exp":1900000000}"#,
            br#"{"organization":{"id":7,"x":1e999},"access":{"roles":["read",null]},"exp":1900000000}"#,
            br#"{"organization":[],"exp":1900000000}"#,
            br#"{"identity":{"org_id":"42","system":{"cluster_id":"5d5892d3-1f74-4ccf-91af-548dfc9767aa"}}}"#,
            br#"{"identity":{"org_id":"42","ORG_ID":"43","system":{"cn":1,"cn":2},"user":{"number":1e999}}}"#,
            br#"{"identity":{"org_id":"42","user":{"number":1e999}}}"#,
            br#"{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]}"#,
            br#"{"keys":[null,7,[],{"kty":"EC","crv":"P-256","x":"=+/","y":null,"d":null,"kid":7,"kid":8}]}"#,
            b"Bearer e30.e30.AAAA",
        ] {
            token(data);
            identity_header(data);
            key_set(data);
        }
    }
}
