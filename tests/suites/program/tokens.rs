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
