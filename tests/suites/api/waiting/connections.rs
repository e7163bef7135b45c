//! What becomes of the connections of those who wait.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};

use gathering_tests::{CLUSTER, Message, TestDatabase, TestServer};

use super::{APPLIED, NO_RECHECK, ask, record, until_waiting};
use crate::fixture::status;
use crate::on_both;

on_both!(
    those_who_wait_leave_connections_to_others,
    a_client_that_has_gone_waits_no_more,
    calls_behind_one_that_waits_are_answered_after_it,
    a_call_whose_client_has_gone_is_counted_but_has_no_duration,
);

fn those_who_wait_leave_connections_to_others(database: TestDatabase) {
    let server = TestServer::builder(database).set(NO_RECHECK).set("http.max_connections=8").start();
    std::thread::scope(|scope| {
        let calls: Vec<_> = (0..6)
            .map(|number| ask(scope, &server, &status(CLUSTER, &format!("r{number}")), "wait=20"))
            .collect();
        until_waiting(&server, 6);
        for _ in 0..3 {
            let refused =
                server.get(&status(CLUSTER, "r")).header("Prefer", "wait=20").bearer(&server.token(42));
            assert_eq!(refused.send().header(APPLIED), "");
        }
        for number in 0..6 {
            record(&server, &Message::new(42, CLUSTER, &format!("r{number}")));
        }
        for call in calls {
            assert_eq!(call.join().unwrap().json()["status"], "processed");
        }
    });
}

/// What a client may leave behind a head that says `wait`: more headers, and what follows the head.
fn left_behind(server: &TestServer) -> Vec<(&'static str, String)> {
    let next = format!("GET {} HTTP/1.1\r\nHost: x\r\n\r\n", status(CLUSTER, "r"));
    vec![
        ("", String::new()),
        ("", "\r\n".to_owned()),
        ("", next.clone()),
        ("", format!("{next}{next}").replace("Host: x", &format!("Host: {}", server.token(42)))),
        ("", next.repeat(400)),
        ("Content-Length: 4\r\n", "body".to_owned()),
        ("Content-Length: 400\r\n", "half a body".to_owned()),
        ("Content-Length: 40000\r\n", "x".repeat(40_000)),
        ("Transfer-Encoding: chunked\r\n", "4\r\nbody\r\n0\r\n\r\n".to_owned()),
        ("Transfer-Encoding: chunked\r\n", format!("4e20\r\n{}", "x".repeat(20_000))),
    ]
}

fn a_client_that_has_gone_waits_no_more(database: TestDatabase) {
    let server = TestServer::builder(database).set(NO_RECHECK).start();
    for (headers, rest) in left_behind(&server) {
        let send = |is_at_once: bool| {
            let mut stream = TcpStream::connect(server.address()).unwrap();
            let head = format!(
                "GET {} HTTP/1.1\r\nHost: x\r\nPrefer: wait=20\r\nAuthorization: Bearer {}\r\n{headers}\r\n",
                status(CLUSTER, "r"),
                server.token(42)
            );
            if is_at_once {
                stream.write_all(format!("{head}{rest}").as_bytes()).unwrap();
                until_waiting(&server, 1);
            } else {
                stream.write_all(head.as_bytes()).unwrap();
                until_waiting(&server, 1);
                stream.write_all(rest.as_bytes()).unwrap();
            }
            stream
        };
        for is_at_once in [true, false] {
            drop(send(is_at_once));
            until_waiting(&server, 0);
        }
        // Nothing tells one that only closes its side from one that has gone.
        let mut half = send(true);
        half.shutdown(Shutdown::Write).unwrap();
        until_waiting(&server, 0);
        let mut answer = Vec::new();
        let _ = half.read_to_end(&mut answer);
        assert_eq!(String::from_utf8_lossy(&answer), "", "{headers}{}", rest.len());
    }
}

fn calls_behind_one_that_waits_are_answered_after_it(database: TestDatabase) {
    let server = TestServer::builder(database).set(NO_RECHECK).start();
    server.import(&[Message::new(42, CLUSTER, "done").failed()]);
    for count in [1, 3, 40] {
        let awaited = format!("awaited{count}");
        let call = |request: &str, headers: &str| {
            let path = status(CLUSTER, request);
            let token = server.token(42);
            format!("GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n{headers}\r\n")
        };
        let mut calls = call(&awaited, "Prefer: wait=20\r\n");
        calls += &call("done", "").repeat(count);
        calls += &call("done", "Connection: close\r\n");
        let mut stream = TcpStream::connect(server.address()).unwrap();
        stream.write_all(calls.as_bytes()).unwrap();
        until_waiting(&server, 1);
        record(&server, &Message::new(42, CLUSTER, &awaited));
        let mut answers = String::new();
        stream.read_to_string(&mut answers).unwrap();
        let answered: Vec<_> = answers.match_indices("\"requestID\":\"").collect();
        assert_eq!(answered.len(), count + 2, "{answers}");
        assert!(answers[answered[0].0..].starts_with(&format!("\"requestID\":\"{awaited}\"")), "{answers}");
        assert_eq!(answers.matches("\"failed\"").count(), count + 1, "{answers}");
    }
}

fn a_call_whose_client_has_gone_is_counted_but_has_no_duration(database: TestDatabase) {
    let server = TestServer::builder(database).set(NO_RECHECK).start();
    let labels = |status: u16| {
        let endpoint = "/cluster/{clusterID}/request/{requestID}/status";
        format!("{{endpoint=\"{endpoint}\",method=\"GET\",status=\"{status}\"}}")
    };
    for _ in 0..2 {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        let (path, token) = (status(CLUSTER, "r"), server.token(42));
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: x\r\nPrefer: wait=20\r\nAuthorization: Bearer {token}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        until_waiting(&server, 1);
        drop(stream);
        until_waiting(&server, 0);
    }
    assert_eq!(server.get(&status(CLUSTER, "r")).bearer(&server.token(42)).send().status, 404);
    let calls = |status| format!("gathering_http_requests_total{}", labels(status));
    server.until(|server| (server.metric(&calls(499)) == 2).then_some(()));
    assert_eq!(server.metric(&calls(404)), 1);
    let text = server.admin("/metrics").send().body;
    let duration = |status| format!("gathering_http_request_duration_seconds_count{}", labels(status));
    assert!(text.contains(&duration(404)) && !text.contains(&duration(499)), "{text}");
}
