//! Attacks with tokens: each row is refused with the right status and a sentence that gives nothing away, and afterwards
//! the server works as before.

mod claims;
mod headers;
mod keys;
mod mapping;
mod signatures;

use gathering_auth::Algorithm;
use gathering_auth::testing::{TestKey, token_of_parts};
use gathering_tests::{Answer, CLUSTER, TestDatabase, TestServer, exchange};
use serde_json::{Value, json};

use crate::fixture::{Folder, RSA, claims, record};

const ISSUER: &str = "https://sso.example.com";
const AUDIENCE: &str = "gathering";

/// A server whose only issuer has a secret and a key set of every kind, two of RSA among them.
struct Target {
    server: TestServer,
    secret: Vec<u8>,
    p256: TestKey,
    p384: TestKey,
    ed25519: TestKey,
    key_set: String,
    _folder: Folder,
}

impl Target {
    fn start() -> Self {
        Self::with_settings(&[])
    }

    fn with_settings(settings: &[&str]) -> Self {
        let (p256, p384, ed25519) = (TestKey::p256(), TestKey::p384(), TestKey::ed25519());
        let keys = [RSA[0].jwk("r1"), RSA[1].jwk("r2"), p256.jwk("e1"), p384.jwk("e3"), ed25519.jwk("d1")];
        let key_set = json!({"keys": keys}).to_string();
        let folder = Folder::new();
        let mut server = TestServer::builder(TestDatabase::sqlite())
            .set(&format!("auth.issuer={ISSUER}"))
            .set(&format!("auth.audience={AUDIENCE}"))
            .set(&format!("auth.keys.jwks_file={}", folder.write("jwks.json", &key_set)));
        for setting in settings {
            server = server.set(setting);
        }
        let server = server.start();
        record(&server);
        let secret = std::fs::read(server.secret_file()).unwrap();
        Self { server, secret, p256, p384, ed25519, key_set, _folder: folder }
    }

    /// Claims that are let in.
    fn claims() -> Value {
        let mut claims = claims();
        claims["iss"] = json!(ISSUER);
        claims["aud"] = json!(AUDIENCE);
        claims
    }

    fn with(name: &str, value: Value) -> Value {
        let mut claims = Self::claims();
        claims[name] = value;
        claims
    }

    fn without(name: &str) -> Value {
        let mut claims = Self::claims();
        claims.as_object_mut().unwrap().remove(name);
        claims
    }

    /// A token of these claims, signed as the header says with the right key.
    fn signed(&self, claims: &Value) -> String {
        self.headed(&json!({"alg": "RS256", "kid": "r1"}), claims)
    }

    /// A token with this header, signed with the first key of RSA.
    #[expect(clippy::unused_self, reason = "as its neighbours")]
    fn headed(&self, header: &Value, claims: &Value) -> String {
        token_of_parts(&header.to_string(), claims.to_string().as_bytes(), |text| {
            RSA[0].sign(Algorithm::RS256, text)
        })
    }

    /// A token with this header, signed with any key and algorithm.
    fn confused(header: &Value, sign: impl FnOnce(&str) -> String) -> String {
        token_of_parts(&header.to_string(), Self::claims().to_string().as_bytes(), sign)
    }

    /// A call with these header lines, of which each ends with a line break.
    fn ask(&self, cluster: &str, request: &str, lines: &[u8]) -> Answer {
        let start = format!(
            "GET /cluster/{cluster}/request/{request}/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        );
        let head = [start.as_bytes(), lines, b"\r\n"].concat();
        exchange(self.server.address(), &head).unwrap()
    }

    fn try_token(&self, token: &str) -> Answer {
        self.ask(CLUSTER, "r", format!("Authorization: Bearer {token}\r\n").as_bytes())
    }

    /// Makes sure that a token was refused in the way that every token is.
    fn refuses(&self, row: &str, token: &str, part: &str) {
        let answer = self.try_token(token);
        assert_eq!(answer.status, 401, "{row}: {answer:?}");
        check_refusal(row, &answer, part);
        if token.len() > 20 {
            assert!(!format!("{answer:?}").contains(&token[..20]), "{row}: it repeats the token");
        }
    }
}

/// A 401 has a challenge and one sentence, and nothing of what is behind it.
fn check_refusal(row: &str, answer: &Answer, part: &str) {
    let sentence = answer.sentence();
    assert!(sentence.starts_with("Unauthorized: ") && sentence.contains(part), "{row}: {sentence}");
    assert!(answer.header("www-authenticate").starts_with("Bearer realm=\"gathering\""), "{row}");
    let all = format!("{answer:?}").to_lowercase();
    for leak in ["panic", "jsonwebtoken", "invalidsignature", "base64", ".rs", "hmac.key", "/tmp", "jwks"] {
        assert!(!all.contains(leak), "{row}: {leak} in {all}");
    }
}

/// The good tokens still open what they say, and nothing broke.
fn still_works(target: &Target) {
    assert_eq!(target.try_token(&target.signed(&Target::claims())).status, 200);
    check_no_defect(target);
}

fn check_no_defect(target: &Target) {
    let failed = target.server.admin("/metrics").send().body;
    assert!(!failed.contains("status=\"500\""), "{failed}");
}
