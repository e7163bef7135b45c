//! Attacks with tokens: each row is refused with the right status and a sentence that gives nothing away, and afterwards
//! the server works as before.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use gathering_auth::Algorithm;
use gathering_auth::testing::{TestKey, hmac, token_of_parts};
use gathering_tests::{Answer, KeyServer, TestDatabase, TestServer, exchange};
use serde_json::{Value, json};

use crate::fixture::{CLUSTER, Folder, NOW, OTHER_CLUSTER, RSA, claims, record};

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
        let (p256, p384, ed25519) = (TestKey::p256(), TestKey::p384(), TestKey::ed25519());
        let keys = [RSA[0].jwk("r1"), RSA[1].jwk("r2"), p256.jwk("e1"), p384.jwk("e3"), ed25519.jwk("d1")];
        let key_set = json!({"keys": keys}).to_string();
        let folder = Folder::new();
        let server = TestServer::builder(TestDatabase::sqlite())
            .set(&format!("auth.issuer={ISSUER}"))
            .set(&format!("auth.audience={AUDIENCE}"))
            .set(&format!("auth.keys.jwks_file={}", folder.write("jwks.json", &key_set)))
            .start();
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
    let failed = target.server.admin("/metrics").send().body;
    assert!(!failed.contains("status=\"500\""), "{failed}");
}

#[test]
fn tokens_that_are_right_are_let_in() {
    let target = Target::start();
    let text = Target::claims();
    for (row, token) in [
        ("RS256", target.signed(&text)),
        (
            "RS512",
            Target::confused(&json!({"alg": "RS512", "kid": "r2"}), |text| {
                RSA[1].sign(Algorithm::RS512, text)
            }),
        ),
        (
            "PS256",
            Target::confused(&json!({"alg": "PS256", "kid": "r1"}), |text| {
                RSA[0].sign(Algorithm::PS256, text)
            }),
        ),
        (
            "ES256",
            Target::confused(&json!({"alg": "ES256", "kid": "e1"}), |text| {
                target.p256.sign(Algorithm::ES256, text)
            }),
        ),
        (
            "ES256, the only one",
            Target::confused(&json!({"alg": "ES256"}), |text| target.p256.sign(Algorithm::ES256, text)),
        ),
        (
            "ES384",
            Target::confused(&json!({"alg": "ES384", "kid": "e3"}), |text| {
                target.p384.sign(Algorithm::ES384, text)
            }),
        ),
        (
            "EdDSA",
            Target::confused(&json!({"alg": "EdDSA", "kid": "d1"}), |text| {
                target.ed25519.sign(Algorithm::EdDSA, text)
            }),
        ),
        (
            "HS256",
            Target::confused(&json!({"alg": "HS256"}), |text| hmac(Algorithm::HS256, &target.secret, text)),
        ),
        ("fractional", target.signed(&Target::with("exp", json!(1_772_373_600.5)))),
        ("a list of audiences", target.signed(&Target::with("aud", json!(["other", AUDIENCE])))),
        ("as text", target.signed(&Target::with("org_id", json!("42")))),
    ] {
        assert_eq!(target.try_token(&token).status, 200, "{row}");
    }
}

#[test]
fn tokens_without_a_signature() {
    let target = Target::start();
    for algorithm in
        ["none", "None", "NONE", "nOnE", "NoNe", "", " none", "none ", "null", "HS256 ", "hs256", "rs256"]
    {
        for signature in ["", "AAAA"] {
            let token = Target::confused(&json!({"alg": algorithm}), |_| signature.to_owned());
            target.refuses(&format!("alg {algorithm:?}"), &token, "algorithm is not accepted");
        }
    }
    for algorithm in [Value::Null, json!(false), json!(["RS256"]), json!({"RS256": true}), json!(256)] {
        let token = target.headed(&json!({"alg": algorithm, "kid": "r1"}), &Target::claims());
        target.refuses(&format!("alg {algorithm}"), &token, "algorithm is not accepted");
    }
    target.refuses(
        "no alg",
        &target.headed(&json!({"kid": "r1"}), &Target::claims()),
        "algorithm is not accepted",
    );
    let good = target.signed(&Target::claims());
    let (signed, _) = good.rsplit_once('.').unwrap();
    target.refuses("signature cut off", &format!("{signed}."), "signature does not verify");
    target.refuses("two parts", signed, "not a JSON Web Token");
    still_works(&target);
}

