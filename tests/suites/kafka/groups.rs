//! Several processes in one group.

use gathering_tests::{Program, Running, TestDatabase};

use crate::fixture::{Flow, expected, numbered, until};

fn start(program: &Program, flow: &Flow, database: &TestDatabase) -> Running {
    let arguments = flow.arguments(&["serve", "--role", "ingest"], database.url());
    program.serve(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn the_other_takes_over_when_one_is_killed() {
    let flow = Flow::new(4);
    let database = TestDatabase::postgres();
    let program = Program::new();
    let count = if flow.broker.is_real() { 40_000 } else { 4_000 };
    let (one, other) = (start(&program, &flow, &database), start(&program, &flow, &database));
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
