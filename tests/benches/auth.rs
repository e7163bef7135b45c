//! What it costs to verify callers: status polls with tokens of RS256, with and without the cache of verified tokens, as a
//! ratio to polls that need no token, in one run. And whether the time that a refusal takes tells if the signature was
//! right. `make bench-auth` runs it with a release build.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

use gathering_auth::Algorithm;
use gathering_auth::testing::{TestKey, hmac, token_of_parts};
use gathering_tests::{CLUSTER, Calls, Load, Message, Program, Running, median};
use serde_json::{Value, json};

/// Different tokens, each of another subject.
const TOKENS: usize = 1000;
const ROUNDS: usize = 5;
const LOAD: Load = Load { connections: 64, seconds: 4, rest: 0.0 };
/// Refusals of each kind whose time is taken.
const REFUSALS: usize = 20_000;
const SECRET: &str = "a secret of more than thirty-two bytes";

fn path() -> String {
    format!("/cluster/{CLUSTER}/request/r/status")
}

fn now() -> u64 {
    std::time::UNIX_EPOCH.elapsed().unwrap().as_secs()
}

/// Claims as a provider fills them in: with more than this service reads.
fn claims(subject: usize) -> Value {
    json!({
        "org_id": "42", "exp": now() + 3600, "iat": now(), "nbf": now(), "jti": format!("token-{subject}"),
        "iss": "https://sso.example.com/realms/clusters", "aud": ["gathering", "other-service"],
        "sub": format!("cluster-{subject}"), "scope": "openid profile read", "azp": "insights-operator",
        "realm_access": {"roles": ["offline_access", "uma_authorization", "default-roles"]},
        "preferred_username": format!("service-account-cluster-{subject}")
    })
}

fn serve(program: &Program, settings: &[&str]) -> Running {
    let mut arguments = vec!["serve"];
    for setting in settings {
        arguments.extend(["--set", setting]);
    }
    program.serve(&arguments)
}

/// Polls a second, with these tokens in turn.
fn load(address: SocketAddr, tokens: &[String]) -> f64 {
    let calls = Calls::new(tokens.iter().map(|token| (path(), token.clone())));
    let measured = LOAD.get(address, &calls);
    assert!(measured.other_than_found <= 0.0, "{measured:?}");
    measured.rate
}

fn throughput(program: &Program, key: &TestKey) {
    let tokens: Vec<String> =
        (0..TOKENS).map(|subject| key.token_of(Algorithm::RS256, Some("one"), &claims(subject))).collect();
    println!(
        "{TOKENS} tokens of {} characters, {ROUNDS} rounds of {} s, {} connections",
        tokens[0].len(),
        LOAD.seconds,
        LOAD.connections
    );
    let verifying = ["auth.keys.jwks_file=jwks.json", "auth.audience=gathering"];
    let servers = [
        (
            "nobody is asked (disabled)",
            serve(program, &["auth.mode=disabled", "auth.disabled_org=42"]),
            vec![String::new()],
        ),
        ("RS256, verified tokens remembered", serve(program, &verifying), tokens.clone()),
        (
            "RS256, each verified each time",
            serve(program, &[&verifying[..], &["auth.token_cache=0"]].concat()),
            tokens,
        ),
    ];
    let mut rates = [const { Vec::new() }; 3];
    for _ in 0..ROUNDS {
        for (rates, (_, running, tokens)) in rates.iter_mut().zip(&servers) {
            rates.push(load(running.api_address(), tokens));
        }
    }
    let reference = median(rates[0].clone()).0;
    for (rates, (name, ..)) in rates.into_iter().zip(&servers) {
        let (middle, low, high) = median(rates);
        println!("{name:<36} {middle:>8.0}/s (from {low:.0} to {high:.0})   {:.2}", middle / reference);
    }
}

/// How long one refusal takes, in microseconds, on a connection that stays.
fn refusal(stream: &mut BufReader<TcpStream>, request: &[u8]) -> f64 {
    let started = Instant::now();
    stream.get_mut().write_all(request).unwrap();
    let mut line = String::new();
    stream.read_line(&mut line).unwrap();
    let took = started.elapsed().as_secs_f64() * 1e6;
    assert!(line.starts_with("HTTP/1.1 401"), "{line}");
    let mut length = 0;
    while line != "\r\n" {
        line.clear();
        stream.read_line(&mut line).unwrap();
        if let Some(value) = line.to_lowercase().strip_prefix("content-length: ") {
            length = value.trim().parse().unwrap();
        }
    }
    stream.read_exact(&mut vec![0; length]).unwrap();
    took
}

/// Takes the time of two kinds of refused tokens in turn, and prints by how much they differ.
fn timing(name: &str, address: SocketAddr, right: &str, wrong: &str) {
    let mut stream = BufReader::new(TcpStream::connect(address).unwrap());
    stream.get_ref().set_nodelay(true).unwrap();
    let request =
        |token: &str| format!("GET {} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n", path());
    let requests = [request(right), request(wrong)];
    let mut times = [const { Vec::new() }; 2];
    for round in 0..REFUSALS {
        // Which comes first changes, so that neither has an advantage of it.
        for kind in if round % 2 == 0 { [0, 1] } else { [1, 0] } {
            times[kind].push(refusal(&mut stream, requests[kind].as_bytes()));
        }
    }
    // In the first ones everything is cold.
    let quartiles = times.map(|mut times| {
        times.drain(..REFUSALS / 10);
        times.sort_by(f64::total_cmp);
        [times[times.len() / 4], times[times.len() / 2], times[times.len() * 3 / 4]]
    });
    let [[low, right, high], [_, wrong, _]] = quartiles;
    println!(
        "{name:<8} right signature, expired {right:.2} µs, wrong signature {wrong:.2} µs: ratio {:.3}; half of them lie within {:.2} µs",
        right / wrong,
        high - low
    );
}

fn main() {
    let (program, key) = (Program::new(), TestKey::rsa());
    program.file("jwks.json", json!({"keys": [key.jwk("one")]}).to_string());
    program.file("hmac.key", SECRET);
    let message = Message::new(42, CLUSTER, "r").to_string();
    program.run_with_input(&["import", "results", "-"], message.as_bytes()).ok();
    throughput(&program, &key);

    let running = serve(&program, &["auth.keys.jwks_file=jwks.json", "auth.keys.hmac_secret_file=hmac.key"]);
    let mut expired = claims(0);
    expired["exp"] = json!(now() - 3600);
    let other = TestKey::rsa();
    let by = |key: &TestKey| key.token_of(Algorithm::RS256, Some("one"), &expired);
    println!("refusals, medians of {REFUSALS} each, taken in turn");
    timing("RS256", running.api_address(), &by(&key), &by(&other));
    let by = |secret: &str| {
        token_of_parts(r#"{"alg":"HS256"}"#, expired.to_string().as_bytes(), |text| {
            hmac(Algorithm::HS256, secret.as_bytes(), text)
        })
    };
    let wrong = "another secret of more than thirty-two bytes";
    timing("HS256", running.api_address(), &by(SECRET), &by(wrong));
}