#[test]
fn a_public_key_taken_for_a_secret() {
    let target = Target::start();
    let pem = RSA[0].public_pem.as_bytes();
    let der = STANDARD
        .decode(RSA[0].public_pem.lines().filter(|line| !line.starts_with('-')).collect::<String>())
        .unwrap();
    let modulus = RSA[0].jwk("r1")["n"].as_str().unwrap().to_owned();
    let secrets: [(&str, &[u8]); 8] = [
        ("the PEM", pem),
        ("the PEM without its last line break", pem.trim_ascii()),
        ("the DER", &der),
        ("the modulus as text", modulus.as_bytes()),
        ("the modulus", &URL_SAFE_NO_PAD.decode(&modulus).unwrap()),
        ("the key set", target.key_set.as_bytes()),
        ("nothing", b""),
        ("a zero", b"\0"),
    ];
    for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
        for (row, secret) in secrets {
            for header in [
                json!({"alg": format!("{algorithm:?}")}),
                json!({"alg": format!("{algorithm:?}"), "kid": "r1"}),
            ] {
                let token = Target::confused(&header, |text| hmac(algorithm, secret, text));
                target.refuses(&format!("{algorithm:?} with {row}"), &token, "signature does not verify");
            }
        }
    }
    still_works(&target);
}

#[test]
fn a_key_taken_for_one_of_another_family() {
    let target = Target::start();
    let signers: [(&str, &str, &TestKey, Algorithm); 5] = [
        ("RS256", "r1", &RSA[0], Algorithm::RS256),
        ("PS256", "r2", &RSA[1], Algorithm::PS256),
        ("ES256", "e1", &target.p256, Algorithm::ES256),
        ("ES384", "e3", &target.p384, Algorithm::ES384),
        ("EdDSA", "d1", &target.ed25519, Algorithm::EdDSA),
    ];
    let mut rows = 0;
    for (name, id, key, algorithm) in signers {
        for (other_name, other_id, ..) in signers {
            for (claimed, claimed_id) in [(other_name, id), (name, other_id), (other_name, other_id)] {
                if (claimed, claimed_id) == (name, id) {
                    continue;
                }
                let header = json!({"alg": claimed, "kid": claimed_id});
                let token = Target::confused(&header, |text| key.sign(algorithm, text));
                target.refuses(&format!("signed as {name} by {id}, called {header}"), &token, "the token");
                rows += 1;
            }
        }
        let stranger = Target::confused(&json!({"alg": name, "kid": id}), |text| {
            hmac(Algorithm::HS256, &target.secret, text)
        });
        target.refuses(&format!("an HMAC called {name}"), &stranger, "signature does not verify");
    }
    assert_eq!(rows, 60);
    still_works(&target);
}

#[test]
fn keys_that_are_named_wrongly() {
    let target = Target::start();
    let foreign = |header: &Value| Target::confused(header, |text| RSA[2].sign(Algorithm::RS256, text));
    for (row, header, part) in [
        ("another key of the set", json!({"alg": "RS256", "kid": "r2"}), "signature does not verify"),
        ("a key of nobody", json!({"alg": "RS256", "kid": "r3"}), "a key that is not known"),
        ("a path", json!({"alg": "RS256", "kid": "../../../../dev/null"}), "a key that is not known"),
        ("SQL", json!({"alg": "RS256", "kid": "r1' OR '1'='1"}), "a key that is not known"),
        ("nothing", json!({"alg": "RS256", "kid": ""}), "a key that is not known"),
        ("another letter case", json!({"alg": "RS256", "kid": "R1"}), "a key that is not known"),
        ("several fit", json!({"alg": "RS256"}), "names no key"),
        ("a number", json!({"alg": "RS256", "kid": 1}), "not a JSON Web Token"),
        ("null", json!({"alg": "RS256", "kid": null}), "not a JSON Web Token"),
        ("a list", json!({"alg": "RS256", "kid": ["r1"]}), "not a JSON Web Token"),
    ] {
        target.refuses(row, &target.headed(&header, &Target::claims()), part);
    }
    target.refuses(
        "a key of a stranger",
        &foreign(&json!({"alg": "RS256", "kid": "r1"})),
        "signature does not verify",
    );
    for twice in [
        r#"{"alg":"RS256","kid":"r2","kid":"r1"}"#,
        r#"{"alg":"RS256","kid":"r1","kid":"r1"}"#,
        r#"{"alg":"none","kid":"r1","alg":"RS256"}"#,
    ] {
        let token = token_of_parts(twice, Target::claims().to_string().as_bytes(), |text| {
            RSA[0].sign(Algorithm::RS256, text)
        });
        target.refuses(twice, &token, "not a JSON Web Token");
    }
    still_works(&target);
}

