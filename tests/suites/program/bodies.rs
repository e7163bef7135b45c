//! What bodies make of the program's memory, as the system counts it. Each limit is a fraction of what it took when
//! nothing bounded it, and some times what it takes now.

use std::io::Write;
use std::net::TcpStream;

use flate2::Compression;
use flate2::write::GzEncoder;
use gathering_tests::{CLUSTER, Program, Running};
use serde_json::{Value, json};

const MIB: u64 = 1 << 20;

fn serve(program: &Program) -> Running {
    program.serve(&["serve", "--set", "auth.mode=disabled"])
}

/// The most memory that it took while `work` was done, over what it took before.
fn growth(running: &Running, work: impl FnOnce()) -> u64 {
    let before = running.resident_memory();
    work();
    running.peak_memory().saturating_sub(before)
}

fn send(running: &Running, path: &str, plain: &[u8]) -> Value {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(plain).unwrap();
    let call = running.call("POST", path).body(encoder.finish().unwrap());
    let answer =
        call.header("Content-Type", "application/x-ndjson").header("Content-Encoding", "gzip").send();
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

#[test]
fn very_many_messages_take_no_more_than_their_bytes() {
    let program = Program::new();
    let running = serve(&program);
    let count = 500_000;
    let grown = growth(&running, || {
        let answer = send(&running, "/ingest/results", "0\n".repeat(count).as_bytes());
        assert_eq!(answer["rejected"], count);
    });
    assert!(grown < 32 * MIB, "{grown}");
}

#[test]
fn very_many_members_and_elements_take_no_more_than_their_bytes() {
    let program = Program::new();
    let running = serve(&program);
    let members = format!("{{{}\"\":0}}", "\"\":0,".repeat(600_000));
    let elements = format!("[{}0]", "0,".repeat(1_500_000));
    let report = |key: &str| {
        let report = json!({"system": {}, "fingerprints": [], key: "elements", "reports": []});
        format!("{{\"Report\":{}}}", report.to_string().replace("\"elements\"", &elements))
    };
    for (path, body) in [
        ("/ingest/results", members.clone()),
        ("/ingest/results", format!("{{\"Report\":{members}}}")),
        ("/ingest/results", report("info")),
        ("/ingest/announcements", members),
    ] {
        let grown = growth(&running, || assert_eq!(send(&running, path, body.as_bytes())["rejected"], 1));
        assert!(grown < 32 * MIB, "{path} {} {grown}", &body[..40]);
    }
}

#[test]
fn half_sent_lists_take_no_more_than_their_share() {
    let program = Program::new();
    let running = serve(&program);
    let mut streams = Vec::new();
    let grown = growth(&running, || {
        for _ in 0..200 {
            let mut stream = TcpStream::connect(running.api_address()).unwrap();
            let head = format!(
                "POST /cluster/{CLUSTER}/requests HTTP/1.1\r\nHost: x\r\nContent-Length: {MIB}\r\n\r\n[\""
            );
            stream.write_all(head.as_bytes()).unwrap();
            // Whoever is turned away does not get all of it sent.
            let _ = stream.write_all(&vec![b'a'; 900 << 10]);
            streams.push(stream);
        }
    });
    assert!(grown < 100 * MIB, "{grown}");
}
