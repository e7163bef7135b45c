//! Providers: how their keys are found, and what their tokens look like.

mod workloads;

use std::path::Path;
use std::time::Duration;

use gathering_auth::Algorithm;
use gathering_auth::testing::TestKey;
use gathering_tests::{Authority, KeyServer, TestDatabase, TestServer};
use serde_json::{Value, json};

use crate::fixture::{Folder, NOW, RSA, claims, record, status};
use crate::key_urls::{ask, refetched, token};

const PATH: &str = "/keys";

#[test]
fn the_issuer_tells_where_its_keys_are() {
    let (provider, one) = (KeyServer::start(), TestKey::p256());
    let issuer = provider.url("/realms/ours");
    let well_known = "/realms/ours/.well-known/openid-configuration";
    let tell = |document: Value| provider.answer(well_known, "200 OK", "", document.to_string());
    provider.publish(PATH, &[one.jwk("one")]);
    provider.publish("/realms/ours/keys", &[one.jwk("one")]);
    tell(json!({"issuer": "https://somebody.else", "jwks_uri": provider.url(PATH)}));
    let server = TestServer::builder(TestDatabase::sqlite())
        .without_secret()
        .set(&format!("auth.issuer={issuer}"))
        .set("auth.keys.discovery=true")
        .start();
    record(&server);
    let mut claims = claims();
    claims["iss"] = json!(issuer);
    claims["exp"] = json!(NOW + 1_000_000);
    let token = one.token_of(Algorithm::ES256, Some("one"), &claims);
    let asked_again = |after| refetched(&server, &provider.url(well_known), Duration::from_secs(after));
    assert_eq!(ask(&server, &token), 503, "a document of another issuer is not used");
    tell(json!({"issuer": issuer, "jwks_uri": "http://keys.example.com/keys"}));
    asked_again(15);
    assert_eq!(ask(&server, &token), 503, "nor one that leads away from https");
    tell(json!({"issuer": issuer}));
    asked_again(15);
    assert_eq!(provider.asked(PATH), 0);
    tell(json!({"issuer": issuer, "jwks_uri": provider.url(PATH), "other": [1, 2]}));
    asked_again(15);
    assert_eq!(ask(&server, &token), 200);
    tell(json!({"issuer": issuer, "jwks_uri": provider.url("/realms/ours/keys")}));
    asked_again(3600);
    assert_eq!(provider.asked("/realms/ours/keys"), 1);
    assert_eq!(ask(&server, &token), 200);
}

#[test]
fn keys_come_over_tls_from_those_that_are_trusted() {
    let (folder, authority, stranger, one) =
        (Folder::new(), Authority::new(), Authority::new(), TestKey::p256());
    // Our own server with TLS publishes a document, which is no key set: what matters is how far it gets.
    let certificate = authority.sign();
    let cert = folder.write("server.crt", &certificate.cert);
    let key = folder.write("server.key", &certificate.key);
    let publisher = TestServer::builder(TestDatabase::sqlite())
        .set(&format!("http.tls.cert={cert}"))
        .set(&format!("http.tls.key={key}"))
        .start();
    let calls = "gathering_http_requests_total{endpoint=\"/openapi.json\",method=\"GET\",status=\"200\"}";
    for (authority, gets_there) in [(&authority, true), (&stranger, false)] {
        let ca = folder.write("ca.pem", authority.pem());
        let before = publisher.metric(calls);
        let server = TestServer::builder(TestDatabase::sqlite())
            .without_secret()
            .set(&format!("auth.keys.jwks_url=https://localhost:{}/openapi.json", publisher.address().port()))
            .set(&format!("auth.keys.ca_file={ca}"))
            .start();
        assert_eq!(ask(&server, &token(&one, "one")), 503);
        assert_eq!(publisher.metric(calls) > before, gets_there);
    }
}

/// What a token may do: read what its organization has, and write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum May {
    Read,
    Write,
    Both,
    Nothing,
    /// It reads, and finds nothing: it is of another organization.
    Elsewhere,
    /// It is not let in.
    Refused,
}

/// A server that takes the tokens of a provider with the settings that the documents have for it.
struct Provider {
    server: TestServer,
    /// Claims of a good token.
    claims: Value,
    _folder: Folder,
}

impl Provider {
    fn start(name: &str, claims: Value) -> Self {
        let folder = Folder::new();
        let keys = folder.key_set("jwks.json", &[RSA[0].jwk("r1")]);
        let mut server = TestServer::builder(TestDatabase::sqlite())
            .without_secret()
            .set(&format!("auth.keys.jwks_file={keys}"))
            .set(&format!("auth.issuer={}", claims["iss"].as_str().unwrap()));
        // Whichever audience the token has of those that it has; Cognito's has none.
        if let Some(audience) = [&claims["aud"], &claims["aud"][0]].into_iter().find_map(Value::as_str) {
            server = server.set(&format!("auth.audience={audience}"));
        }
        for setting in documented(name) {
            server = server.set(&setting);
        }
        let server = server.start();
        record(&server);
        Self { server, claims, _folder: folder }
    }