#[test]
fn keys_that_a_token_brings_along() {
    let target = Target::start();
    let elsewhere = KeyServer::start();
    elsewhere.publish("/keys", &[RSA[2].jwk("r1"), RSA[2].jwk("mine")]);
    let url = elsewhere.url("/keys");
    for extra in [
        json!({"jku": url}),
        json!({"x5u": url}),
        json!({"jwk": RSA[2].jwk("r1")}),
        json!({"x5c": [STANDARD.encode(b"certificate")]}),
        json!({"jku": url, "x5u": url, "jwk": RSA[2].jwk("mine")}),
    ] {
        for (id, part) in [("r1", "signature does not verify"), ("mine", "a key that is not known")] {
            let mut header = extra.clone();
            header["alg"] = json!("RS256");
            header["kid"] = json!(id);
            let token = Target::confused(&header, |text| RSA[2].sign(Algorithm::RS256, text));
            target.refuses(&header.to_string(), &token, part);
        }
    }
    for critical in [json!(["exp"]), json!([]), json!(["b64"]), Value::Null] {
        let header = json!({"alg": "RS256", "kid": "r1", "crit": critical, "b64": false});
        target.refuses(
            &header.to_string(),
            &target.headed(&header, &Target::claims()),
            "critical header extensions",
        );
    }
    assert_eq!(elsewhere.asked("/keys"), 0, "nobody is asked for the keys of an attacker");
    still_works(&target);
}

#[test]
fn times_that_are_over_or_yet_to_come_or_none() {
    let target = Target::start();
    for (row, claims, part) in [
        ("expired", Target::with("exp", json!(NOW - 60)), "has expired"),
        ("expired, with a fraction", Target::with("exp", json!(1_772_369_939.999)), "has expired"),
        ("expired long ago", Target::with("exp", json!(0)), "has expired"),
        ("expired before 1970", Target::with("exp", json!(-1)), "has expired"),
        ("no expiry", Target::without("exp"), "claim 'exp'"),
        ("expiry null", Target::with("exp", Value::Null), "claim 'exp'"),
        ("expiry as text", Target::with("exp", json!((NOW + 3600).to_string())), "claim 'exp'"),
        ("expiry as a date", Target::with("exp", json!("2099-01-01T00:00:00Z")), "claim 'exp'"),
        ("expiry as a list", Target::with("exp", json!([NOW + 3600])), "claim 'exp'"),
        ("expiry as an object", Target::with("exp", json!({"time": NOW + 3600})), "claim 'exp'"),
        ("expiry true", Target::with("exp", json!(true)), "claim 'exp'"),
        ("expiry in milliseconds", Target::with("exp", json!((NOW + 3600) * 1000)), "claim 'exp'"),
        ("expiry at the end of days", Target::with("exp", json!(u64::MAX)), "claim 'exp'"),
        ("expiry beyond", Target::with("exp", json!(1e308)), "claim 'exp'"),
        ("not yet valid", Target::with("nbf", json!(NOW + 61)), "not valid yet"),
        ("not yet valid, with a fraction", Target::with("nbf", json!(1_772_370_060.001)), "not valid yet"),
        ("not valid for long", Target::with("nbf", json!(NOW * 2)), "not valid yet"),
        ("start as text", Target::with("nbf", json!("0")), "claim 'nbf'"),
        ("start null", Target::with("nbf", Value::Null), "claim 'nbf'"),
        ("start in milliseconds", Target::with("nbf", json!(NOW * 1000)), "claim 'nbf'"),
        ("of the future", Target::with("iat", json!(NOW + 61)), "not valid yet"),
        ("of the far future", Target::with("iat", json!(NOW * 1000)), "claim 'iat'"),
        ("issued as text", Target::with("iat", json!("0")), "claim 'iat'"),
    ] {
        target.refuses(row, &target.signed(&claims), part);
    }
    for payload in [r#"{"exp":1e400}"#, r#"{"exp":NaN}"#, r#"{"exp":Infinity}"#, r#"{"exp":0x7fffffff}"#] {
        let token = token_of_parts(r#"{"alg":"RS256","kid":"r1"}"#, payload.as_bytes(), |text| {
            RSA[0].sign(Algorithm::RS256, text)
        });
        target.refuses(payload, &token, "not a JSON Web Token");
    }
    still_works(&target);
}

