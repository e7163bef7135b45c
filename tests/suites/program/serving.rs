//! `gathering serve`: starting, stopping, restarting.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};

use gathering_tests::{CLUSTER, Message, Program};

use crate::{refused, secret};

#[test]
fn signals_stop_it_cleanly() {
    for name in ["TERM", "INT"] {
        let program = Program::new();
        let running = program.serve(&["serve", "--set", &secret(&program)]);
        assert_eq!(running.admin("/readyz").send().status, 200);
        // A connection that is kept alive and says nothing must not hold up the end.
        let mut idle = TcpStream::connect(running.api_address()).unwrap();
        idle.write_all(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        let mut first = [0; 12];
        idle.read_exact(&mut first).unwrap();
        assert_eq!(&first, b"HTTP/1.1 200");
        running.signal(name);
        let finished = running.wait();
        assert_eq!(finished.code, Some(0), "{finished:?}");
        assert!(finished.stderr.trim_end().ends_with("stopped"), "{finished:?}");
    }
}

#[test]
fn a_call_in_flight_is_finished_before_the_end() {
    let program = Program::new();
    let running = program.serve(&["serve", "--set", "auth.mode=disabled"]);
    let mut stream = TcpStream::connect(running.api_address()).unwrap();
    let head = format!(
        "POST /cluster/{CLUSTER}/requests HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    // Only a service that has the call in hand asks for its body.
    let mut goes_on = [0; 25];
    stream.read_exact(&mut goes_on).unwrap();
    assert_eq!(&goes_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"[\"").unwrap();
    running.signal("TERM");
    // The stop has begun once nobody new is let in.
    let is_refused = || TcpStream::connect(running.api_address()).is_err();
    assert!((0..3000).any(|_| is_refused() || {
        std::thread::sleep(std::time::Duration::from_millis(10));
        false
    }));
    stream.write_all(b"a\"]").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("\"requestID\":\"a\""), "{answer}");
    assert_eq!(running.wait().code, Some(0));
}

#[test]
fn calls_are_taken_while_others_hear_of_the_stop() {
    let program = Program::new();
    let delay = ["serve", "--set", "auth.mode=disabled", "--set", "http.shutdown_delay=60s"];
    let running = program.serve(&delay);
    let call = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut kept = TcpStream::connect(running.api_address()).unwrap();
    kept.write_all(&call[..20]).unwrap();
    running.signal("TERM");
    let is_stopping = || running.admin("/readyz").send();
    let stopping = (0..3000).map(|_| is_stopping()).find(|answer| {
        std::thread::sleep(std::time::Duration::from_millis(10));
        answer.status == 503
    });
    assert!(stopping.unwrap().body.contains("stopping"));
    let answer = running.call("GET", "/openapi.json").send();
    assert_eq!((answer.status, answer.headers["connection"].as_bytes()), (200, &b"close"[..]));
    // A head that was half sent before the signal is answered too, and ends the connection.
    kept.write_all(&call[20..]).unwrap();
    let mut text = String::new();
    kept.read_to_string(&mut text).unwrap();
    assert!(text.starts_with("HTTP/1.1 200 ") && text.contains("connection: close\r\n"), "{text}");
    assert_eq!(running.admin("/livez").send().status, 200);
    running.signal("TERM");
    assert_eq!(running.wait().code, Some(1), "the second signal ends it at once");
}

#[test]
fn a_hangup_has_files_read_again() {
    let program = Program::new();
    let secret = secret(&program);
    let running = program.serve(&["serve", "--set", &secret]);
    running.signal("HUP");
    let mut lines = 0;
    while !running.stderr().contains("took the present keys") {
        std::thread::sleep(std::time::Duration::from_millis(10));
        lines += 1;
        assert!(lines < 6000, "{}", running.stderr());
    }
    assert_eq!(running.admin("/readyz").send().status, 200, "it goes on");
    running.signal("TERM");
    assert_eq!(running.wait().code, Some(0));
}

#[test]
fn an_admin_address_in_use_leaves_nothing_behind() {
    let program = Program::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (api, admin) = (format!("http.bind={free}"), format!("admin.bind={}", taken.local_addr().unwrap()));
    let run = program.run(&["serve", "--set", "auth.mode=disabled", "--set", &api, "--set", &admin]);
    assert!(!run.stderr.contains("answering on"), "{run:?}");
    assert_eq!(run.code, Some(1));
    assert!(TcpStream::connect(free).is_err());
}

#[test]
fn a_start_that_is_held_up_can_be_stopped() {
    let program = Program::new();
    program.run(&["migrate"]).ok();
    // Where nothing is to be applied, nobody waits for a lock.
    program.run(&["migrate", "--revert"]).ok();
    let database = program.folder().join("data/gathering.db");
    let lock = gathering_tests::LockedSqlite::new(&database);
    let free = ["--set", "http.bind=127.0.0.1:0", "--set", "admin.bind=127.0.0.1:0"];
    let mut child = program
        .command(&["serve", "--set", "auth.mode=disabled", "--set", "storage.pool_timeout=50ms"])
        .args(free)
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.contains("waiting for the database")), "it says what it waits for");
    gathering_tests::signal(&child, "TERM");
    assert!(lines.any(|line| line.contains("stopped before the start was done")));
    assert_eq!(child.wait().unwrap().code(), Some(0), "the lock is held, and it ends all the same");
    drop(lock);
}

