//! What the log says while the database is away.

use std::time::Instant;

use gathering_tests::{Program, Proxy, TestDatabase};

const STATUS: &str = "/cluster/5d5892d3-1f74-4ccf-91af-548dfc9767aa/request/a/status";

#[test]
fn an_outage_does_not_write_a_line_for_each_call() {
    let database = TestDatabase::postgres();
    database.migrate();
    let proxy = Proxy::to(database.server_address());
    let url = format!("storage.url={}", database.url_by(&proxy));
    let program = Program::new();
    let running = program.serve(&["serve", "--set", "auth.mode=disabled", "--set", &url]);
    assert_eq!(running.call("GET", STATUS).send().status, 404);
    proxy.cut();
    let started = Instant::now();
    let failed = |line: &&str| line.contains(STATUS);
    let answers: Vec<u16> = (0..300).map(|_| running.call("GET", STATUS).send().status).collect();
    assert!(answers.iter().filter(|status| **status == 503).count() >= 299, "{answers:?}");
    let stderr = running.stderr();
    let lines = stderr.lines().filter(failed).count();
    // Some at once, and then one a second.
    let most = 22 + started.elapsed().as_secs();
    assert!((1..=most).contains(&(lines as u64)), "{lines} lines");
    proxy.mend();
    let is_back = || running.call("GET", STATUS).send().status == 404;
    assert!((0..600).any(|_| is_back() || {
        std::thread::sleep(std::time::Duration::from_millis(100));
        false
    }));
}
