//! A message that cannot be recorded while others can: its partition waits for it, and nobody else's.

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection, RunQueryDsl};
use gathering_tests::{CLUSTER, Message, TestDatabase, TestServer, until};

use crate::fixture::Flow;

const ROUNDS: usize = 4;

#[derive(diesel::QueryableByName)]
struct Written {
    #[diesel(sql_type = diesel::sql_types::Text)]
    request_id: String,
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    count: i64,
}

/// Notes each write to a row from now on.
const NOTE_WRITES: &str = "
    CREATE TABLE written (request_id TEXT);
    CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN INSERT INTO written VALUES (NEW.request_id); RETURN NULL; END';
    CREATE TRIGGER noted AFTER INSERT OR UPDATE ON requests FOR EACH ROW EXECUTE FUNCTION note();";

/// How often each row was written.
fn written(connection: &mut PgConnection) -> Vec<(String, i64)> {
    let sql = "SELECT request_id, count(*) AS count FROM written GROUP BY request_id ORDER BY request_id";
    let rows: Vec<Written> = diesel::sql_query(sql).load(connection).unwrap();
    rows.into_iter().map(|row| (row.request_id, row.count)).collect()
}

fn result(request: &str, key: &str) -> Message {
    Message::new(42, CLUSTER, request).hit(&format!("rules.a|{key}"))
}

fn hits(server: &TestServer, request: &str) -> Option<String> {
    server.database().processed().into_iter().find(|row| row.0 == request).map(|row| row.1)
}

/// With a database whose connections have these options, and this setting.
fn a_locked_row(options: &str, setting: &str) {
    let flow = Flow::new(3);
    let database = TestDatabase::postgres();
    let url = format!("{}{options}", database.url());
    let server = flow.server(database).set(&format!("storage.url={url}")).set(setting).start();
    let publish = |partition: i32, message: Message| {
        flow.broker.publisher().publish_to(&flow.results, partition, message.to_string());
    };
    let committed = || flow.broker.committed(&flow.results, &flow.group, 3);
    publish(0, result("stuck", "FIRST"));
    until(|| committed()[0] == Some(1));

    let mut observer = PgConnection::establish(server.database().url()).unwrap();
    observer.batch_execute(NOTE_WRITES).unwrap();
    let mut holder = PgConnection::establish(server.database().url()).unwrap();
    holder.batch_execute("BEGIN; UPDATE requests SET rule_hits = rule_hits").unwrap();
    publish(0, result("before", "K"));
    publish(0, result("stuck", "SECOND"));
    publish(0, result("behind", "OLD"));
    publish(0, result("stuck", "THIRD"));
    flow.broker.publisher().publish_to(&flow.results, 2, "nonsense");
    let mut expected = vec!["before".to_owned(), "behind".to_owned()];
    for round in 0..ROUNDS {
        for number in 0..10 {
            for partition in [1, 2] {
                let request = format!("r{partition}{round}{number}");
                publish(partition, result(&request, "K"));
                expected.push(request);
            }
        }
        flow.broker.publisher().flush();
        let end = i64::try_from(10 * (round + 1)).unwrap();
        until(|| committed()[1..] == [Some(end), Some(end + 1)]);
    }
    until(|| committed()[0] == Some(2));
    assert_eq!(flow.broker.read(&flow.dead_letters).len(), 1, "that of another partition");
    assert_eq!(server.metric("gathering_kafka_stalled"), 0, "others are taken");

    // What waits comes later than a newer result that came by another way; what is recorded does not come again.
    until(|| hits(&server, "behind").as_deref() == Some("rules.a|OLD"));
    server.import(&[result("behind", "NEW")]);
    until(|| server.metric("gathering_writer_events_failing") == 1);
    holder.batch_execute("ROLLBACK").unwrap();
    until(|| committed()[0] == Some(5));
    assert_eq!(hits(&server, "stuck").as_deref(), Some("rules.a|THIRD"));
    assert_eq!(hits(&server, "behind").as_deref(), Some("rules.a|NEW"));
    expected.sort();
    let mut counts = written(&mut observer);
    counts.retain(|(request, _)| request != "stuck");
    let by_import = |request: &str| i64::from(request == "behind");
    let once: Vec<_> =
        expected.into_iter().map(|request| (request.clone(), 1 + by_import(&request))).collect();
    assert_eq!(counts, once, "nothing is written twice");

    publish(0, result("last", "K"));
    until(|| committed()[0] == Some(6));
    assert_eq!(flow.broker.uncommitted(&flow.results, &flow.group), 0);
}

#[test]
fn a_locked_row_holds_up_its_partition_only() {
    a_locked_row("%20-clock_timeout%3D100", "storage.query_timeout=10s");
}

#[test]
fn a_locked_row_without_a_lock_timeout_holds_up_its_partition_only() {
    a_locked_row("", "storage.query_timeout=2s");
}

#[test]
fn a_process_whose_partitions_all_wait_is_stalled_and_what_follows_waits() {
    let flow = Flow::new(1);
    let database = TestDatabase::postgres();
    let url = format!("{}%20-clock_timeout%3D100", database.url());
    let server = flow.server(database).set(&format!("storage.url={url}")).start();
    flow.publish(&[result("stuck", "FIRST")]);
    until(|| flow.broker.uncommitted(&flow.results, &flow.group) == 0);
    let mut holder = PgConnection::establish(server.database().url()).unwrap();
    holder.batch_execute("BEGIN; UPDATE requests SET rule_hits = rule_hits").unwrap();
    flow.publish(&[result("before", "K"), result("stuck", "SECOND"), result("behind", "K")]);
    until(|| flow.broker.committed(&flow.results, &flow.group, 1) == [Some(2)]);
    until(|| server.metric("gathering_kafka_stalled") == 1);
    flow.publish(&[result("later", "K"), result("stuck", "THIRD")]);
    until(|| server.metric("gathering_writer_events_failing") == 1);
    holder.batch_execute("ROLLBACK").unwrap();
    until(|| flow.broker.uncommitted(&flow.results, &flow.group) == 0);
    assert_eq!(hits(&server, "stuck").as_deref(), Some("rules.a|THIRD"));
    until(|| server.metric("gathering_kafka_stalled") == 0);
}