    /// Tries tokens with some claims changed; null takes one away.
    fn check(&self, rows: &[(Value, May)]) {
        for (changes, expected) in rows {
            let mut claims = self.claims.clone();
            for (name, value) in changes.as_object().unwrap() {
                let claims = claims.as_object_mut().unwrap();
                match value {
                    Value::Null => claims.remove(name),
                    value => claims.insert(name.clone(), value.clone()),
                };
            }
            assert_eq!(self.may(&claims), *expected, "{claims}");
        }
    }

    fn may(&self, claims: &Value) -> May {
        let token = RSA[0].token_of(Algorithm::RS256, Some("r1"), claims);
        let read = self.server.get(&status()).bearer(&token).send().status;
        let call = self.server.post("/ingest/results", "{}").header("Content-Type", "application/json");
        match (read, call.bearer(&token).send().status) {
            (200, 403) => May::Read,
            (403, 200) => May::Write,
            (200, 200) => May::Both,
            (403, 403) => May::Nothing,
            (404, 403) => May::Elsewhere,
            (401, 401) => May::Refused,
            other => panic!("{other:?}: {claims}"),
        }
    }
}

/// The settings of a provider in `docs/SECURITY.md`.
fn documented(provider: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("docs/SECURITY.md");
    let document = std::fs::read_to_string(path).unwrap();
    let row = document.lines().find(|line| line.starts_with(&format!("| {provider} |"))).unwrap();
    let cell = row.split(" | ").nth(2).unwrap();
    let settings = cell.split('`').filter(|part| part.starts_with("auth."));
    let settings: Vec<_> = settings.map(|setting| setting.replacen(" = ", "=", 1)).collect();
    assert!(settings.len() >= 5, "{settings:?}");
    settings
}

/// What all tokens of a provider have.
fn issued(issuer: &str, mut claims: Value) -> Value {
    for (name, value) in [("iss", json!(issuer)), ("iat", json!(NOW)), ("exp", json!(NOW + 3600))] {
        claims[name] = value;
    }
    claims
}

#[test]
fn keycloak_with_organizations() {
    let claims = issued(
        "https://sso.example.com/realms/ours",
        json!({
            "jti": "trrtcc:1f7b", "typ": "Bearer", "azp": "console", "aud": ["gathering", "account"], "acr": "1",
            "sub": "8f8b2f5e-3a39-4a53-a0cf-8c1ef0c2ac4c", "sid": "1", "email_verified": true,
            "realm_access": {"roles": ["default-roles-ours", "offline_access"]},
            "scope": "openid profile email organization gathering-read",
            "organization": {"acme": {"id": "0195d1a6-0000-7000-8000-000000000042", "org_id": ["42"], "tier": ["gold", "eu"]}}
        }),
    );
    let acme = |attributes: Value| json!({"organization": {"acme": attributes}});
    Provider::start("Keycloak, organizations", claims).check(&[
        (json!({}), May::Read),
        (json!({"scope": "openid gathering-read gathering-write"}), May::Both),
        (json!({"scope": "gathering-write"}), May::Write),
        (json!({"scope": "openid profile email organization"}), May::Nothing),
        (json!({"scope": "read write write:any"}), May::Nothing),
        (json!({"scope": "openid\tgathering-read"}), May::Nothing),
        (json!({"scope": null}), May::Nothing),
        (json!({"scope": "openid", "realm_access": {"roles": ["gathering-read"]}}), May::Nothing),
        (json!({"scope": {"gathering-read": true}}), May::Refused),
        (acme(json!({"org_id": ["43"]})), May::Elsewhere),
        (acme(json!({"org_id": [42]})), May::Read),
        (acme(json!({"org_id": []})), May::Refused),
        (acme(json!({"org_id": [["42"]]})), May::Refused),
        (acme(json!({"org_id": "42"})), May::Refused),
        (acme(json!({"id": "42"})), May::Refused),
        (json!({"organization": {"other": {"org_id": ["42"]}}}), May::Refused),
        // As Keycloak has it without attributes.
        (json!({"organization": ["acme"]}), May::Refused),
        (json!({"organization": null, "org_id": 42}), May::Refused),
        (json!({"aud": "account"}), May::Refused),
    ]);
}

#[test]
fn keycloak_with_roles() {
    let claims = issued(
        "https://sso.example.com/realms/ours",
        json!({
            "typ": "Bearer", "azp": "console", "aud": ["gathering", "account"], "scope": "openid profile email",
            "sub": "8f8b2f5e-3a39-4a53-a0cf-8c1ef0c2ac4c", "tenant": {"id": 42},
            "realm_access": {"roles": ["offline_access"]},
            "resource_access": {"account": {"roles": ["view-profile"]}, "gathering": {"roles": ["viewer"]}}
        }),
    );
    let roles = |client: &str, roles: Value| json!({"resource_access": {client: {"roles": roles}}});
    Provider::start("Keycloak, roles", claims).check(&[
        (json!({}), May::Read),
        (roles("gathering", json!(["other", "editor"])), May::Both),
        (roles("gathering", json!([])), May::Nothing),
        (roles("gathering", json!(["read", "write:any"])), May::Nothing),
        (roles("gathering", json!(["viewer editor"])), May::Nothing),
        (roles("account", json!(["viewer"])), May::Nothing),
        (json!({"resource_access": null}), May::Nothing),
        (
            json!({"resource_access": null, "realm_access": {"roles": ["viewer"]}, "scope": "viewer"}),
            May::Nothing,
        ),
        (json!({"resource_access": {"gathering": ["viewer"]}}), May::Refused),
        (roles("gathering", json!([["viewer"]])), May::Refused),
        (json!({"tenant": {"id": "43"}}), May::Elsewhere),
        (json!({"tenant": {"id": 42.0}}), May::Refused),
        (json!({"tenant": "42"}), May::Refused),
        (json!({"tenant": null, "tenant.id": 42}), May::Refused),
    ]);
}

