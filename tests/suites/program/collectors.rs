//! Collectors of traces that are broken or hostile: they cost traces, and nothing else.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use gathering_tests::{Collector, Program, Running, until};

/// What a collector may make the program take up: its queue, a body, a head, and what grows once.
const MOST: u64 = 32 << 20;

/// Threads that are started once, when they are needed first.
const LATE_THREADS: u64 = 4;

/// Reads the head of a call, and something of its body.
fn read_some(mut stream: &TcpStream) {
    let _ = stream.read(&mut [0; 4096]);
}

/// Writes this for as long as the other side takes it.
fn for_ever(mut stream: &TcpStream, text: &str, pause: Duration) {
    while stream.write_all(text.as_bytes()).is_ok() {
        std::thread::sleep(pause);
    }
}

fn answer(mut stream: &TcpStream, head: &str) {
    read_some(stream);
    let _ = stream.write_all(head.as_bytes());
}

fn spans(running: &Running, outcome: &str) -> u64 {
    let text = running.admin("/metrics").send().body;
    let name = format!("gathering_trace_spans_total{{outcome=\"{outcome}\"}} ");
    text.lines().find_map(|line| line.strip_prefix(&name)?.parse().ok()).unwrap()
}

/// Has a program send traces there, twice at least; says what it wrote to standard error.
fn stand(collector: &Collector, outcome: &str) -> String {
    let program = Program::new();
    let setting = collector.setting();
    let settings = ["auth.mode=disabled", "telemetry.sample=1", "http.shutdown_delay=0s", &setting];
    let arguments: Vec<&str> =
        ["serve"].into_iter().chain(settings.into_iter().flat_map(|set| ["--set", set])).collect();
    let running = program.serve(&arguments);
    let call = || assert_eq!(running.call("GET", "/nope").send().status, 404);
    call();
    let (memory, threads) = (running.resident_memory(), running.threads());
    for _ in 0..2 {
        let before = spans(&running, outcome);
        until(|| {
            call();
            spans(&running, outcome) > before
        });
    }
    let (peak, now) = (running.peak_memory(), running.threads());
    assert!(peak < memory + MOST, "from {memory} to {peak} bytes");
    assert!(now <= threads + LATE_THREADS, "from {threads} to {now} threads");
    running.signal("TERM");
    let finished = running.wait();
    assert_eq!(finished.code, Some(0));
    finished.stderr
}

fn lines(stderr: &str) -> usize {
    stderr.lines().filter(|line| line.contains("traces")).count()
}

fn check_failing(collector: &Collector) {
    let stderr = stand(collector, "failed");
    // The second line tells of the stop, if the collector is busy with the last spans then.
    let stop = usize::from(stderr.contains("the last spans of traces were not sent"));
    assert_eq!(lines(&stderr), 1 + stop, "{stderr}");
    assert_eq!(stderr.matches("traces cannot be sent").count(), 1, "{stderr}");
}

#[test]
fn a_head_without_end_is_not_kept() {
    check_failing(&Collector::that(|stream| {
        answer(stream, "HTTP/1.1 200 OK\r\nx: ");
        for_ever(stream, &"a".repeat(1 << 16), Duration::ZERO);
    }));
}

#[test]
fn headers_without_end_are_not_kept() {
    check_failing(&Collector::that(|stream| {
        answer(stream, "HTTP/1.1 200 OK\r\n");
        for_ever(stream, &"a: b\r\n".repeat(1000), Duration::ZERO);
    }));
}

#[test]
fn answers_before_the_answer_without_end_are_not_kept() {
    check_failing(&Collector::that(|stream| {
        read_some(stream);
        for_ever(stream, &"HTTP/1.1 103 Early Hints\r\n\r\n".repeat(1000), Duration::ZERO);
    }));
}

#[test]
fn a_head_that_trickles_has_its_time() {
    check_failing(&Collector::that(|stream| {
        answer(stream, "HTTP/1.1 200 OK\r\nx: ");
        for_ever(stream, "a", Duration::from_millis(100));
    }));
}

#[test]
fn something_else_than_http_is_no_answer() {
    check_failing(&Collector::that(|stream| {
        read_some(stream);
        for_ever(stream, &"\u{1b}[31m\n\0".repeat(1000), Duration::ZERO);
    }));
}

#[test]
fn a_body_without_end_is_not_read() {
    let collector = Collector::that(|stream| {
        answer(stream, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
        for_ever(stream, &format!("10000\r\n{}\r\n", "a".repeat(1 << 16)), Duration::ZERO);
    });
    assert_eq!(lines(&stand(&collector, "exported")), 0);
}

#[test]
fn an_error_is_told_of_once() {
    check_failing(&Collector::that(|stream| {
        answer(
            stream,
            "HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        );
    }));
}

#[test]
fn a_redirect_is_not_followed() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = elsewhere.local_addr().unwrap();
    check_failing(&Collector::that(move |stream| {
        let head = format!(
            "HTTP/1.1 307 Temporary Redirect\r\nlocation: http://{address}/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        );
        answer(stream, &head);
    }));
    elsewhere.set_nonblocking(true).unwrap();
    assert!(elsewhere.accept().is_err(), "nobody asks there");
}

#[test]
fn a_collector_that_closes_every_connection_is_told_of_once() {
    check_failing(&Collector::that(|_| {}));
}