#[test]
fn claims_that_are_of_another_or_none() {
    let target = Target::start();
    let mut rows = vec![
        ("iss of another", Target::with("iss", json!("https://evil.example.com")), "of another issuer"),
        ("iss, almost", Target::with("iss", json!("https://sso.example.com/")), "of another issuer"),
        ("iss in capitals", Target::with("iss", json!("HTTPS://SSO.EXAMPLE.COM")), "of another issuer"),
        ("no iss", Target::without("iss"), "of another issuer"),
        ("iss as a list", Target::with("iss", json!([ISSUER])), "claim 'iss'"),
        ("iss null", Target::with("iss", Value::Null), "claim 'iss'"),
        ("aud of another", Target::with("aud", json!("other")), "for another audience"),
        ("no aud", Target::without("aud"), "for another audience"),
        ("aud empty", Target::with("aud", json!([])), "for another audience"),
        ("aud with a space", Target::with("aud", json!("gathering ")), "for another audience"),
        ("aud as an object", Target::with("aud", json!({"gathering": true})), "claim 'aud'"),
        ("aud in a list of lists", Target::with("aud", json!([["gathering"]])), "claim 'aud'"),
        ("aud null", Target::with("aud", Value::Null), "claim 'aud'"),
        ("no org_id", Target::without("org_id"), "claim 'org_id'"),
        ("sub as a number", Target::with("sub", json!(7)), "claim 'sub'"),
        ("scope as a list", Target::with("scope", json!(["read"])), "claim 'scope'"),
        ("scope null", Target::with("scope", Value::Null), "claim 'scope'"),
        ("cluster empty", Target::with("cluster_id", json!("")), "claim 'cluster_id'"),
        ("cluster null", Target::with("cluster_id", Value::Null), "claim 'cluster_id'"),
        ("cluster with a wildcard", Target::with("cluster_id", json!("*")), "claim 'cluster_id'"),
        ("clusters", Target::with("cluster_id", json!([CLUSTER])), "claim 'cluster_id'"),
    ];
    for organization in [
        json!(0),
        json!(-1),
        json!(-42),
        json!(42.0),
        json!(42.5),
        json!(4_294_967_296_u64),
        json!(4_294_967_338_u64),
        json!(u64::MAX),
        json!(1e300),
        json!(""),
        json!("0"),
        json!("-42"),
        json!("+42"),
        json!(" 42"),
        json!("42 "),
        json!("4 2"),
        json!("42\n"),
        json!("42\0"),
        json!("0x2a"),
        json!("4e1"),
        json!("4294967338"),
        json!("\u{664}\u{662}"),
        json!("*"),
        json!("42 OR 1=1"),
        json!(true),
        json!([42]),
        json!({"id": 42}),
        Value::Null,
    ] {
        rows.push(("org_id", Target::with("org_id", organization), "claim 'org_id'"));
    }
    for (row, claims, part) in rows {
        target.refuses(&format!("{row}: {claims}"), &target.signed(&claims), part);
    }
    let twice = Target::claims().to_string().replacen('{', r#"{"org_id":43,"#, 1);
    let token = token_of_parts(r#"{"alg":"RS256","kid":"r1"}"#, twice.as_bytes(), |text| {
        RSA[0].sign(Algorithm::RS256, text)
    });
    target.refuses("org_id twice", &token, "not a JSON Web Token");
    let list = json!([42, NOW + 3600]);
    target.refuses("a list of claims", &target.signed(&list), "not a JSON Web Token");
    still_works(&target);
}

