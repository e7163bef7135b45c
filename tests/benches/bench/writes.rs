//! Records a second that become durable, as a ratio to the fastest that the same database does with the same rows: `COPY` on
//! PostgreSQL, one prepared statement in a loop on SQLite.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use diesel::pg::CopyFormat;
use diesel::{Connection, ExecuteCopyFromDsl, PgConnection};
use gathering_domain::event::{EventKind, RequestEvent};
use gathering_domain::ids::RequestKey;
use gathering_domain::store::EventSink;
use gathering_domain::time::{SystemClock, Timestamp};
use gathering_storage::{DatabaseUrl, Settings, Storage};
use gathering_tests::{Broker, Call, TestDatabase};
use serde_json::json;

use crate::fixture::{Bench, cluster, hit, message, request};
use crate::sqlite_loop;
use crate::table::{Goal, Row, print};

pub(crate) const CLUSTERS: usize = 3_000;
/// With so many a row has about 415 bytes, as in the measurements of the design.
const HITS: usize = 8;
/// Messages of one body, and senders at once.
const BODY: usize = 500;
const SENDERS: usize = 4;
/// Events of one transaction at storage, as the batch writer puts together.
const BATCH: usize = 1_000;

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

pub(crate) fn hits() -> String {
    (0..HITS).map(hit).collect::<Vec<_>>().join(",")
}

/// A message of about 2 KB.
pub(crate) fn padded(number: usize) -> String {
    message(number, CLUSTERS, HITS).with("Padding", json!("x".repeat(700))).to_string()
}

pub(crate) fn bodies(from: usize, count: usize) -> Vec<String> {
    let numbers: Vec<usize> = (from..from + count).collect();
    let body = |numbers: &[usize]| numbers.iter().map(|number| padded(*number) + "\n").collect();
    numbers.chunks(BODY).map(body).collect()
}

pub(crate) fn rate(started: Instant, count: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "counts are small")]
    let count = count as f64;
    count / started.elapsed().as_secs_f64()
}

/// In microseconds since 1970.
const TIME: &str = "1772370000000000";
const EXPIRES: &str = "1772456400000000";

fn copy(count: usize) -> f64 {
    let database = TestDatabase::postgres();
    database.migrate();
    let hits = hits();
    let line = |number| {
        let (cluster, request) = (cluster(number, CLUSTERS), request(number));
        ["42", &cluster, &request, "2", TIME, TIME, EXPIRES, &hits, "\\N\n"].join("\t")
    };
    let lines: String = (0..count).map(line).collect();
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
    rate(started, count)
}

/// Batches, one after the other, at the port.
fn at_storage(database: &TestDatabase, count: usize) -> f64 {
    database.migrate();
    let url: DatabaseUrl = database.url().parse().unwrap();
    let settings = Settings { url, ..database.settings() };
    let storage = Storage::open(&settings, Arc::new(SystemClock)).unwrap();
    let event = |number| RequestEvent {
        key: RequestKey {
            organization: 42.try_into().unwrap(),
            cluster: cluster(number, CLUSTERS).parse().unwrap(),
            request: request(number).parse().unwrap(),
        },
        received_at: Timestamp::from_micros(1_772_370_000_000_000),
        kind: EventKind::Processed((0..HITS).map(|number| hit(number).parse().unwrap()).collect()),
    };
    let events: Vec<RequestEvent> = (0..count).map(event).collect();
    let batches: Vec<Vec<RequestEvent>> = events.chunks(BATCH).map(<[_]>::to_vec).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let started = Instant::now();
    runtime.block_on(async {
        for batch in batches {
            storage.store(batch).await.unwrap();
        }
    });
    rate(started, count)
}

