//! Keys in files, which may change while the server runs.

use gathering_auth::Algorithm;
use gathering_auth::testing::TestKey;
use gathering_tests::{TestDatabase, TestServer};
use serde_json::json;

use crate::fixture::{Folder, NOW, claims, record, status};

fn ask(server: &TestServer, token: &str) -> u16 {
    server.get(&status()).bearer(token).send().status
}

#[test]
fn a_key_set_is_read_again_when_it_changes() {
    let (folder, old, new) = (Folder::new(), TestKey::p256(), TestKey::p256());
    let file = folder.key_set("jwks.json", &[old.jwk("old")]);
    let server = TestServer::builder(TestDatabase::sqlite())
        .without_secret()
        .set(&format!("auth.keys.jwks_file={file}"))
        .start();
    record(&server);
    let by_old = old.token_of(Algorithm::ES256, Some("old"), &claims());
    let by_new = new.token_of(Algorithm::ES256, Some("new"), &claims());
    assert_eq!((ask(&server, &by_old), ask(&server, &by_new)), (200, 401));

    folder.key_set("jwks.json", &[old.jwk("old"), new.jwk("new")]);
    server.until(|server| (ask(server, &by_new) == 200).then_some(()));
    assert_eq!(ask(&server, &by_old), 200, "both count");

    // What cannot be used changes nothing, and is not forgotten.
    folder.write("jwks.json", "{\"keys\": [");
    std::thread::sleep(std::time::Duration::from_millis(200));
    assert_eq!((ask(&server, &by_old), ask(&server, &by_new)), (200, 200));

    folder.key_set("jwks.json", &[new.jwk("new")]);
    server.until(|server| (ask(server, &by_old) == 401).then_some(()));
    assert_eq!(
        ask(&server, &by_new),
        200,
        "also a token that was remembered is refused once its key is gone"
    );
}

#[test]
fn a_broken_file_is_told_of_and_keeps_no_withdrawal_out() {
    let (folder, one, stolen) = (Folder::new(), TestKey::ed25519(), TestKey::p256());
    let pem = folder.write("key.pem", &one.public_pem);
    let set = folder.key_set("jwks.json", &[stolen.jwk("stolen"), TestKey::p256().jwk("other")]);
    let server = TestServer::builder(TestDatabase::sqlite())
        .without_secret()
        .set(&format!("auth.keys.public_key_files=[\"{pem}\"]"))
        .set(&format!("auth.keys.jwks_file={set}"))
        .start();
    record(&server);
    let by_stolen = stolen.token_of(Algorithm::ES256, Some("stolen"), &claims());
    assert_eq!(ask(&server, &by_stolen), 200);
    let unusable = "gathering_changed_files_unusable{files=\"keys\"}";
    assert_eq!(server.metric(unusable), 0);
    folder.write("key.pem", "broken");
    server.until(|server| (server.metric(unusable) == 1).then_some(()));
    assert_eq!(ask(&server, &one.token(Algorithm::EdDSA, &claims())), 200, "its key stays");
    folder.key_set("jwks.json", &[TestKey::p256().jwk("other")]);
    server.until(|server| (ask(server, &by_stolen) == 401).then_some(()));
    folder.write("key.pem", &one.public_pem);
    server.until(|server| (server.metric(unusable) == 0).then_some(()));
}

#[test]
fn secrets_and_public_keys_are_read_again_too() {
    let (folder, old, new) = (Folder::new(), TestKey::ed25519(), TestKey::ed25519());
    let file = folder.write("key.pem", &old.public_pem);
    let server = TestServer::builder(TestDatabase::sqlite())
        .set(&format!("auth.keys.public_key_files=[\"{file}\"]"))
        .start();
    record(&server);
    let by_new = new.token(Algorithm::EdDSA, &claims());
    let by_secret = server.token(42);
    assert_eq!((ask(&server, &by_new), ask(&server, &by_secret)), (401, 200));
    folder.write("key.pem", &new.public_pem);
    server.until(|server| (ask(server, &by_new) == 200).then_some(()));
    std::fs::write(server.secret_file(), "another secret of more than thirty-two bytes").unwrap();
    server.until(|server| (ask(server, &by_secret) == 401).then_some(()));
    assert_eq!(ask(&server, &server.token(42)), 200);
}

#[test]
fn several_issuers_do_not_speak_for_each_other() {
    let (folder, one, two) = (Folder::new(), TestKey::p256(), TestKey::p256());
    let first = folder.key_set("one.json", &[one.jwk("k")]);
    let second = folder.key_set("two.json", &[two.jwk("k")]);
    let server = TestServer::builder(TestDatabase::sqlite())
        .without_secret()
        .set(&format!(
            "auth.issuers=[{{issuer=\"one\",audience=\"a\",keys={{jwks_file=\"{first}\"}}}},\
             {{issuer=\"two\",algorithms=[\"ES256\"],keys={{jwks_file=\"{second}\"}}}}]"
        ))
        .start();
    record(&server);
    let token = |key: &TestKey, issuer: &str, audience: &str| {
        let claims = json!({"org_id": 42, "exp": NOW + 60, "iss": issuer, "aud": audience});
        key.token_of(Algorithm::ES256, Some("k"), &claims)
    };
    assert_eq!(ask(&server, &token(&one, "one", "a")), 200);
    assert_eq!(ask(&server, &token(&two, "two", "whatever")), 200);
    for (row, token) in [
        ("the other's key", token(&two, "one", "a")),
        ("the other's key", token(&one, "two", "a")),
        ("another audience", token(&one, "one", "b")),
        ("nobody", token(&one, "three", "a")),
    ] {
        assert_eq!(ask(&server, &token), 401, "{row}");
    }
    assert_eq!(server.metric("gathering_auth_keys{issuer=\"one\"}"), 1);
}