#[test]
fn entra_id_for_applications() {
    let issuer = "https://login.microsoftonline.com/3aa4a235-0000-4000-8000-000000000001/v2.0";
    let claims = issued(
        issuer,
        json!({
            "aud": "6e74172b-0000-4000-8000-000000000002", "aio": "E2Zg", "azp": "5d1ac9be-0000-4000-8000-000000000003",
            "azpacr": "1", "idtyp": "app", "nbf": NOW, "oid": "b0c1", "sub": "b0c1", "ver": "2.0",
            "tid": "3aa4a235-0000-4000-8000-000000000001", "roles": ["Gathering.Read"]
        }),
    );
    Provider::start("Entra ID, applications", claims).check(&[
        (json!({}), May::Read),
        (json!({"roles": ["Gathering.Write"]}), May::Write),
        (json!({"roles": ["Gathering.Read", "Gathering.Write"]}), May::Both),
        (json!({"roles": null}), May::Nothing),
        (json!({"roles": []}), May::Nothing),
        (json!({"roles": ["Gathering.Read.All", "gathering.read", "read"]}), May::Nothing),
        (json!({"roles": ["Mail.Read"], "scp": "Gathering.Read", "wids": ["Gathering.Read"]}), May::Nothing),
        (json!({"roles": {"0": "Gathering.Read"}}), May::Refused),
        // Who names an organization is of that one.
        (json!({"org_id": "43"}), May::Elsewhere),
        (json!({"org_id": "3aa4a235-0000-4000-8000-000000000001"}), May::Refused),
        (json!({"org_id": ["42"]}), May::Refused),
        (json!({"org_id": ""}), May::Refused),
        (json!({"iss": "https://login.microsoftonline.com/another/v2.0"}), May::Refused),
        (json!({"aud": "00000003-0000-0000-c000-000000000000"}), May::Refused),
    ]);
}

#[test]
fn entra_id_for_people() {
    let issuer = "https://login.microsoftonline.com/3aa4a235-0000-4000-8000-000000000001/v2.0";
    let claims = issued(
        issuer,
        json!({
            "aud": "6e74172b-0000-4000-8000-000000000002", "name": "Jo", "preferred_username": "jo@example.com", "nbf": NOW,
            "oid": "b0c1", "sub": "q", "tid": "3aa4a235-0000-4000-8000-000000000001", "ver": "2.0",
            "scp": "Gathering.Read User.Read"
        }),
    );
    Provider::start("Entra ID, people", claims).check(&[
        (json!({}), May::Read),
        (json!({"scp": "User.Read", "roles": ["Gathering.Read"], "scope": "Gathering.Read"}), May::Nothing),
        (json!({"scp": "Gathering.Read write write:any"}), May::Read),
        (json!({"scp": null}), May::Nothing),
        (json!({"scp": 1}), May::Refused),
    ]);
}

#[test]
fn auth0() {
    let claims = issued(
        "https://ours.eu.auth0.com/",
        json!({
            "sub": "auth0|6502", "aud": ["https://gathering.example.com", "https://ours.eu.auth0.com/userinfo"],
            "azp": "Xk2", "scope": "openid profile email", "org_id": "org_9ybsU1dN2dKfDkBi",
            "permissions": ["read:reports"], "https://example.com/org_id": 42
        }),
    );
    Provider::start("Auth0", claims).check(&[
        (json!({}), May::Read),
        (json!({"permissions": ["write:results"]}), May::Write),
        (json!({"permissions": []}), May::Nothing),
        (json!({"permissions": null, "scope": "openid read:reports"}), May::Nothing),
        (json!({"permissions": ["write:any", "read"]}), May::Nothing),
        (json!({"permissions": ["write:any read:reports"]}), May::Nothing),
        (json!({"permissions": [{"permission_name": "read:reports"}]}), May::Refused),
        (json!({"https://example.com/org_id": "43"}), May::Elsewhere),
        (json!({"https://example.com/org_id": "org_42"}), May::Refused),
        (json!({"https://example.com/org_id": null}), May::Refused),
        (json!({"https://example.com/org_id": null, "org_id": 42}), May::Refused),
        (
            json!({"https://example.com/org_id": null, "https:": {"": {"example.com": {"org_id": 42}}}}),
            May::Refused,
        ),
    ]);
}