/// Bodies from several senders, until the last is durable.
fn over_http(bench: &Bench, database: &TestDatabase, bodies: &[String]) -> f64 {
    let running = bench.serve(database.url(), &[]);
    let (address, next) = (running.api_address(), AtomicUsize::new(0));
    let started = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..SENDERS {
            scope.spawn(|| {
                while let Some(body) = bodies.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let call = Call::new(address, "POST", "/ingest/results").body(body.as_str());
                    let call = call.header("Content-Type", "application/x-ndjson").bearer(&bench.writer);
                    let answer = call.send();
                    assert_eq!(answer.json()["stored"], BODY, "{answer:?}");
                }
            });
        }
    });
    let rate = rate(started, bodies.len() * BODY);
    assert_eq!(database.processed().len(), bodies.len() * BODY);
    rate
}

fn published(count: usize) -> (Broker, String) {
    let broker = Broker::start();
    let topic = broker.topic(4);
    for number in 0..count {
        broker.publisher().publish(&topic, padded(number));
    }
    broker.publisher().flush();
    (broker, topic)
}

fn from_kafka(bench: &Bench, (broker, topic): &(Broker, String), count: usize) -> f64 {
    let database = TestDatabase::postgres();
    let storage = format!("storage.url={}", database.url());
    let kafka = [
        storage,
        "ingest.kafka.enabled=true".to_owned(),
        format!("ingest.kafka.brokers={}", broker.servers()),
        format!("ingest.kafka.group=g{}", uuid::Uuid::new_v4().simple()),
        format!("ingest.kafka.results_topic={topic}"),
    ];
    let settings = kafka.iter().flat_map(|setting| ["--set", setting]);
    let arguments: Vec<&str> = ["serve", "--role", "ingest"].into_iter().chain(settings).collect();
    let running = bench.program.serve(&arguments);
    let recorded = || -> usize {
        let name = "gathering_records_total{kind=\"result\",outcome=\"stored\",source=\"kafka\"}";
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
    while recorded() < count {
        pause();
    }
    let rate = rate(started, count - first);
    assert_eq!(database.processed().len(), count);
    rate
}

pub(crate) fn measure(bench: &Bench) {
    let count = if bench.is_quick { 10_000 } else { 60_000 };
    let rounds = 3;
    let bodies = bodies(0, count);
    let row = |name: &str, goal: Option<f64>| Row::new(name, "/s", goal.map(Goal::AtLeast));
    let mut copied = row("PostgreSQL: `COPY`", None);
    let mut batches = row("PostgreSQL: batches at storage", Some(0.6));
    let mut http = row("PostgreSQL: HTTP, bodies of 500, 4 senders", Some(0.4));
    let mut kafka = row("PostgreSQL: Kafka", Some(0.35));
    let mut inserted = row("SQLite: a prepared statement in a loop", None);
    let mut sqlite_batches = row("SQLite: batches at storage", None);
    let mut sqlite_http = row("SQLite: HTTP, bodies of 500, 4 senders", None);
    // The mock cluster that stands in for a broker elsewhere would measure itself.
    let has_broker = cfg!(feature = "apache-kafka") && std::env::var_os("GATHERING_TEST_KAFKA").is_some();
    let topic = has_broker.then(|| published(count));
    for _ in 0..rounds {
        let reference = copy(count);
        copied.add(reference, reference);
        batches.add(at_storage(&TestDatabase::postgres(), count), reference);
        http.add(over_http(bench, &TestDatabase::postgres(), &bodies), reference);
        if let Some(topic) = &topic {
            kafka.add(from_kafka(bench, topic, count), reference);
        }
        let reference = sqlite_loop::insert(count);
        inserted.add(reference, reference);
        sqlite_batches.add(at_storage(&TestDatabase::sqlite(), count), reference);
        sqlite_http.add(over_http(bench, &TestDatabase::sqlite(), &bodies), reference);
    }
    let size = bodies.first().map_or(0, |body| body.len() / BODY);
    let title = format!("Writes: {count} messages of {size} bytes, until durable");
    print(&title, "`COPY` of the same rows", &[copied, batches, http, kafka]);
    print("The same on SQLite", "the loop with the same rows", &[inserted, sqlite_batches, sqlite_http]);
}
