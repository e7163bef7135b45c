//! `kill -9` at random moments while messages flow.

use std::collections::BTreeSet;
use std::time::Duration;

use gathering_tests::{Program, TestDatabase};

use crate::fixture::{Flow, expected, numbered, until};

#[test]
fn every_message_is_recorded_once_and_every_bad_one_is_a_dead_letter() {
    let flow = Flow::new(4);
    let database = TestDatabase::postgres();
    let program = Program::new();
    let (count, kills) = if flow.broker.is_real() { (100_000, 20) } else { (6_000, 4) };
    let bad_every = 100;
    let bad = |number: usize| format!("bad {number}");
    let arguments = flow.arguments(&["serve", "--role", "ingest"], database.url());
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();

    std::thread::scope(|scope| {
        let (topics, results) = (flow.broker.publisher(), flow.results.as_str());
        let publisher = scope.spawn(move || {
            for number in 0..count {
                topics.publish(results, numbered(number).to_string());
                if number % bad_every == 0 {
                    topics.publish(results, bad(number));
                }
                // Messages flow while processes come and go.
                if number % (count / 200) == 0 {
                    std::thread::sleep(Duration::from_millis(50 * kills / 4));
                }
            }
            topics.flush();
        });
        for _ in 0..kills {
            let running = program.serve(&arguments);
            let before = database.processed().len();
            // In the middle of things: it has recorded something, and goes on.
            until(|| database.processed().len() > before || before == count);
            std::thread::sleep(Duration::from_millis(rand::random_range(0..300)));
            running.signal("KILL");
            assert_eq!(running.wait().code, None);
        }
        publisher.join().unwrap();
    });
    let last = program.serve(&arguments);
    until(|| flow.broker.uncommitted(&flow.results, &flow.group) == 0);
    assert_eq!(database.processed(), expected(count));
    let letters: BTreeSet<_> = flow
        .broker
        .read(&flow.dead_letters)
        .into_iter()
        .map(|letter| String::from_utf8(letter.value).unwrap())
        .collect();
    assert_eq!(letters, (0..count).step_by(bad_every).map(bad).collect());
    drop(last);
}
