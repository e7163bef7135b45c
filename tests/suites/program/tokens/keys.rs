//! The keys that tokens are signed with.

use gathering_tests::Program;

use crate::refused;

#[test]
fn a_secret_is_followed_by_another_with_no_token_refused() {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let program = Program::new();
    let (old, new) = ("the old secret, of 32 bytes or more", "the new secret, of 32 bytes or more");
    program.file("old.key", old);
    program.file("new.key", new);
    let named = serde_json::json!({"kty": "oct", "kid": "new", "k": URL_SAFE_NO_PAD.encode(new)});
    program.file("jwks.json", serde_json::json!({"keys": [named]}).to_string());
    let mint = |arguments: &[&str]| {
        program.run(&[&["token", "--org", "42"], arguments].concat()).ok().stdout.trim().to_owned()
    };
    let by_old = mint(&["--hmac-secret-file", "old.key"]);
    let by_new = mint(&["--hmac-secret-file", "new.key", "--key-id", "new"]);
    let is_good = |token: &str, settings: &[&str]| {
        let settings = settings.iter().flat_map(|setting| ["--set", setting]);
        let all: Vec<&str> = ["token", "inspect", token].into_iter().chain(settings).collect();
        program.run(&all).code == Some(0)
    };
    let (secret, set) = ("auth.keys.hmac_secret_file=old.key", "auth.keys.jwks_file=jwks.json");
    assert!(is_good(&by_old, &[secret]) && !is_good(&by_new, &[secret]));
    assert!(is_good(&by_old, &[secret, set]) && is_good(&by_new, &[secret, set]));
    assert!(!is_good(&by_old, &[set]) && is_good(&by_new, &[set]));
}

#[test]
fn a_private_key_signs_for_one_of_several_issuers() {
    use gathering_auth::testing::TestKey;
    let (program, key) = (Program::new(), TestKey::p256());
    program.file("private.pem", &key.private_pem);
    program.file("jwks.json", serde_json::json!({"keys": [key.jwk("one")]}).to_string());
    let issuers = "auth.issuers=[{issuer=\"a\",audience=\"x\",keys={jwks_file=\"jwks.json\"}},\
                   {issuer=\"b\",keys={jwks_file=\"jwks.json\"}}]";
    let mint = |issuer: &[&str]| {
        let start = [
            "token",
            "--org",
            "42",
            "--private-key-file",
            "private.pem",
            "--key-id",
            "one",
            "--set",
            issuers,
        ];
        program.run(&[&start[..], issuer].concat())
    };
    let token = mint(&["--issuer", "a"]).ok().stdout;
    let run = program.run_with_input(&["token", "inspect", "--set", issuers], token.as_bytes()).ok();
    for line in ["alg         ES256", "kid         one", "iss         a", "aud         x"] {
        assert!(run.stdout.lines().any(|shown| shown == line), "{line}: {run:?}");
    }
    assert!(refused(&mint(&[]), 2).contains("say with --issuer"));
    assert!(refused(&mint(&["--issuer", "c"]), 2).contains("none of the configured issuers"));
}

#[test]
fn key_files_that_cannot_be_used_say_why() {
    let program = Program::new();
    program.file("short.key", "too short");
    program.file("pem.key", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n");
    for (file, part) in [
        ("short.key", "holds fewer than 32 bytes"),
        ("pem.key", "holds a PEM key"),
        ("none", "cannot be read"),
    ] {
        let run = program.run(&["token", "--org", "1", "--hmac-secret-file", file]);
        assert!(refused(&run, 2).contains(part), "{run:?}");
        let run = program.run(&["serve", "--set", &format!("auth.keys.hmac_secret_file={file}")]);
        assert!(refused(&run, 2).contains(part), "{run:?}");
    }
    let run = program.run(&["serve", "--set", "auth.keys.public_key_files=[\"pem.key\"]"]);
    assert!(refused(&run, 2).contains("holds no public key in PEM of RSA"), "{run:?}");
    let run = program.run(&["token", "--org", "1", "--private-key-file", "pem.key"]);
    assert!(refused(&run, 2).contains("holds no private key in PEM"), "{run:?}");
}
