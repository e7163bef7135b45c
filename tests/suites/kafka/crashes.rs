//! `kill -9` at random moments while messages flow.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use gathering_tests::{Program, TestDatabase, until};

use crate::fixture::{Flow, expected, numbered};

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

    let killed = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let (topics, results, killed) = (flow.broker.publisher(), flow.results.as_str(), &killed);
        let publisher = scope.spawn(move || {
            for number in 0..count {
                // Messages flow until the last kill, a share of them for each.
                until(|| number <= count * (killed.load(Ordering::Relaxed) + 1) / (kills + 1));
                topics.publish(results, numbered(number).to_string());
                if number % bad_every == 0 {
                    topics.publish(results, bad(number));
                }
            }
            topics.flush();
        });
        for _ in 0..kills {
            let running = program.serve(&arguments);
            let before = database.processed().len();
            // In the middle of things: it has recorded something, and may go on.
            until(|| database.processed().len() > before);
            std::thread::sleep(Duration::from_millis(rand::random_range(0..300)));
            running.signal("KILL");
            assert_eq!(running.wait().code, None);
            killed.fetch_add(1, Ordering::Relaxed);
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