#[test]
fn what_a_token_does_not_allow() {
    let target = Target::start();
    let token = |claims: &Value| format!("Authorization: Bearer {}\r\n", target.signed(claims));
    for scope in [
        "",
        " ",
        "READ",
        "Read",
        "read,write",
        "read\twrite",
        "\"read\"",
        "reader",
        "re ad",
        "write",
        "write:any",
        "read:any",
        "*",
        "admin",
    ] {
        let answer = target.ask(CLUSTER, "r", token(&Target::with("scope", json!(scope))).as_bytes());
        let sentence = answer.sentence();
        assert_eq!(
            (answer.status, sentence.as_str()),
            (403, "Forbidden: the token lacks the scope 'read'"),
            "{scope}"
        );
    }
    let answer =
        target.ask(CLUSTER, "r", token(&Target::with("cluster_id", json!(OTHER_CLUSTER))).as_bytes());
    assert_eq!(
        (answer.status, answer.sentence().as_str()),
        (403, "Forbidden: the token is bound to another cluster")
    );
    // What another organization has is as unknown as what nobody has.
    let own = token(&Target::claims());
    let theirs = target.ask(CLUSTER, "theirs", own.as_bytes());
    let nobodys = target.ask(CLUSTER, "nobodys", own.as_bytes());
    assert_eq!((theirs.status, theirs.body), (404, nobodys.body));
    let elsewhere = token(&Target::with("org_id", json!(43)));
    assert_eq!(target.ask(CLUSTER, "theirs", elsewhere.as_bytes()).status, 200);
    assert_eq!(target.ask(CLUSTER, "r", elsewhere.as_bytes()).status, 404);
    let post = |scope: &str| {
        let token = target.signed(&Target::with("scope", json!(scope)));
        let call = target.server.post("/ingest/results", "{}").header("Content-Type", "application/json");
        call.bearer(&token).send().status
    };
    assert_eq!([post("read"), post("write:"), post("write:any:more"), post("WRITE")], [403; 4]);
    assert_eq!([post("write"), post("write:any")], [200; 2]);
    still_works(&target);
}

