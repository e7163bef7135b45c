//! `gathering token`: what it mints is what `gathering serve` takes.

mod keys;

use gathering_tests::{CLUSTER, Message, Program};

use crate::{refused, secret};

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
    for settings in
        [&["auth.scopes.read=[\"view\"]"][..], &["auth.claims.scope=roles", "auth.scopes.absent=nothing"]]
    {
        let run = inspect(&good, settings).ok();
        let last = "the token is good, and lets in nothing: none of its scopes permits anything here";
        assert_eq!(run.last_line(), last, "{settings:?}");
    }
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
            &["auth.algorithms=[\"HS512\"]"],
            "the token's algorithm is not accepted",
            "alg HS512",
        ),
    ] {
        let run = inspect(&token, settings);
        assert_eq!(run.code, Some(1), "{run:?}");
        assert_eq!(run.stderr.trim_end(), format!("gathering: the token is refused: {sentence}"));
        assert!(run.last_line().starts_with("expected") && run.last_line().contains(expected), "{run:?}");
    }
    inspect(&format!("authorization: bearer {good}"), &[]).ok();
    assert!(refused(&inspect("", &[]), 2).starts_with("there is no token"));
    for nonsense in ["nonsense", "a.b.c"] {
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
fn algorithms_that_are_allowed_are_those_that_sign() {
    let program = Program::new();
    let secret = secret(&program);
    let with = |arguments: &[&str], algorithms: &str| {
        let setting = format!("auth.algorithms={algorithms}");
        program.run(&[arguments, &["--set", &secret, "--set", &setting]].concat())
    };
    let token = with(&["token", "--org", "42"], "[\"RS256\",\"HS512\"]").ok().stdout;
    let run = with(&["token", "inspect", token.trim()], "[\"HS512\"]").ok();
    assert!(run.stdout.contains("alg         HS512"), "{run:?}");
    assert!(refused(&with(&["token", "--org", "42"], "[\"ES256\"]"), 2).contains("signing key is for none"));
    for command in [&["serve"][..], &["config", "--check"]] {
        let run = with(command, "[\"ES256\", \"RS256\"]");
        assert!(
            refused(&run, 2).contains("no configured key is for one of the algorithms [ES256, RS256]"),
            "{run:?}"
        );
    }
}

#[test]
fn a_token_in_the_wrong_place_is_not_repeated() {
    let program = Program::new();
    let token = "eyJhbGciOiJIUzI1NiJ9.eyJvcmdfaWQiOiI0MiJ9.c2lnbmF0dXJl";
    for arguments in [
        &["token", token][..],
        &["token", "Bearer", token],
        &["token", "--org", token],
        &["token", "--org", "42", token],
        &["token", "inspect", "--token", token],
        &["token", "inspect", &format!("--token={token}")],
        &[token],
        &["serve", token],
    ] {
        let run = program.run(arguments);
        assert_eq!(run.code, Some(2), "{run:?}");
        assert!(!run.stderr.contains("c2lnbmF0dXJl") && !run.stderr.is_empty(), "{run:?}");
    }
    // The header pasted as it is, without quotes.
    let run = program.run(&["token", "inspect", "Bearer", token]);
    assert!(run.stdout.contains("alg         HS256"), "{run:?}");
}

#[test]
fn a_proxy_of_the_environment_does_not_speak_for_this_machine() {
    use gathering_auth::testing::TestKey;
    use gathering_tests::KeyServer;
    let (program, provider, elsewhere) = (Program::new(), KeyServer::start(), KeyServer::start());
    let key = TestKey::p256();
    provider.publish("/keys", &[key.jwk("one")]);
    program.file("private.pem", &key.private_pem);
    let mint = ["token", "--org", "42", "--private-key-file", "private.pem", "--key-id", "one"];
    let token = program.run(&mint).ok().stdout;
    let setting = format!("auth.keys.jwks_url={}", provider.url("/keys"));
    let mut command = program.command(&["token", "inspect", token.trim(), "--set", &setting]);
    for name in ["ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "all_proxy"] {
        command.env(name, elsewhere.url(""));
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(provider.asked("/keys"), 1);
}

#[test]
fn keys_come_through_the_proxy_for_https_and_no_other() {
    use gathering_tests::KeyServer;
    let program = Program::new();
    program.file("hmac.key", "a secret of more than thirty-two bytes");
    let token = program.run(&["token", "--org", "42", "--hmac-secret-file", "hmac.key"]).ok().stdout;
    // An address of this machine that is not its loopback address. Nobody listens there.
    let authority = "0.0.0.0:1";
    let setting = format!("auth.keys.jwks_url=https://{authority}/keys");
    let asked = |variables: &[(&str, &str)]| {
        let proxy = KeyServer::start();
        let mut command = program.command(&["token", "inspect", token.trim(), "--set", &setting]);
        for (name, value) in variables {
            command.env(name, value.replace("PROXY", &proxy.url("")));
        }
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        proxy.asked(authority)
    };
    for (variables, is_asked) in [
        (&[("HTTPS_PROXY", "PROXY")][..], true),
        (&[("https_proxy", "PROXY")], true),
        (&[("HTTP_PROXY", "PROXY"), ("http_proxy", "PROXY")], false),
        (&[("HTTPS_PROXY", "PROXY"), ("NO_PROXY", "example.com, 0.0.0.0")], false),
        (&[("HTTPS_PROXY", "PROXY"), ("NO_PROXY", "example.com, 0.0.0.0/8")], false),
        (&[("HTTPS_PROXY", "PROXY"), ("no_proxy", "0.0.0.0:1")], false),
        (&[("HTTPS_PROXY", "PROXY"), ("NO_PROXY", "0.0.0.0:2")], true),
        (&[("HTTPS_PROXY", "PROXY"), ("NO_PROXY", "*")], false),
    ] {
        assert_eq!(asked(variables) > 0, is_asked, "{variables:?}");
    }
}

#[test]
fn tokens_are_minted_and_told_in_the_claims_of_their_issuer() {
    let program = Program::new();
    program.file("hmac.key", "a secret of more than thirty-two bytes");
    let issuers = "auth.issuers=[{issuer=\"a\",keys={hmac_secret_file=\"hmac.key\"}},\
                   {issuer=\"b\",keys={hmac_secret_file=\"hmac.key\"},\
                   claims={organization=\"/organization/id\",cluster=\"/organization/cluster\",scope=\"https://example.com/scope\"},\
                   scopes={read=[\"editor\",\"viewer\"],write=[\"editor\"],write_any=[]}}]";
    let run = |arguments: &[&str], settings: &[&str]| {
        let settings = [&[issuers], settings].concat();
        let settings: Vec<_> = settings.iter().flat_map(|setting| ["--set", setting]).collect();
        program.run(&[arguments, &settings].concat())
    };
    let mint = |arguments: &[&str]| run(&[&["token", "--org", "42", "--issuer"], arguments].concat(), &[]);
    let message = Message::new(42, CLUSTER, "a").to_string();
    program.run_with_input(&["import", "results", "-"], message.as_bytes()).ok();
    let running = program.serve(&["serve", "--set", issuers]);
    for (arguments, expected, lines) in [
        (&["a", "--cluster", CLUSTER][..], 200, ["org_id      42", "scope       read"]),
        (&["b", "--cluster", CLUSTER], 200, ["/organization/id 42", "https://example.com/scope read"]),
        (&["b", "--cluster", OTHER], 403, ["/organization/id 42", "https://example.com/scope read"]),
        (
            &["b", "--scope", "write,read"],
            200,
            ["/organization/id 42", "https://example.com/scope read write"],
        ),
    ] {
        let token = mint(arguments).ok().stdout;
        let told = run(&["token", "inspect", token.trim()], &[]).ok().stdout;
        for line in lines {
            assert!(told.lines().any(|shown| shown == line), "{line}: {told}");
        }
        let call = running.call("GET", &format!("/cluster/{CLUSTER}/request/a/status"));
        assert_eq!(call.bearer(token.trim()).send().status, expected, "{told}");
    }
    // A writer that may not read has no word, and nobody may write for all.
    for (scope, missing) in [("write", "write and no more"), ("read,write:any", "write:any and no more")] {
        let run = mint(&["b", "--scope", scope]);
        let refusal = refused(&run, 2);
        assert!(refusal.starts_with("auth.scopes has no word") && refusal.contains(missing), "{refusal}");
    }
    let run = program.run(&[
        "token",
        "--org",
        "42",
        "--subject",
        "me",
        "--hmac-secret-file",
        "hmac.key",
        "--set",
        "auth.claims.organization=/sub/org",
    ]);
    assert!(refused(&run, 2).starts_with("auth.claims names places that no token can have"), "{run:?}");
    // A file of another mode may say what tokens for others look like. Whoever serves with it is told that it does not count.
    let other_mode = ["--set", "auth.mode=identity-header", "--set", "auth.claims.organization=org"];
    let minted = ["token", "--org", "42", "--hmac-secret-file", "hmac.key"];
    program.run(&[&minted[..], &other_mode].concat()).ok();
    let run = program.run(&[&["serve"], &other_mode[..]].concat());
    assert!(refused(&run, 2).contains("it counts in auth.mode = \"jwt\" only"), "{run:?}");
}
