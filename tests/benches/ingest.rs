//! How fast messages become durable: from Kafka and over HTTP, as a ratio to `COPY` of the same rows into the same table in
//! the same run. `make bench-ingest` runs it with a release build, Apache Kafka, and PostgreSQL with `fsync` on.

use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use diesel::pg::CopyFormat;
use diesel::{Connection, ExecuteCopyFromDsl, PgConnection};
use gathering_tests::{Broker, Call, Message, Program, Running, TestDatabase, median};
use serde_json::json;

mod table {
    diesel::table! {
        requests (org_id, cluster_id, request_id) {
            org_id -> BigInt,
            cluster_id -> Uuid,
            request_id -> Text,
            state -> SmallInt,
            received_at -> BigInt,
            processed_at -> Nullable<BigInt>,
            expires_at -> BigInt,
            rule_hits -> Text,
            failure -> Nullable<Text>,
        }
    }
}

const MESSAGES: usize = 60_000;
const CLUSTERS: usize = 3_000;
const ROUNDS: usize = 3;
const PARTITIONS: i32 = 4;
/// Messages of one body, and senders at once.
const BODY: usize = 500;
const SENDERS: usize = 4;

fn cluster(number: usize) -> String {
    format!("00000000-0000-4000-8000-{:012x}", number % CLUSTERS)
}

fn request(number: usize) -> String {
    format!("{number:032x}")
}

/// The hits of every message: with them a row has about 415 bytes, as in the measurements of the design.
fn hits() -> Vec<String> {
    (0..8).map(|hit| format!("bench_rules.external.rules.rule_number_{hit}|BENCH_ERROR_{hit}")).collect()
}

/// A message of about 2 KB.
fn message(number: usize) -> String {
    let message = Message::new(42, &cluster(number), &request(number));
    let message = hits().iter().fold(message, |message, hit| message.hit(hit));
    message.with("Padding", json!("x".repeat(700))).to_string()
}

fn rate(started: Instant, count: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "counts are small")]
    let count = count as f64;
    count / started.elapsed().as_secs_f64()
}

fn copy() -> f64 {
    let database = TestDatabase::postgres();
    database.migrate();
    let hits = hits().join(",");
    let lines: String = (0..MESSAGES)
        .map(|number| {
            let (cluster, request) = (cluster(number), request(number));
            format!("42\t{cluster}\t{request}\t2\t1772370000000000\t1772370000000000\t1772456400000000\t{hits}\t\\N\n")
        })
        .collect();
    let mut connection = PgConnection::establish(database.url()).unwrap();
    let started = Instant::now();
    diesel::copy_from(table::requests::table)
        .from_raw_data(table::requests::table, |copy| {
            copy.write_all(lines.as_bytes())
                .map_err(|error| diesel::result::Error::SerializationError(error.into()))
        })
        .with_format(CopyFormat::Text)
        .execute(&mut connection)
        .unwrap();
    rate(started, MESSAGES)
}

fn serve(program: &Program, arguments: &[String]) -> Running {
    program.serve(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
}

fn set(arguments: &mut Vec<String>, setting: String) {
    arguments.extend(["--set".to_owned(), setting]);
}

fn over_http(program: &Program, bodies: &[String]) -> f64 {
    let database = TestDatabase::postgres();
    let mut arguments = vec!["serve".to_owned()];
    set(&mut arguments, format!("storage.url={}", database.url()));
    set(&mut arguments, "auth.mode=disabled".to_owned());
    set(&mut arguments, "auth.disabled_org=42".to_owned());
    let running = serve(program, &arguments);
    let (address, next) = (running.api_address(), AtomicUsize::new(0));
    let started = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..SENDERS {
            scope.spawn(|| {
                while let Some(body) = bodies.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let call = Call::new(address, "POST", "/ingest/results").body(body.as_str());
                    let answer = call.header("Content-Type", "application/x-ndjson").send();
                    assert_eq!(answer.json()["stored"], BODY, "{answer:?}");
                }
            });
        }
    });
    let rate = rate(started, bodies.len() * BODY);
    assert_eq!(database.processed().len(), MESSAGES);
    rate
}

fn from_kafka(program: &Program, broker: &Broker, topic: &str) -> f64 {
    let database = TestDatabase::postgres();
    let mut arguments = ["serve", "--role", "ingest"].map(str::to_owned).to_vec();
    set(&mut arguments, format!("storage.url={}", database.url()));
    for setting in [
        "enabled=true".to_owned(),
        format!("brokers={}", broker.servers()),
        format!("group=g{}", uuid::Uuid::new_v4().simple()),
        format!("results_topic={topic}"),
    ] {
        set(&mut arguments, format!("ingest.kafka.{setting}"));
    }
    let running = serve(program, &arguments);
    let recorded = || -> usize {
        let name = "gathering_records_total{outcome=\"stored\",source=\"kafka\"}";
        let text = running.admin("/metrics").send().body;
        text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok()).unwrap()
    };
    // The group takes its time to form; the clock runs from the first batch that is durable.
    let pause = || std::thread::sleep(std::time::Duration::from_millis(10));
    let first = loop {
        match recorded() {
            0 => pause(),
            first => break first,
        }
    };
    let started = Instant::now();
    while recorded() < MESSAGES {
        pause();
    }
    let rate = rate(started, MESSAGES - first);
    assert_eq!(database.processed().len(), MESSAGES);
    rate
}

fn main() {
    let (broker, program) = (Broker::start(), Program::new());
    let topic = broker.topic(PARTITIONS);
    let messages: Vec<String> = (0..MESSAGES).map(message).collect();
    println!("{MESSAGES} messages of {} bytes, {ROUNDS} rounds", messages[0].len());
    for message in &messages {
        broker.publisher().publish(&topic, message);
    }
    broker.publisher().flush();
    let bodies: Vec<String> = messages.chunks(BODY).map(|body| body.join("\n")).collect();
    drop(messages);

    let mut rates: [Vec<f64>; 3] = Default::default();
    for _ in 0..ROUNDS {
        rates[0].push(copy());
        rates[1].push(over_http(&program, &bodies));
        rates[2].push(from_kafka(&program, &broker, &topic));
    }
    let [copy, http, kafka] = rates.map(median);
    for (name, (median, low, high)) in
        [("COPY", copy), (&*format!("HTTP, bodies of {BODY}, {SENDERS} senders"), http), ("Kafka", kafka)]
    {
        println!("{name:<32} {median:>8.0}/s (from {low:.0} to {high:.0})   {:.2} of COPY", median / copy.0);
    }
}