#[test]
fn headers_that_are_no_single_token() {
    let target = Target::start();
    let good = target.signed(&Target::claims());
    let second = target.signed(&Target::with("org_id", json!(43)));
    let bytes = |lines: &str| lines.as_bytes().to_vec();
    for (row, lines, part) in [
        ("no header", Vec::new(), "an Authorization header with a bearer token is required"),
        (
            "two of them",
            bytes(&format!("Authorization: Bearer {good}\r\nAuthorization: Bearer {good}\r\n")),
            "more than one",
        ),
        (
            "two organizations",
            bytes(&format!("Authorization: Bearer {good}\r\nauthorization: Bearer {second}\r\n")),
            "more than one",
        ),
        (
            "one empty",
            bytes(&format!("Authorization: \r\nAuthorization: Bearer {good}\r\n")),
            "more than one",
        ),
        ("two in one", bytes(&format!("Authorization: Bearer {good}, Bearer {second}\r\n")), "the token"),
        ("an empty one", bytes("Authorization:\r\n"), "no bearer token"),
        ("no scheme", bytes(&format!("Authorization: {good}\r\n")), "no bearer token"),
        ("no token", bytes("Authorization: Bearer\r\n"), "no bearer token"),
        ("Basic", bytes("Authorization: Basic dXNlcjpwYXNz\r\n"), "no bearer token"),
        ("Basic with a token", bytes(&format!("Authorization: Basic {good}\r\n")), "no bearer token"),
        ("Digest", bytes("Authorization: Digest username=\"x\"\r\n"), "no bearer token"),
        ("DPoP", bytes(&format!("Authorization: DPoP {good}\r\n")), "no bearer token"),
        ("Negotiate", bytes("Authorization: Negotiate YIIB\r\n"), "no bearer token"),
        ("JWT", bytes(&format!("Authorization: JWT {good}\r\n")), "no bearer token"),
        ("Bearer:", bytes(&format!("Authorization: Bearer: {good}\r\n")), "no bearer token"),
        ("BearerX", bytes(&format!("Authorization: BearerX {good}\r\n")), "no bearer token"),
        ("a tab", bytes(&format!("Authorization: Bearer\t{good}\r\n")), "no bearer token"),
        ("another header", bytes(&format!("X-Authorization: Bearer {good}\r\n")), "is required"),
        ("a cookie", bytes(&format!("Cookie: Authorization=Bearer {good}; token={good}\r\n")), "is required"),
        ("a proxy's", bytes(&format!("Proxy-Authorization: Bearer {good}\r\n")), "is required"),
        (
            "the gateway's",
            bytes(&format!("x-rh-identity: {}\r\n", STANDARD.encode(r#"{"identity":{"org_id":"42"}}"#))),
            "is required",
        ),
        (
            "bytes that are no UTF-8",
            b"Authorization: Bearer \xff\xfe.\xc3\x28.\xa0\xa1\r\n".to_vec(),
            "no bearer token",
        ),
        ("a scheme that is no UTF-8", b"Authorization: B\xe9arer abc\r\n".to_vec(), "no bearer token"),
        (
            "an opaque token",
            bytes("Authorization: Bearer 2YotnFZFEjr1zCsicMWpAA\r\n"),
            "not a JSON Web Token",
        ),
        (
            "9000 characters",
            bytes(&format!("Authorization: Bearer {}\r\n", "x".repeat(9000))),
            "longer than 8192",
        ),
    ] {
        let answer = target.ask(CLUSTER, "r", &lines);
        assert_eq!(answer.status, 401, "{row}: {answer:?}");
        check_refusal(row, &answer, part);
    }
    let in_query = exchange(
        target.server.address(),
        format!("GET /cluster/{CLUSTER}/request/r/status?access_token={good} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            .as_bytes(),
    );
    assert_eq!(in_query.unwrap().status, 401, "a token in the query ends up in logs");
    // A head of a mebibyte never reaches our code: the web server refuses it, or breaks the connection off.
    let huge = format!("GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\r\n", "x".repeat(1 << 20));
    match exchange(target.server.address(), huge.as_bytes()) {
        Ok(answer) => assert!((400..500).contains(&answer.status), "{answer:?}"),
        Err(error) => assert!(
            [std::io::ErrorKind::ConnectionReset, std::io::ErrorKind::UnexpectedEof].contains(&error.kind()),
            "{error}"
        ),
    }
    still_works(&target);
}

#[test]
fn other_spellings_of_base64() {
    let target = Target::start();
    // A token whose parts have letters that the alphabets write in different ways.
    let claims = Target::with("sub", json!("\u{fbff}?>~\u{ffff}???>>>~~~"));
    let good = target.signed(&claims);
    assert_eq!(target.try_token(&good).status, 200);
    let [header, payload, signature] = good.split('.').collect::<Vec<_>>()[..] else { panic!("{good}") };
    let standard = |part: &str| part.replace('-', "+").replace('_', "/");
    assert_ne!(standard(payload), payload);
    let mut last = signature.to_owned();
    // The last letter of 256 bytes has bits that mean nothing: 'A', 'Q', 'g' and 'w' have none of them set.
    let end = last.pop().unwrap();
    last.push(char::from(end as u8 + 1));
    for (row, token) in [
        ("padded header", format!("{header}=.{payload}.{signature}")),
        ("padded payload", format!("{header}.{payload}==.{signature}")),
        ("padded signature", format!("{header}.{payload}.{signature}==")),
        ("the standard alphabet", format!("{header}.{}.{signature}", standard(payload))),
        ("the standard alphabet in the signature", format!("{header}.{payload}.{}", standard(signature))),
        ("bits that mean nothing", format!("{header}.{payload}.{last}")),
        ("a space inside", format!("{header}.{payload} .{signature}")),
        ("percent signs", format!("{header}%2E{payload}%2E{signature}")),
        ("a fourth part", format!("{good}.")),
        ("an empty first part", format!(".{good}")),
        ("five parts", format!("{good}.{signature}.{signature}")),
        ("hexadecimal", "7b7d.7b7d.7b7d".to_owned()),
        ("no JSON", format!("{}.{payload}.{signature}", URL_SAFE_NO_PAD.encode("alg: RS256"))),
        (
            "no UTF-8 in JSON",
            format!("{}.{payload}.{signature}", URL_SAFE_NO_PAD.encode(b"{\"alg\":\"\xff\"}")),
        ),
        ("deep JSON", format!("{header}.{}.{signature}", URL_SAFE_NO_PAD.encode("[".repeat(5000)))),
    ] {
        if row == "the standard alphabet in the signature" && standard(signature) == signature {
            continue;
        }
        target.refuses(row, &token, "the token");
    }
    still_works(&target);
}
