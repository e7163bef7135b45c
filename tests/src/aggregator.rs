//! A stand-in for the aggregator, which knows the rules that are acknowledged or disabled, or does whatever else a server may do.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::stand_in;

/// An aggregator on a free port. It answers as the real one does until told otherwise.
#[derive(Debug)]
pub struct Aggregator {
    address: SocketAddr,
    shared: Arc<Shared>,
}

/// What an [`Aggregator`] does with calls whose path ends in some way.
#[derive(Debug, Clone, Default)]
pub enum Behaviour {
    /// It answers from what it was told.
    #[default]
    Right,
    /// It closes the connection.
    Away,
    /// It says nothing until it behaves otherwise, and closes the connection then.
    Silent,
    /// It answers with a blank after the other for ever.
    Endless,
    /// It answers with this.
    Says {
        /// Such as `200 OK`.
        status: &'static str,
        /// Each with its line break, beside the length.
        headers: &'static str,
        /// The bytes.
        body: Vec<u8>,
    },
}

/// A call, as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AggregatorCall {
    /// Method and path, such as `GET /api/v1/rules/organizations/42/disabled_system_wide`.
    pub target: String,
    /// Header lines, their names in lower case.
    pub headers: Vec<String>,
    /// The body.
    pub body: String,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// By the end of the path; the longest that fits counts.
    behaviours: HashMap<String, Behaviour>,
    acknowledged: Vec<(u32, Value)>,
    disabled: Vec<(u32, Value)>,
    calls: Vec<AggregatorCall>,
}

impl Default for Aggregator {
    fn default() -> Self {
        Self::start()
    }
}

impl Aggregator {
    /// An aggregator that knows of no rule.
    ///
    /// # Panics
    /// If there is no free port.
    pub fn start() -> Self {
        let shared = Arc::new(Shared::default());
        let own = Arc::clone(&shared);
        let address = stand_in::serve(move |stream| own.serve(stream));
        Self { address, shared }
    }

    /// What `report.filter.aggregator` is set to.
    pub fn url(&self) -> String {
        format!("http://{}/api/v1", self.address)
    }

    /// The organization acknowledges a rule.
    pub fn acknowledge(&self, organization: u32, rule: &str, error_key: &str) {
        let entry = json!({
            "org_id": organization, "user_id": "7", "rule_id": rule, "error_key": error_key, "justification": "known",
            "created_at": "2026-01-01T00:00:00Z", "updated_at": {"Time": "0001-01-01T00:00:00Z", "Valid": false},
        });
        self.shared.lock().acknowledged.push((organization, entry));
    }

    /// The organization disables a rule for a cluster.
    pub fn disable(&self, organization: u32, cluster: &str, rule: &str, error_key: &str) {
        let entry = json!({
            "ClusterID": cluster, "RuleID": rule, "ErrorKey": error_key, "Disabled": 1,
            "DisabledAt": {"Time": "2026-01-01T00:00:00Z", "Valid": true},
        });
        self.shared.lock().disabled.push((organization, entry));
    }

    /// Does this with calls whose path ends so; with all of them if it is empty.
    pub fn behave(&self, path_end: &str, behaviour: Behaviour) {
        self.shared.lock().behaviours.insert(path_end.to_owned(), behaviour);
        self.shared.changed.notify_all();
    }

    /// The calls so far, in the order in which they came.
    pub fn calls(&self) -> Vec<AggregatorCall> {
        self.shared.lock().calls.clone()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers one call after the other.
    fn serve(&self, mut stream: &TcpStream) {
        let mut reader = BufReader::new(stream);
        while let Some(call) = read(&mut reader) {
            let path = call.target.split(' ').nth(1).unwrap_or_default().to_owned();
            self.lock().calls.push(call.clone());
            match self.behaviour(&path) {
                Behaviour::Right => {
                    let body = self.lock().right_answer(&path, &call.body).to_string();
                    respond(
                        stream,
                        "200 OK",
                        "Content-Type: application/json; charset=utf-8\r\n",
                        body.as_bytes(),
                    );
                }
                Behaviour::Says { status, headers, body } => respond(stream, status, headers, &body),
                Behaviour::Away => return,
                Behaviour::Silent => {
                    let mut state = self.lock();
                    while matches!(state.behaviour(&path), Behaviour::Silent) {
                        state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                    }
                    return;
                }
                Behaviour::Endless => {
                    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
                    while stream.write_all(b"1\r\n \r\n").is_ok() {
                        thread::sleep(Duration::from_millis(10));
                    }
                    return;
                }
            }
        }
    }

    fn behaviour(&self, path: &str) -> Behaviour {
        self.lock().behaviour(path)
    }
}

impl State {
    fn behaviour(&self, path: &str) -> Behaviour {
        let fitting = self.behaviours.iter().filter(|(end, _)| path.ends_with(end.as_str()));
        fitting.max_by_key(|(end, _)| end.len()).map(|(_, behaviour)| behaviour.clone()).unwrap_or_default()
    }

    /// Of another path it knows as little as the real one.
    fn right_answer(&self, path: &str, body: &str) -> Value {
        let mut parts = path.rsplit('/');
        let (list, organization) = (parts.next(), parts.next().and_then(|text| text.parse::<u32>().ok()));
        let of_organization = |entries: &[(u32, Value)]| -> Vec<Value> {
            entries
                .iter()
                .filter(|(owner, _)| Some(*owner) == organization)
                .map(|(_, entry)| entry.clone())
                .collect()
        };
        match list {
            Some("disabled_system_wide") => {
                json!({"status": "ok", "disabledRules": of_organization(&self.acknowledged)})
            }
            Some("disabled_for_clusters") => {
                let asked: Vec<String> = serde_json::from_str(body).unwrap_or_default();
                let mut rules = of_organization(&self.disabled);
                rules.retain(|rule| asked.iter().any(|cluster| rule["ClusterID"] == cluster.as_str()));
                json!({"status": "ok", "rules": if rules.is_empty() { Value::Null } else { rules.into() }})
            }
            _ => json!({"status": "unknown"}),
        }
    }
}

fn read(reader: &mut impl BufRead) -> Option<AggregatorCall> {
    let mut lines = reader.by_ref().lines().map_while(Result::ok);
    let target = lines.next()?.trim_end_matches(" HTTP/1.1").to_owned();
    let headers: Vec<String> = lines
        .take_while(|line| !line.is_empty())
        .map(|line| match line.split_once(':') {
            Some((name, value)) => format!("{}:{value}", name.to_ascii_lowercase()),
            None => line,
        })
        .collect();
    let length = headers.iter().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    Some(AggregatorCall { target, headers, body: String::from_utf8_lossy(&body).into_owned() })
}

fn respond(mut stream: &TcpStream, status: &str, headers: &str, body: &[u8]) {
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n{headers}\r\n", body.len());
    // Whoever has asked may have had enough.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
}
