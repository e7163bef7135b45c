//! The operator as a client: how often it asks, what it makes of the answers, and when it gives up.
//!
//! Written after the behaviour of its versions 4.14 to 5.1. Its delays of a minute are not waited for: what happens between two
//! polls is a step of the test.

use std::net::{SocketAddr, TcpListener};

use gathering_tests::{Answer, CLUSTER, Call, TestServer};
use serde_json::Value;

/// What tells versions apart.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Operator {
    /// The heading of its column in docs/OPERATORS.md.
    pub(crate) name: &'static str,
    user_agent: &'static str,
    /// How many failures of one kind it takes; with one more it gives up.
    retries: usize,
    /// Whether it polls on after a network error, and after a 200 with another status, and counts them apart.
    is_patient: bool,
}

pub(crate) const OPERATORS: [Operator; 3] = [
    Operator { name: "4.14", user_agent: "insights-operator/unknown-5f3a1c2", retries: 2, is_patient: false },
    Operator {
        name: "4.15 to 4.20",
        user_agent: "insights-operator/4.20.9-8d1e0b7 cluster/5d5892d3-1f74-4ccf-91af-548dfc9767aa",
        retries: 3,
        is_patient: false,
    },
    Operator {
        name: "4.21 and later",
        user_agent: "insights-operator/4.21.0-0aa51c9 cluster/5d5892d3-1f74-4ccf-91af-548dfc9767aa",
        retries: 3,
        is_patient: true,
    },
];

/// What the operator has in the end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// So many recommendations, asked for after this poll, counted from 1.
    Report { poll: usize, entries: usize },
    /// It took the request for processed at this poll, and its only call for the report failed.
    ReportLost { poll: usize },
    /// No report: it gave up at this poll.
    GaveUp { poll: usize },
}

/// What happens while the operator polls.
pub(crate) trait Surroundings {
    /// Before a poll, counted from 1.
    fn before(&mut self, poll: usize);
    /// Lets a call be answered; it may be held for a while.
    fn send(&mut self, poll: usize, call: Call) -> Answer;
    /// Between the last poll and the call for the report.
    fn before_report(&mut self);
    /// Whether nothing listens where the operator asks.
    fn is_unreachable(&self) -> bool;
}

impl Operator {
    /// Polls until the request is processed or it gives up, and then fetches the report.
    pub(crate) fn gather(&self, server: &TestServer, surroundings: &mut impl Surroundings) -> End {
        let (mut network_errors, mut other_codes, mut other_states) = (0, 0, 0);
        for poll in 1.. {
            surroundings.before(poll);
            let counter = if surroundings.is_unreachable() {
                let address = nowhere();
                assert!(std::net::TcpStream::connect(address).is_err());
                if !self.is_patient {
                    return End::GaveUp { poll };
                }
                &mut network_errors
            } else {
                let answer = surroundings.send(poll, self.call(server, "status"));
                if answer.status != 200 {
                    &mut other_codes
                } else if answer.json()["status"] == "processed" {
                    surroundings.before_report();
                    return self.fetch(server, poll);
                } else if self.is_patient {
                    &mut other_states
                } else {
                    return End::GaveUp { poll };
                }
            };
            *counter += 1;
            if *counter > self.retries {
                return End::GaveUp { poll };
            }
        }
        unreachable!("it gives up before numbers end")
    }

    /// Asks for the report, once. Its resource refuses all of it for one entry out of range.
    fn fetch(&self, server: &TestServer, poll: usize) -> End {
        let answer = self.call(server, "report").send();
        if answer.status != 200 {
            return End::ReportLost { poll };
        }
        let body = answer.json();
        assert_eq!((&body["cluster"], &body["requestID"]), (&CLUSTER.into(), &REQUEST.into()));
        let entries = body["report"].as_array().expect("a list");
        assert!(entries.len() <= 100);
        for entry in entries {
            let length = |name: &str| entry[name].as_str().expect("a text").chars().count();
            assert!((10..=2048).contains(&length("description")), "{entry}");
            // With the address of the advisor in front and the bar between them escaped.
            assert!(100 + length("rule_fqdn") + 3 + length("error_key") <= 2048);
            assert!(entry["total_risk"].as_i64().is_some_and(|risk| (1..=4).contains(&risk)), "{entry}");
        }
        let distinct: std::collections::BTreeSet<String> = entries.iter().map(Value::to_string).collect();
        assert_eq!(distinct.len(), entries.len());
        End::Report { poll, entries: entries.len() }
    }

    fn call(&self, server: &TestServer, what: &str) -> Call {
        server
            .get(&format!("/api/v2/cluster/{CLUSTER}/request/{REQUEST}/{what}"))
            .header("User-Agent", self.user_agent)
            .header("Connection", "close")
            .bearer(&server.token(42))
    }
}

/// As services on premises make them.
pub(crate) const REQUEST: &str = "0b8f3f6e-1c5d-4a8e-9d0c-2f1a7c6b5e4d";

/// An address where nothing listens.
fn nowhere() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port")
}
