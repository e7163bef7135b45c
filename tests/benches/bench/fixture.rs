//! What all measurements share: a program with everything on, callers with tokens, messages, and rule content.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use gathering_auth::Algorithm;
use gathering_auth::testing::TestKey;
use gathering_tests::{Calls, Load, Message, Program, Running};
use serde_json::json;

const TOKENS: usize = 1_000;
/// Calls that are put together before a measurement, and made in turn.
const CALLS: usize = 50_000;
pub(crate) const HITS: usize = 10;

/// The surroundings of all measurements.
pub(crate) struct Bench {
    pub(crate) program: Program,
    tokens: Vec<String>,
    pub(crate) writer: String,
    /// Little time for each: a look, not a record.
    pub(crate) is_quick: bool,
    pub(crate) load: Load,
    pub(crate) rounds: usize,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let is_quick = std::env::var_os("QUICK").is_some_and(|value| !value.is_empty());
        let (program, key) = (Program::new(), TestKey::rsa());
        program.file("jwks.json", json!({"keys": [key.jwk("one")]}).to_string());
        content(&program);
        let now = std::time::UNIX_EPOCH.elapsed().expect("after 1970").as_secs();
        let token = |subject: usize, scope: &str| {
            let claims = json!({
                "org_id": "42", "exp": now + 360_000, "iat": now, "iss": "https://sso.example.com/realms/clusters",
                "aud": ["gathering", "other-service"], "sub": format!("cluster-{subject}"), "scope": scope,
                "realm_access": {"roles": ["offline_access", "uma_authorization", "default-roles"]}
            });
            key.token_of(Algorithm::RS256, Some("one"), &claims)
        };
        Self {
            tokens: (0..TOKENS).map(|subject| token(subject, "openid read")).collect(),
            writer: token(0, "write"),
            program,
            is_quick,
            load: Load { connections: 64, seconds: if is_quick { 1 } else { 4 }, rest: 0.0 },
            rounds: if is_quick { 3 } else { 5 },
        }
    }

    /// The service with everything on, and these settings beside.
    pub(crate) fn serve(&self, url: &str, settings: &[&str]) -> Running {
        let storage = format!("storage.url={url}");
        let usual = [&storage, "auth.keys.jwks_file=jwks.json", "auth.audience=gathering"];
        let settings = usual.iter().chain(settings).flat_map(|setting| ["--set", setting]);
        self.program.serve(&std::iter::once("serve").chain(settings).collect::<Vec<_>>())
    }

    /// Records rule content and messages, one a line.
    pub(crate) fn import(&self, url: &str, lines: &str) {
        let storage = format!("storage.url={url}");
        self.program.run(&["import", "content", "content", "--set", &storage]).ok();
        let arguments = ["import", "results", "-", "--set", &storage];
        self.program.run_with_input(&arguments, lines.as_bytes()).ok();
    }

    /// Calls of these paths, each with the next token.
    pub(crate) fn calls(&self, paths: impl Iterator<Item = String>) -> Calls {
        Calls::new(paths.take(CALLS).zip(self.tokens.iter().cycle().cloned()))
    }

    /// Status polls of random requests of 0 to `range`.
    pub(crate) fn status(&self, range: usize, clusters: usize) -> Calls {
        self.calls(numbers().map(move |number| path(number % range, clusters, "status")))
    }
}

pub(crate) fn path(number: usize, clusters: usize, what: &str) -> String {
    format!("/cluster/{}/request/{}/{what}", cluster(number, clusters), request(number))
}

pub(crate) fn cluster(number: usize, clusters: usize) -> String {
    format!("00000000-0000-4000-8000-{:012x}", number % clusters)
}

pub(crate) fn request(number: usize) -> String {
    format!("{number:032x}")
}

/// A sequence that looks random and is the same each time (a linear congruential generator, Knuth's constants).
pub(crate) fn numbers() -> impl Iterator<Item = usize> {
    std::iter::successors(Some(42_u64), |last| {
        Some(last.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407))
    })
    .map(|number| usize::try_from(number >> 33).expect("31 bits"))
}

pub(crate) fn hit(number: usize) -> String {
    format!("bench_rules.external.rules.rule_number_{number}|BENCH_ERROR_{number}")
}

pub(crate) fn message(number: usize, clusters: usize, hits: usize) -> Message {
    let message = Message::new(42, &cluster(number, clusters), &request(number));
    (0..hits).fold(message, |message, number| message.hit(&hit(number)))
}

/// A tree of rule content for the hits.
fn content(program: &Program) {
    program.file("content/config.yaml", "impact:\n  High: 3\nresolution_risk:\n  Low: 1\n");
    program.file("content/internal/.keep", "");
    for number in 0..HITS {
        let rule = format!("content/external/rule_number_{number}");
        let module = format!("bench_rules.external.rules.rule_number_{number}");
        program.file(
            &format!("{rule}/plugin.yaml"),
            format!("name: rule\nnode_id: ''\nproduct_code: x\npython_module: {module}\n"),
        );
        for (name, text) in [
            ("generic.md", "What is to be done about this finding, in some words.\n".repeat(4)),
            ("reason.md", "Why.".to_owned()),
        ] {
            program.file(&format!("{rule}/BENCH_ERROR_{number}/{name}"), text);
        }
        program.file(
            &format!("{rule}/BENCH_ERROR_{number}/metadata.yaml"),
            "description: A finding\nimpact: High\nlikelihood: 2\npublish_date: ''\nresolution_risk: Low\nstatus: active\ntags: []\n",
        );
    }
}

/// A bare handler on the same web server.
pub(crate) struct Ceiling {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Ceiling {
    pub(crate) fn start() -> Self {
        let program = std::env::var_os("GATHERING_CEILING").expect("make bench says where the ceiling is");
        let mut child = Command::new(program).stdout(Stdio::piped()).spawn().expect("the ceiling starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("an address");
        Self { child, address: line.trim().parse().expect("an address") }
    }
}

impl Drop for Ceiling {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
