//! Where a group starts, and what it reads of partitions and topics that come later.

use gathering_tests::{Broker, Program, Running, TestDatabase, until};

use crate::fixture::{Flow, expected, numbered};

fn latest(program: &Program, flow: &Flow, database: &TestDatabase) -> Running {
    serve(program, &arguments(flow, database))
}

fn arguments(flow: &Flow, database: &TestDatabase) -> Vec<String> {
    let mut arguments = flow.arguments(&["serve", "--role", "ingest"], database.url());
    arguments.extend(["--set", "ingest.kafka.start=latest"].map(str::to_owned));
    arguments
}

fn serve(program: &Program, arguments: &[String]) -> Running {
    program.serve(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
}

fn publish(flow: &Flow, partition: i32, numbers: std::ops::Range<usize>) {
    for number in numbers {
        flow.broker.publisher().publish_to(&flow.results, partition, numbered(number).to_string());
    }
    flow.broker.publisher().flush();
}

/// What the database holds of so many numbered messages without the first ones.
fn expected_from(first: usize, count: usize) -> Vec<(String, String)> {
    let skipped = expected(first);
    expected(count).into_iter().filter(|record| !skipped.contains(record)).collect()
}

#[test]
fn a_new_group_starts_at_the_end_of_every_partition_if_it_is_to() {
    let flow = Flow::new(2);
    let database = TestDatabase::sqlite();
    let program = Program::new();
    publish(&flow, 0, 0..3);
    let running = latest(&program, &flow, &database);
    until(|| flow.broker.committed(&flow.results, &flow.group, 2) == [Some(3), Some(0)]);
    publish(&flow, 0, 3..5);
    publish(&flow, 1, 5..7);
    until(|| database.processed() == expected_from(3, 7));
    running.signal("KILL");
    drop(running);

    // From then on its offsets count, also in a partition that it read nothing of.
    publish(&flow, 1, 7..9);
    let _running = latest(&program, &flow, &database);
    until(|| database.processed() == expected_from(3, 9));
}

/// So it is with partitions that were added while nothing ran.
#[test]
fn a_group_with_offsets_reads_other_partitions_from_their_beginning() {
    let flow = Flow::new(2);
    let database = TestDatabase::sqlite();
    publish(&flow, 0, 0..2);
    publish(&flow, 1, 2..5);
    flow.broker.commit(&flow.results, &flow.group, 0, 1);
    let _running = latest(&Program::new(), &flow, &database);
    until(|| database.processed() == expected_from(1, 5));
}

#[test]
fn an_offset_that_is_out_of_range_skips_nothing() {
    let flow = Flow::new(1);
    let database = TestDatabase::sqlite();
    publish(&flow, 0, 0..5);
    flow.broker.commit(&flow.results, &flow.group, 0, 1_000);
    let _running = latest(&Program::new(), &flow, &database);
    std::thread::sleep(std::time::Duration::from_secs(15));
    until(|| database.processed() == expected(5));
    until(|| flow.broker.uncommitted(&flow.results, &flow.group) == 0);
}

#[test]
fn a_topic_that_comes_later_is_read_whole() {
    let mut flow = Flow::new(1);
    flow.results = Broker::name();
    let database = TestDatabase::sqlite();
    let running = latest(&Program::new(), &flow, &database);
    until(|| running.stderr().contains("nknown topic"));
    flow.broker.create_topic(&flow.results, 2);
    publish(&flow, 0, 0..3);
    publish(&flow, 1, 3..5);
    until(|| database.processed() == expected(5));
}

/// Whichever of them commits the ends last: what is published once both run is read.
#[test]
fn two_that_start_at_once_agree_on_the_end() {
    let flow = Flow::new(2);
    let database = TestDatabase::postgres();
    database.migrate();
    let (one, other) = (Program::new(), Program::new());
    publish(&flow, 0, 0..10);
    publish(&flow, 1, 10..20);
    let arguments = arguments(&flow, &database);
    let running = std::thread::scope(|scope| {
        let starts = [&one, &other].map(|program| scope.spawn(|| serve(program, &arguments)));
        starts.map(|start| start.join().unwrap())
    });
    until(|| running.iter().all(|running| running.stderr().contains("partitions assigned: [(")));
    publish(&flow, 0, 20..25);
    publish(&flow, 1, 25..30);
    until(|| database.processed() == expected_from(20, 30));
    drop(running);
}

#[cfg(not(feature = "apache-kafka"))]
mod faults {
    use super::*;

    #[test]
    fn brokers_that_are_away_at_the_start_are_waited_for() {
        let flow = Flow::new(1);
        let database = TestDatabase::sqlite();
        publish(&flow, 0, 0..3);
        flow.broker.set_up(false);
        let running = latest(&Program::new(), &flow, &database);
        until(|| running.admin("/readyz").send().sentence().contains("is not known yet"));
        assert_eq!(running.admin("/readyz").send().status, 503);
        flow.broker.set_up(true);
        until(|| running.admin("/readyz").send().status == 200);
        publish(&flow, 0, 3..5);
        until(|| database.processed() == expected_from(3, 5));
    }

    #[test]
    fn a_stop_does_not_wait_for_brokers() {
        let flow = Flow::new(1);
        let database = TestDatabase::sqlite();
        flow.broker.set_up(false);
        let running = latest(&Program::new(), &flow, &database);
        until(|| running.stderr().contains("no messages are taken yet"));
        running.signal("TERM");
        running.wait().ok();
    }

    /// The others go on meanwhile. Of the one without a leader nobody knows what came before: nothing of it is skipped.
    #[test]
    fn a_partition_without_leader_holds_up_no_other_for_ever() {
        let flow = Flow::new(2);
        let database = TestDatabase::sqlite();
        publish(&flow, 0, 0..3);
        publish(&flow, 1, 3..5);
        flow.broker.set_leader(&flow.results, 1, false);
        let running = latest(&Program::new(), &flow, &database);
        until(|| running.stderr().contains("partition 1: it has no leader"));
        // It comes after the end of its partition was found.
        publish(&flow, 0, 5..7);
        until(|| database.processed() == expected_from(5, 7));
        flow.broker.set_leader(&flow.results, 1, true);
        until(|| database.processed() == expected_from(3, 7));
    }
}

/// What only Apache Kafka can do to topics.
#[cfg(feature = "apache-kafka")]
mod administration {
    use super::*;

    #[test]
    fn a_partition_that_is_added_is_read_from_its_beginning() {
        let flow = Flow::new(1);
        let database = TestDatabase::sqlite();
        let running = latest(&Program::new(), &flow, &database);
        until(|| running.stderr().contains("partitions assigned: [("));
        publish(&flow, 0, 0..1);
        until(|| database.processed() == expected(1));
        flow.broker.grow_topic(&flow.results, 3);
        // The publisher of before does not know of them yet.
        let broker = Broker::start();
        for number in 1..6 {
            let partition = if number < 4 { 1 } else { 2 };
            broker.publisher().publish_to(&flow.results, partition, numbered(number).to_string());
        }
        broker.publisher().flush();
        until(|| database.processed() == expected(6));
        until(|| flow.broker.uncommitted(&flow.results, &flow.group) == 0);
    }

    #[test]
    fn an_offset_that_has_expired_goes_on_with_the_oldest_message() {
        let flow = Flow::new(1);
        let database = TestDatabase::sqlite();
        publish(&flow, 0, 0..10);
        flow.broker.commit(&flow.results, &flow.group, 0, 2);
        flow.broker.delete_records(&flow.results, 0, 6);
        let _running = latest(&Program::new(), &flow, &database);
        until(|| database.processed() == expected_from(6, 10));
    }

    #[test]
    fn a_topic_that_is_made_again_while_nobody_reads_it_is_read_whole() {
        let flow = Flow::new(1);
        let database = TestDatabase::sqlite();
        let program = Program::new();
        let arguments = flow.arguments(&["serve", "--role", "ingest"], database.url());
        let running = serve(&program, &arguments);
        publish(&flow, 0, 0..3);
        until(|| database.processed() == expected(3));
        running.signal("TERM");
        running.wait().ok();

        flow.broker.delete_topic(&flow.results);
        flow.broker.create_topic(&flow.results, 1);
        until(|| flow.broker.committed(&flow.results, &flow.group, 1) == [None]);
        // More than there were, so that the old position lies within.
        publish(&flow, 0, 3..20);
        let _running = serve(&program, &arguments);
        until(|| database.processed() == expected(20));
    }
}
