//! How much memory callers can make the program take up.

use std::io::{ErrorKind, Write};
use std::net::TcpStream;
use std::time::Duration;

use gathering_tests::{Program, Running};

/// Hostile connections of a test. Those that were seen to take 3.7 GiB were 3,000; what is held is in proportion.
const CONNECTIONS: usize = 300;

/// What they may make the program take up: 128 MiB for 3,000, and some for what grows only once.
const MOST: u64 = 32 << 20;

/// What a crowd with long heads may make it take up: the goal for 3,000 connections. 16 MiB count, and the library's buffers
/// grow to twice their size before they do.
const MOST_FOR_HEADS: u64 = 128 << 20;

/// Sends the same on every connection, as much of it as the other side takes within a while. What the system has room for is
/// sent at once, however busy the machine is.
fn crowd(running: &Running, bytes: &[u8]) -> Vec<TcpStream> {
    let connect = |_| {
        let stream = TcpStream::connect(running.api_address()).unwrap();
        stream.set_nonblocking(true).unwrap();
        (stream, bytes)
    };
    let mut crowd: Vec<_> = (0..CONNECTIONS).map(connect).collect();
    for _ in 0..200 {
        for (stream, rest) in &mut crowd {
            match stream.write(rest) {
                Ok(sent) => *rest = &rest[sent..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => *rest = &[],
            }
        }
        if crowd.iter().all(|(_, rest)| rest.is_empty()) {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    crowd.into_iter().map(|(stream, _)| stream).collect()
}

/// Makes sure that the program has answered somebody after it has seen the crowd, and says what it has taken up.
fn settled(running: &Running) -> u64 {
    let mut before = 0;
    for _ in 0..600 {
        assert_eq!(running.call("GET", "/openapi.json").send().status, 200);
        let now = running.resident_memory();
        if now.abs_diff(before) < 64 << 10 {
            return now;
        }
        before = now;
        std::thread::sleep(Duration::from_millis(100));
    }
    before
}

/// Waits until what was taken up is given back, but for what little any work leaves.
fn gives_back(running: &Running, idle: u64) {
    let has_little = || running.resident_memory().saturating_sub(idle) < MOST / 4;
    let has_given_back = (0..600).any(|_| {
        std::thread::sleep(Duration::from_millis(100));
        has_little()
    });
    assert!(has_given_back, "{} bytes are left", running.resident_memory().saturating_sub(idle));
}

fn serve(program: &Program) -> Running {
    program.serve(&["serve", "--set", "auth.mode=disabled", "--set", "http.workers=2"])
}

#[test]
fn answers_that_nobody_reads_take_up_little() {
    let program = Program::new();
    let running = serve(&program);
    let idle = settled(&running);
    let crowd = crowd(&running, &b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n".repeat(200));
    let taken = settled(&running).saturating_sub(idle);
    assert!(taken < MOST, "{taken} bytes");
    drop(crowd);
    gives_back(&running, idle);
}

#[test]
fn many_small_calls_at_once_take_up_little() {
    let program = Program::new();
    let running = serve(&program);
    let idle = settled(&running);
    for more in ["", "Connection: upgrade\r\n"] {
        let call = format!("GET /openapi.json HTTP/1.1\r\nHost: x\r\n{more}\r\n");
        assert_eq!(running.call("GET", "/openapi.json").send().status, 200);
        let crowd = crowd(&running, call.repeat(5_000).as_bytes());
        let taken = settled(&running).saturating_sub(idle);
        assert!(taken < MOST, "{taken} bytes with {more:?}");
        drop(crowd);
        gives_back(&running, idle);
    }
}

#[test]
fn long_heads_that_have_arrived_are_bounded_together() {
    let program = Program::new();
    let running = serve(&program);
    let idle = settled(&running);
    let line = format!("X: {}\r\n", "x".repeat(6_000));
    let head = format!("GET /openapi.json HTTP/1.1\r\nHost: x\r\n{}\r\n", line.repeat(19));
    crowds_until_some_are_closed(&running, head.as_bytes());
    let taken = settled(&running).saturating_sub(idle);
    assert!(taken < MOST_FOR_HEADS, "{taken} bytes");
    gives_back(&running, idle);
}

#[test]
fn heads_that_never_end_are_bounded_together() {
    let program = Program::new();
    let running = serve(&program);
    let idle = settled(&running);
    let mut head = b"GET / HTTP/1.1\r\nX: ".to_vec();
    head.resize(120_000, b'x');
    crowds_until_some_are_closed(&running, &head);
    let taken = settled(&running).saturating_sub(idle);
    assert!(taken < MOST_FOR_HEADS, "{taken} bytes");
    gives_back(&running, idle);
}

/// Sends long heads, of which 140 have more than the 16 MiB that all may hold. On a busy machine they may end before there are
/// so many, since each has its time: then others come, once the ones before have gone.
fn crowds_until_some_are_closed(running: &Running, head: &[u8]) {
    for _ in 0..60 {
        let _crowd = crowd(running, head);
        while metric(running, "gathering_http_connections") > 0 {
            if closed_for_memory(running) > 0 {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    panic!("none was closed");
}

/// How many connections were closed since all together held too much.
fn closed_for_memory(running: &Running) -> u64 {
    metric(running, "gathering_http_connections_closed_total{reason=\"memory\"}")
}

fn metric(running: &Running, name: &str) -> u64 {
    let text = running.admin("/metrics").send().body;
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.unwrap().parse().unwrap()
}
