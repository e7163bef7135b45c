//! Connections: several calls on one of them, too many of them, and such as take nothing.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use gathering_tests::{CLUSTER, Message, TestDatabase, TestServer};

use crate::fixture::{requests, status};

/// Longer than anything takes; what hangs fails its test.
const PATIENCE: Duration = Duration::from_secs(60);

fn connect(server: &TestServer) -> TcpStream {
    let stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Reads one answer with a `Content-Length`: its status and body.
fn answer(stream: &mut TcpStream) -> (u16, String) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("an answer");
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    let mut body = vec![0; length.parse().unwrap()];
    stream.read_exact(&mut body).unwrap();
    (status, String::from_utf8(body).unwrap())
}

/// Whether the other side has ended the connection.
fn is_over(stream: &mut TcpStream) -> bool {
    match stream.read(&mut vec![0; 65_536]) {
        Ok(read) => read == 0,
        Err(error) => {
            assert_ne!(error.kind(), ErrorKind::WouldBlock, "it goes on");
            true
        }
    }
}

/// Calls of every form that a body can have, and what they are answered with: statuses and request IDs.
fn mixed_calls(token: &str) -> (Vec<u8>, Vec<(u16, &'static str)>) {
    let (mut bytes, mut expected) = (Vec::new(), Vec::new());
    let mut add = |method: &str, target: &str, rest: &str, status, contains| {
        let head =
            format!("{method} {target} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n{rest}");
        bytes.extend_from_slice(head.as_bytes());
        expected.push((status, contains));
    };
    for _ in 0..5 {
        add("GET", &status(CLUSTER, "r"), "\r\n", 200, "processed");
        add("POST", &requests(CLUSTER), "Content-Length: 9\r\n\r\n[\"first\"]", 200, "first");
        let chunks = "Transfer-Encoding: chunked\r\n\r\n3\r\n[\"c\r\n8;x=\"0\"\r\nhunked\"]\r\n0\r\n\r\n";
        add("POST", &requests(CLUSTER), chunks, 200, "chunked");
        add("POST", &requests(CLUSTER), "Content-Length: 6\r\n\r\n\r\n\r\n[]", 200, "\"requests\":[]");
        add("GET", &status(CLUSTER, "none"), "\r\n", 404, "not found");
        // Nobody reads the body of a call that is refused.
        let unread = "Transfer-Encoding: chunked\r\n\r\n4\r\n\r\n\r\n\r\n0\r\n\r\n";
        add("POST", "/nowhere", unread, 404, "No endpoint");
        add("GET", &status(CLUSTER, "r"), "\r\n", 200, "processed");
    }
    (bytes, expected)
}

#[test]
fn calls_on_one_connection_are_answered_in_order_however_they_arrive() {
    let server = TestServer::start(TestDatabase::sqlite());
    server.import(&[Message::new(42, CLUSTER, "r")]);
    let (bytes, expected) = mixed_calls(&server.token(42));
    for size in [bytes.len(), 4096, 1000, 97, 7] {
        let mut stream = connect(&server);
        stream.set_nodelay(true).unwrap();
        let mut writer = stream.try_clone().unwrap();
        let bytes = bytes.clone();
        let writing = std::thread::spawn(move || {
            for part in bytes.chunks(size) {
                writer.write_all(part).unwrap();
            }
        });
        for (number, (status, contains)) in expected.iter().enumerate() {
            let (found, body) = answer(&mut stream);
            assert!(
                found == *status && body.contains(contains),
                "{size} at once, call {number}: {found} {body}"
            );
        }
        writing.join().unwrap();
    }
}

#[test]
fn calls_that_wait_on_postgres_are_answered_in_order_too() {
    let server = TestServer::start(TestDatabase::postgres());
    server.import(&[Message::new(42, CLUSTER, "r")]);
    let (bytes, expected) = mixed_calls(&server.token(42));
    let mut stream = connect(&server);
    stream.write_all(&bytes).unwrap();
    for (status, contains) in expected {
        let (found, body) = answer(&mut stream);
        assert!(found == status && body.contains(contains), "{found} {body}");
    }
}

#[test]
fn a_body_may_wait_until_it_is_asked_for() {
    let server = TestServer::start(TestDatabase::sqlite());
    let token = server.token(42);
    let mut stream = connect(&server);
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Length: 5\r\n\
         Expect: 100-continue\r\n\r\n",
        requests(CLUSTER)
    );
    for _ in 0..3 {
        stream.write_all(head.as_bytes()).unwrap();
        let mut goes_on = [0; 25];
        stream.read_exact(&mut goes_on).unwrap();
        assert_eq!(&goes_on, b"HTTP/1.1 100 Continue\r\n\r\n");
        stream.write_all(b"[\"a\"]").unwrap();
        assert_eq!(answer(&mut stream).0, 200);
    }
}

