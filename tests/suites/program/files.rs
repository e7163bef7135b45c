//! A SQLite file that goes away or is no database: what the running service, and each command, says.

use std::fs;

use gathering_tests::{CLUSTER, Message, Program, Running, until};

use crate::refused;

fn post(running: &Running, request: &str) -> u16 {
    let message = Message::new(1, CLUSTER, request).to_string();
    let call =
        running.call("POST", "/ingest/results").header("content-type", "application/json").body(message);
    call.send().status
}

fn status(running: &Running, request: &str) -> u16 {
    running.call("GET", &format!("/cluster/{CLUSTER}/request/{request}/status")).send().status
}

#[test]
fn a_deleted_file_is_503_until_a_migrated_one_is_there() {
    let program = Program::new();
    let running = program.serve(&["serve", "--set", "auth.mode=disabled"]);
    assert_eq!((post(&running, "a"), status(&running, "a")), (200, 200));
    let data = program.folder().join("data");
    for file in ["gathering.db", "gathering.db-wal", "gathering.db-shm"] {
        fs::remove_file(data.join(file)).unwrap();
    }
    assert_eq!(post(&running, "b"), 503);
    let ready = running.admin("/readyz").send();
    assert_eq!((ready.status, ready.sentence().as_str()), (503, "the file of the database is gone"));
    assert_eq!((post(&running, "b"), status(&running, "a")), (503, 503));
    assert_eq!(fs::read_dir(&data).unwrap().count(), 0, "no empty database takes its place");
    let log = running.stderr();
    assert!(log.contains("the file of the database is gone; nothing is taken or answered until"), "{log}");

    program.run(&["migrate"]).ok();
    until(|| running.admin("/readyz").send().status == 200);
    assert_eq!((status(&running, "a"), post(&running, "c"), status(&running, "c")), (404, 200, 200));
}

#[test]
fn a_restored_copy_is_taken_without_a_restart() {
    let program = Program::new();
    let first = Message::new(1, CLUSTER, "restored").to_string();
    program.run_with_input(&["import", "results", "-"], first.as_bytes()).ok();
    let (file, copy) = (program.folder().join("data/gathering.db"), program.folder().join("data/copy.db"));
    fs::copy(&file, &copy).unwrap();
    let running = program.serve(&["serve", "--set", "auth.mode=disabled"]);
    assert_eq!((post(&running, "later"), status(&running, "later")), (200, 200));
    fs::rename(&copy, &file).unwrap();
    until(|| post(&running, "new") == 200);
    until(|| running.admin("/readyz").send().status == 200);
    assert_eq!(
        [status(&running, "restored"), status(&running, "new"), status(&running, "later")],
        [200, 200, 404]
    );
    assert!(running.stderr().contains("the file of the database was replaced by another one"));
}

#[test]
fn a_file_that_is_no_database_is_not_a_matter_of_rights() {
    let program = Program::new();
    program.run(&["migrate"]).ok();
    let file = program.folder().join("data/gathering.db");
    let good = fs::read(&file).unwrap();
    let torn = [&good[..4096], &[7; 4096][..]].concat();
    for content in [&b"this is no database, and long enough to be looked at"[..], &torn] {
        fs::write(&file, content).unwrap();
        for command in [
            &["migrate"][..],
            &["migrate", "--check"],
            &["migrate", "--revert"],
            &["serve", "--set", "auth.mode=disabled", "--set", "log.filter=off"],
        ] {
            let run = program.run(command);
            let sentence = refused(&run, 1);
            assert!(sentence.contains("is damaged, or no SQLite database"), "{command:?}: {sentence}");
            assert!(!sentence.contains("rights"), "{sentence}");
        }
    }
}
