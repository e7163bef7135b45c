//! `gathering token`: what it mints is what `gathering serve` takes.

use gathering_tests::{Message, Program};

use crate::{refused, secret};

const CLUSTER: &str = "5d5892d3-1f74-4ccf-91af-548dfc9767aa";
const OTHER: &str = "6d5892d3-1f74-4ccf-91af-548dfc9767aa";

#[test]
fn a_token_opens_what_it_says() {
    let program = Program::new();
    let secret = secret(&program);
    let message = Message::new(42, CLUSTER, "a").to_string();
    program.run_with_input(&["import", "results", "-"], message.as_bytes()).ok();
    let running = program.serve(&["serve", "--set", &secret]);
    let status = |arguments: &[&str], cluster: &str| {
        let all: Vec<&str> =
            ["token", "--set", &secret].into_iter().chain(arguments.iter().copied()).collect();
        let token = program.run(&all).ok().stdout;
        assert_eq!((token.lines().count(), token.matches('.').count()), (1, 2), "{token}");
        running
            .call("GET", &format!("/cluster/{cluster}/request/a/status"))
            .bearer(token.trim_end())
            .send()
            .status
    };
    assert_eq!(status(&["--org", "42"], CLUSTER), 200);
    assert_eq!(status(&["--org", "43"], CLUSTER), 404);
    assert_eq!(status(&["--org", "42", "--cluster", CLUSTER], CLUSTER), 200);
    assert_eq!(status(&["--org", "42", "--cluster", OTHER], CLUSTER), 403);
    assert_eq!(status(&["--org", "42", "--scope", "write"], CLUSTER), 403);
    assert_eq!(status(&["--org", "42", "--scope", "write,read", "--ttl", "1day"], CLUSTER), 200);
    let other = program.file("other.key", "another secret, 32 bytes or more!");
    let other = other.to_str().unwrap();
    assert_eq!(status(&["--org", "42", "--hmac-secret-file", other], CLUSTER), 401);
}

#[test]
fn a_token_is_explained_and_never_repeated() {
    let program = Program::new();
    let secret = secret(&program);
    let mint = |arguments: &[&str]| {
        let all: Vec<&str> =
            ["token", "--set", &secret].into_iter().chain(arguments.iter().copied()).collect();
        program.run(&all).ok().stdout.trim_end().to_owned()
    };
    let inspect = |token: &str, settings: &[&str]| {
        let settings = settings.iter().flat_map(|setting| ["--set", setting]);
        let all: Vec<&str> = ["token", "inspect", "--set", &secret].into_iter().chain(settings).collect();
        let run = program.run_with_input(&all, token.as_bytes());
        for part in token.split('.').filter(|part| part.len() > 8) {
            assert!(!run.stdout.contains(part) && !run.stderr.contains(part), "{run:?}");
        }
        run
    };
    let good = mint(&["--org", "42", "--cluster", CLUSTER, "--subject", "somebody", "--key-id", "one"]);
    let run = inspect(&good, &[]).ok();
    for line in
        ["alg         HS256", "kid         one", "sub         somebody", "org_id      42", "scope       read"]
    {
        assert!(run.stdout.lines().any(|shown| shown == line), "{line}: {run:?}");
    }
    assert!(run.stdout.contains(&format!("cluster_id  {CLUSTER}")), "{run:?}");
    assert_eq!(run.last_line(), "the token is good");
    inspect(&format!("Bearer {good}\n"), &[]).ok();
    program.run(&["token", "inspect", &good, "--set", &secret]).ok();

    let (signed, _) = good.rsplit_once('.').unwrap();
    for (token, settings, sentence, expected) in [
        (
            format!("{signed}.{}", "A".repeat(43)),
            &[][..],
            "the token's signature does not verify",
            "keys: one without a name",
        ),
        (good.clone(), &["auth.audience=gathering"], "the token is for another audience", "aud gathering"),
        (good.clone(), &["auth.issuer=https://sso"], "the token is of another issuer", "iss https://sso"),
        (
            good.clone(),
            &["auth.algorithms=[\"RS256\"]"],
            "the token's algorithm is not accepted",
            "alg RS256",
        ),
    ] {
        let run = inspect(&token, settings);
        assert_eq!(run.code, Some(1), "{run:?}");
        assert_eq!(run.stderr.trim_end(), format!("gathering: the token is refused: {sentence}"));
        assert!(run.last_line().starts_with("expected") && run.last_line().contains(expected), "{run:?}");
    }
    for nonsense in ["", "nonsense", "a.b.c"] {
        let run = inspect(nonsense, &[]);
        assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{run:?}");
        assert!(run.stderr.contains("not a JSON Web Token"), "{run:?}");
    }
    let run = program.run(&["token", "inspect", &good, "--set", "auth.mode=disabled"]);
    assert!(refused(&run, 2).starts_with("tokens count in auth.mode"), "{run:?}");
    let run = program.run(&["token", "--org", "42", "inspect", &good, "--set", &secret]);
    assert_eq!(run.code, Some(2), "{run:?}");
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