#[test]
fn a_large_head_and_a_large_body_arrive() {
    let server = TestServer::start(TestDatabase::sqlite());
    let token = server.token(42);
    let mut stream = connect(&server);
    for _ in 0..3 {
        let padding = "x".repeat(60_000);
        let body = format!("[{}\"a\"]", " ".repeat(1_000_000));
        let call = format!(
            "POST {} HTTP/1.1\r\nHost: x\r\nX-Padding: {padding}\r\nAuthorization: Bearer {token}\r\n\
             Content-Length: {}\r\n\r\n{body}",
            requests(CLUSTER),
            body.len()
        );
        stream.write_all(call.as_bytes()).unwrap();
        assert_eq!(answer(&mut stream).0, 200);
    }
}

#[test]
fn over_the_limit_the_connection_that_idled_longest_is_closed() {
    let server = TestServer::builder(TestDatabase::sqlite()).set("http.max_connections=3").start();
    let call = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut open: Vec<TcpStream> = Vec::new();
    for _ in 0..3 {
        let mut stream = connect(&server);
        stream.write_all(call).unwrap();
        assert_eq!(answer(&mut stream).0, 200);
        open.push(stream);
        // The server's clock for this ticks four times a second.
        std::thread::sleep(Duration::from_millis(600));
    }
    open[0].write_all(call).unwrap();
    assert_eq!(answer(&mut open[0]).0, 200);
    let mut newest = connect(&server);
    newest.write_all(call).unwrap();
    assert_eq!(answer(&mut newest).0, 200);
    assert!(is_over(&mut open[1]), "it idled longest");
    open[0].write_all(call).unwrap();
    assert_eq!(answer(&mut open[0]).0, 200, "others go on");
    assert_eq!(server.metric("gathering_http_connections_closed_total{reason=\"idle\"}"), 1);
}

#[test]
fn a_crowd_that_says_nothing_keeps_nobody_out() {
    let server = TestServer::builder(TestDatabase::sqlite()).set("http.max_connections=20").start();
    let crowd: Vec<TcpStream> = (0..100).map(|_| connect(&server)).collect();
    for _ in 0..20 {
        server.until(|server| {
            server.get("/openapi.json").try_send().ok().filter(|answer| answer.status == 200)
        });
    }
    drop(crowd);
}

#[test]
fn a_crowd_in_the_middle_of_its_bodies_keeps_nobody_out() {
    let server = TestServer::builder(TestDatabase::sqlite()).set("http.max_connections=20").start();
    let token = server.token(42);
    let crowd: Vec<TcpStream> = (0..100)
        .map(|number| {
            let mut stream = connect(&server);
            let length = if number % 2 == 0 { "Content-Length: 20" } else { "Transfer-Encoding: chunked" };
            let head = format!(
                "POST {} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n{length}\r\n\r\n",
                requests(CLUSTER)
            );
            let _ = stream.write_all(head.as_bytes());
            stream
        })
        .collect();
    for _ in 0..20 {
        server.until(|server| {
            server.get("/openapi.json").try_send().ok().filter(|answer| answer.status == 200)
        });
    }
    drop(crowd);
}

#[test]
fn a_body_that_goes_on_for_nobody_ends_its_connection() {
    let server = TestServer::start(TestDatabase::sqlite());
    let mut stream = connect(&server);
    stream
        .write_all(b"POST /nowhere HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab")
        .unwrap();
    assert_eq!(answer(&mut stream).0, 404);
    assert!(is_over(&mut stream));
    assert_eq!(server.metric("gathering_http_connections_closed_total{reason=\"slow_body\"}"), 1);
}

#[test]
fn an_answer_that_nobody_reads_ends_its_connection() {
    let server = TestServer::builder(TestDatabase::sqlite()).set("http.write_timeout=300ms").start();
    let mut stream = connect(&server);
    // More than the system keeps for those who do not read.
    let calls = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n".repeat(2000);
    let _ = stream.write_all(&calls);
    let slow = "gathering_http_connections_closed_total{reason=\"slow_answer\"}";
    server.until(|server| (server.metric(slow) == 1).then_some(()));
    let started = Instant::now();
    while !is_over(&mut stream) {
        assert!(started.elapsed() < PATIENCE);
    }
    assert_eq!(server.get("/openapi.json").send().status, 200);
}
