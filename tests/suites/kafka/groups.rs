//! Several processes in one group.

use gathering_tests::{CLUSTER, Message, Program, Proxy, Running, TestDatabase, until};

use crate::fixture::{Flow, expected, numbered, sample};

fn start(program: &Program, flow: &Flow, url: &str) -> Running {
    let mut arguments = flow.arguments(&["serve", "--role", "ingest"], url);
    arguments.extend(["--set", "storage.pool_timeout=500ms"].map(str::to_owned));
    program.serve(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn the_other_takes_over_when_one_is_killed() {
    let flow = Flow::new(4);
    let database = TestDatabase::postgres();
    let program = Program::new();
    let count = if flow.broker.is_real() { 40_000 } else { 4_000 };
    let (one, other) = (start(&program, &flow, database.url()), start(&program, &flow, database.url()));
    until(|| [&one, &other].iter().all(|running| running.stderr().contains("partitions assigned: [(")));
    for number in 0..count / 2 {
        flow.broker.publisher().publish(&flow.results, numbered(number).to_string());
    }
    until(|| database.processed().len() > count / 8);
    one.signal("KILL");
    for number in count / 2..count {
        flow.broker.publisher().publish(&flow.results, numbered(number).to_string());
    }
    flow.broker.publisher().flush();
    until(|| database.processed().len() == count);
    assert_eq!(database.processed(), expected(count));
    until(|| flow.broker.uncommitted(&flow.results, &flow.group) == 0);
    assert!(flow.broker.read(&flow.dead_letters).is_empty());
    drop(other);
}

/// What a stalled process has in hand of partitions that another one takes over, it must not record later: the other may
/// have recorded newer messages by then.
#[test]
fn what_is_in_hand_of_partitions_that_are_gone_is_dropped() {
    const PARTITIONS: i32 = 4;
    let flow = Flow::new(PARTITIONS);
    let database = TestDatabase::postgres();
    database.migrate();
    let proxy = Proxy::to(database.server_address());
    let program = Program::new();
    let version = |partition: i32, version: i32| {
        Message::new(42, CLUSTER, &format!("r{partition}")).hit(&format!("rules.a|V{version}"))
    };
    let publish = |number: i32| {
        for partition in 0..PARTITIONS {
            let message = version(partition, number).to_string();
            flow.broker.publisher().publish_to(&flow.results, partition, message);
        }
        flow.broker.publisher().flush();
    };
    let recorded = |number: i32| {
        let hits = format!("rules.a|V{number}");
        database.processed().iter().filter(|(_, recorded)| *recorded == hits).count()
    };

    let one = start(&program, &flow, &database.url_by(&proxy));
    until(|| one.stderr().contains("partitions assigned: [("));
    proxy.cut();
    publish(1);
    until(|| sample(&one.admin("/metrics").send().body, "gathering_kafka_stalled") == Some(1));
    let other = start(&program, &flow, database.url());
    until(|| one.stderr().contains("partitions revoked") && recorded(1) > 0);
    publish(2);
    until(|| recorded(2) > 0);
    proxy.mend();
    until(|| recorded(2) == usize::try_from(PARTITIONS).unwrap());
    until(|| flow.broker.uncommitted(&flow.results, &flow.group) == 0);
    assert_eq!(recorded(2), usize::try_from(PARTITIONS).unwrap(), "nothing older came after");

    // What was paused when it was taken away is not paused when it comes back.
    other.signal("TERM");
    other.wait().ok();
    publish(3);
    until(|| recorded(3) == usize::try_from(PARTITIONS).unwrap());
}

/// The way from members that know only `range`, as `docs/INGEST.md` tells it.
#[cfg(feature = "apache-kafka")]
#[test]
fn a_group_moves_over_from_range() {
    let flow = Flow::new(2);
    let database = TestDatabase::postgres();
    let program = Program::new();
    let range = ["--set", "ingest.kafka.properties.partition.assignment.strategy=range"];
    let with_range = |program: &Program| {
        let mut arguments = flow.arguments(&["serve", "--role", "ingest"], database.url());
        arguments.extend(range.map(str::to_owned));
        program.serve(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let publish = |numbers: std::ops::Range<usize>| {
        flow.publish(&numbers.map(numbered).collect::<Vec<_>>());
    };
    let old = with_range(&program);
    until(|| old.stderr().contains("partitions assigned: [("));
    publish(0..10);
    until(|| database.processed() == expected(10));
    let refused = start(&program, &flow, database.url());
    until(|| refused.stderr().contains("nconsistent group protocol"));
    refused.signal("TERM");
    refused.wait().ok();

    let new = with_range(&program);
    until(|| new.stderr().contains("partitions assigned: [("));
    old.signal("TERM");
    old.wait().ok();
    publish(10..20);
    until(|| database.processed() == expected(20));
    new.signal("TERM");
    new.wait().ok();
    publish(20..30);
    let last = start(&program, &flow, database.url());
    until(|| database.processed() == expected(30));
    drop(last);
}
