//! How many questions a second are answered, with everything on: tokens of RS256, 1,000 different ones, metrics, request
//! IDs, the default log. Each row is a ratio to the ceiling, a bare handler on the same web server, measured in the same run.
//! `make bench` runs it with release builds; `make bench QUICK=1` takes two minutes or so.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use gathering_auth::Algorithm;
use gathering_auth::testing::TestKey;
use gathering_tests::{Load, Measured, Message, Program, Running, TestDatabase, median};
use serde_json::json;

const TOKENS: usize = 1_000;
const RECORDS: usize = 100_000;
const CLUSTERS: usize = 5_000;
/// Calls that are put together before a measurement, and made in turn.
const CALLS: usize = 50_000;
const HITS: usize = 10;
const LISTED: usize = 50;
const LISTED_CLUSTER: &str = "99999999-0000-4000-8000-000000000000";

fn is_quick() -> bool {
    std::env::var_os("QUICK").is_some_and(|value| !value.is_empty())
}

fn cluster(number: usize) -> String {
    format!("00000000-0000-4000-8000-{:012x}", number % CLUSTERS)
}

fn hit(number: usize) -> String {
    format!("bench_rules.external.rules.rule_number_{number}|BENCH_ERROR_{number}")
}

/// A sequence that looks random and is the same each time (a linear congruential generator, Knuth's constants).
fn numbers() -> impl Iterator<Item = usize> {
    std::iter::successors(Some(42_u64), |last| {
        Some(last.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407))
    })
    .map(|number| usize::try_from(number >> 33).expect("31 bits"))
}

fn tokens(key: &TestKey) -> Vec<String> {
    let now = std::time::UNIX_EPOCH.elapsed().expect("after 1970").as_secs();
    let token = |subject: usize| {
        let claims = json!({
            "org_id": "42", "exp": now + 36_000, "iat": now, "iss": "https://sso.example.com/realms/clusters",
            "aud": ["gathering", "other-service"], "sub": format!("cluster-{subject}"), "scope": "openid read",
            "realm_access": {"roles": ["offline_access", "uma_authorization", "default-roles"]}
        });
        key.token_of(Algorithm::RS256, Some("one"), &claims)
    };
    (0..TOKENS).map(token).collect()
}

fn messages() -> String {
    let mut lines = String::new();
    for number in 0..RECORDS {
        let message = Message::new(42, &cluster(number), &format!("{number:032x}"));
        let message = (0..HITS).fold(message, |message, number| message.hit(&hit(number)));
        lines += &message.to_string();
        lines.push('\n');
    }
    for number in 0..LISTED {
        lines += &Message::new(42, LISTED_CLUSTER, &format!("{number:032x}")).to_string();
        lines.push('\n');
    }
    lines
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
struct Ceiling(Child, SocketAddr);

impl Ceiling {
    fn start() -> Self {
        let program = std::env::var_os("GATHERING_CEILING").expect("make bench says where the ceiling is");
        let mut child = Command::new(program).stdout(Stdio::piped()).spawn().expect("the ceiling starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("an address");
        let address = line.trim().parse().expect("an address");
        Self(child, address)
    }
}

impl Drop for Ceiling {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

struct Served {
    name: &'static str,
    running: Running,
}

fn serve(program: &Program, name: &'static str, url: &str, lines: &str) -> Served {
    let storage = format!("storage.url={url}");
    program.run(&["import", "content", "content", "--set", &storage]).ok();
    let run = program.run_with_input(&["import", "results", "-", "--set", &storage], lines.as_bytes()).ok();
    eprintln!("{name}: {}", run.last_line());
    let settings = [&storage, "auth.keys.jwks_file=jwks.json", "auth.audience=gathering"];
    let all: Vec<&str> = settings.into_iter().flat_map(|setting| ["--set", setting]).collect();
    Served { name, running: program.serve(&[&["serve"][..], &all].concat()) }
}

/// A kind of question: its name, and the paths that it asks, in turn.
fn questions() -> Vec<(&'static str, Vec<String>)> {
    let status = |number: usize| format!("/cluster/{}/request/{number:032x}/status", cluster(number));
    let report = |number: usize| format!("/cluster/{}/request/{number:032x}/report", cluster(number));
    vec![
        // Of twice as many requests as there are, half are known.
        (
            "status, half hits half misses",
            numbers().take(CALLS).map(|number| status(number % (2 * RECORDS))).collect(),
        ),
        (
            "status of processed, polled again",
            numbers().take(CALLS).map(|number| status(number % 5_000)).collect(),
        ),
        ("report of 10 hits", numbers().take(CALLS).map(|number| report(number % RECORDS)).collect()),
        ("list of 50", vec![format!("/cluster/{LISTED_CLUSTER}/requests")]),
    ]
}

fn main() {
    let (rounds, seconds) = if is_quick() { (3, 2) } else { (5, 6) };
    let load = Load { connections: 64, seconds };
    let (program, key) = (Program::new(), TestKey::rsa());
    program.file("jwks.json", json!({"keys": [key.jwk("one")]}).to_string());
    content(&program);
    let (tokens, lines, postgres) = (tokens(&key), messages(), TestDatabase::postgres());
    let sqlite = format!("sqlite://{}", program.folder().join("bench.db").display());
    let ceiling = Ceiling::start();
    let servers =
        [serve(&program, "SQLite", &sqlite, &lines), serve(&program, "PostgreSQL", postgres.url(), &lines)];
    drop(lines);

    let questions: Vec<(&str, Vec<(String, String)>)> = questions()
        .into_iter()
        .map(|(name, paths)| {
            let calls = paths.into_iter().cycle().zip(tokens.iter().cycle().cloned()).take(CALLS).collect();
            (name, calls)
        })
        .collect();
    let mut rows: Vec<(String, Vec<Measured>)> = vec![("ceiling".to_owned(), Vec::new())];
    for server in &servers {
        rows.extend(questions.iter().map(|(name, _)| (format!("{}: {name}", server.name), Vec::new())));
    }
    for _ in 0..rounds {
        let mut next = rows.iter_mut();
        let mut add = |measured| next.next().expect("a row").1.push(measured);
        add(load.get(ceiling.1, &questions[0].1));
        for server in &servers {
            for (_, calls) in &questions {
                add(load.get(server.running.api_address(), calls));
            }
        }
    }
    let reference = median(rows[0].1.iter().map(|measured| measured.rate).collect()).0;
    println!(
        "{rounds} rounds of {} s, {} connections, {RECORDS} records, {TOKENS} tokens",
        load.seconds, load.connections
    );
    for (name, measured) in rows {
        let (rate, low, high) = median(measured.iter().map(|one| one.rate).collect());
        let p99 = median(measured.iter().map(|one| one.p99).collect()).0;
        println!(
            "{name:<46} {rate:>8.0}/s (from {low:.0} to {high:.0})  p99 {p99:>6.2} ms   {:.2}",
            rate / reference
        );
    }
}
