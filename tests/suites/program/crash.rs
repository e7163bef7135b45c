//! `kill -9` in the middle of things, then the same again.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

use gathering_tests::{CLUSTER, Message, OTHER_CLUSTER, Program, TestDatabase, TestServer};

const CLUSTERS: [&str; 2] = [CLUSTER, OTHER_CLUSTER];
const RECORDS: usize = 20_000;

/// Kills imports after different numbers of records, then lets one end: every record is there once, with its hits.
fn every_record_is_there_once(database: TestDatabase) {
    let program = Program::new();
    let mut lines = String::new();
    for number in 0..RECORDS {
        let cluster = CLUSTERS[number % CLUSTERS.len()];
        let message = Message::new(42, cluster, &format!("r{number}")).hit(&format!("rules.a|KEY_{number}"));
        writeln!(lines, "{message}").unwrap();
    }
    program.file("many.ndjson", lines);
    let url = format!("storage.url={}", database.url());
    let arguments = ["import", "results", "--json", "many.ndjson", "--set", &url];
    for after in [1, 4_000, 12_000] {
        let mut child =
            program.command(&arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        // A line is printed once its record is durable. Nobody reads on after these, so the import cannot end before
        // it is killed: what it prints is far more than a pipe takes.
        let told = BufReader::new(child.stdout.as_mut().unwrap()).lines().take(after).count();
        child.kill().unwrap();
        assert_eq!((told, child.wait().unwrap().code()), (after, None), "it was killed in the middle");
    }
    let run = program.run(&arguments).ok();
    assert_eq!(run.stdout.lines().count(), RECORDS);
    assert!(run.stdout.lines().all(|line| line.contains("\"outcome\":\"stored\"")));

    let server = TestServer::builder(database).set("report.unknown_content=include").start();
    let now = gathering_domain::time::Clock::now(&gathering_domain::time::SystemClock).as_micros();
    server.advance(Duration::from_micros(u64::try_from(now - server.now().as_micros()).unwrap()));
    let token = server.token(42);
    for (offset, cluster) in CLUSTERS.iter().enumerate() {
        let list = server.get(&format!("/cluster/{cluster}/requests")).bearer(&token).send().json();
        let mut names: Vec<usize> = list["requests"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| entry["requestID"].as_str().unwrap()[1..].parse().unwrap())
            .collect();
        names.sort_unstable();
        assert!(names.into_iter().eq((offset..RECORDS).step_by(CLUSTERS.len())));
    }
    for number in (0..RECORDS).step_by(RECORDS / 50) {
        let cluster = CLUSTERS[number % CLUSTERS.len()];
        let report =
            server.get(&format!("/cluster/{cluster}/request/r{number}/report")).bearer(&token).send().json();
        assert_eq!(report["report"][0]["error_key"], format!("KEY_{number}"), "{report}");
        assert_eq!(report["report"].as_array().map(Vec::len), Some(1));
    }
}

#[test]
fn an_import_that_is_killed_can_be_done_again_on_sqlite() {
    every_record_is_there_once(TestDatabase::sqlite());
}

#[test]
fn an_import_that_is_killed_can_be_done_again_on_postgres() {
    every_record_is_there_once(TestDatabase::postgres());
}

#[test]
fn a_server_that_is_killed_starts_again_with_everything() {
    let program = Program::new();
    let cluster = CLUSTERS[0];
    let message = Message::new(1, cluster, "a").to_string();
    program.run_with_input(&["import", "results", "-"], message.as_bytes()).ok();
    let arguments = ["serve", "--set", "auth.mode=disabled"];
    for _ in 0..2 {
        let running = program.serve(&arguments);
        let status = running.call("GET", &format!("/cluster/{cluster}/request/a/status")).send();
        assert_eq!((status.status, &status.json()["status"]), (200, &"processed".into()));
        running.signal("KILL");
        assert_eq!(running.wait().code, None);
    }
}