#[test]
fn a_port_in_use_is_one_sentence() {
    let program = Program::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let secret = secret(&program);
    for (key, other) in [("http.bind", "admin.bind"), ("admin.bind", "http.bind")] {
        let (bind, free) = (format!("{key}={address}"), format!("{other}=127.0.0.1:0"));
        let arguments =
            ["serve", "--set", &secret, "--set", &bind, "--set", &free, "--set", "log.filter=off"];
        let run = program.run(&arguments);
        let expected = format!(
            "cannot listen on {address} (Address already in use (os error 98)); stop what uses it, or choose another \
             address with {key}"
        );
        assert_eq!(refused(&run, 1), expected);
    }
}

#[test]
fn a_database_that_is_away_is_one_sentence() {
    let program = Program::new();
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("storage.url=postgres://u:secret@{nobody}/d");
    for migrates in ["true", "false"] {
        let migrates = format!("storage.migrate_on_start={migrates}");
        let run = program.run(&["serve", "--set", &secret(&program), "--set", &url, "--set", &migrates]);
        let sentence = refused(&run, 1);
        assert!(
            sentence.starts_with("the database postgres://u:***@") && sentence.contains("check that it runs")
        );
    }
    let folder = program.file("file", "no folder");
    let url = format!("storage.url=sqlite://{}/x.db", folder.display());
    let run = program.run(&["serve", "--set", &secret(&program), "--set", &url]);
    assert!(refused(&run, 1).contains("cannot be made"), "{run:?}");
}

#[test]
fn a_restart_changes_nothing() {
    let program = Program::new();
    let message = Message::new(1, CLUSTER, "a").to_string();
    program.run_with_input(&["import", "results", "-"], message.as_bytes()).ok();
    let mut answers = Vec::new();
    for _ in 0..2 {
        let running = program.serve(&["serve", "--set", "auth.mode=disabled"]);
        answers.push(running.call("GET", &format!("/cluster/{CLUSTER}/requests")).send().body);
        running.signal("TERM");
        assert_eq!(running.wait().code, Some(0));
    }
    assert_eq!(answers[0], answers[1]);
}

#[test]
fn records_of_another_process_are_seen_at_once() {
    let program = Program::new();
    let running = program.serve(&["serve", "--set", "auth.mode=disabled"]);
    let status = || running.call("GET", &format!("/cluster/{CLUSTER}/request/a/status")).send().status;
    assert_eq!(status(), 404);
    let message = Message::new(1, CLUSTER, "a").to_string();
    program.run_with_input(&["import", "results", "-"], message.as_bytes()).ok();
    assert_eq!(status(), 200);
}
