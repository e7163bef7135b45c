//! A server that gives the answers that a test wrote for it.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use gathering_tests::CLUSTER;

/// Answers calls one after the other as it was told, the last answer again and again, each on a connection of its own.
#[derive(Clone)]
pub(super) struct Scripted {
    address: SocketAddr,
    /// The head of each call that came.
    heads: Arc<Mutex<Vec<String>>>,
}

impl Scripted {
    pub(super) fn start(answers: &[&str]) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").unwrap(), answers)
    }

    pub(super) fn on(listener: TcpListener, answers: &[&str]) -> Self {
        let (address, heads) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(Vec::new())));
        let answers: Vec<String> = answers.iter().map(|answer| (*answer).to_owned()).collect();
        let own = Arc::clone(&heads);
        // Ends with the test's process.
        thread::spawn(move || {
            for (number, stream) in listener.incoming().flatten().enumerate() {
                let answer = answers.get(number).or(answers.last()).unwrap();
                if let Some(head) = head(&stream) {
                    own.lock().unwrap().push(head);
                    let _ = (&stream).write_all(answer.as_bytes());
                }
            }
        });
        Self { address, heads }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/base", self.address)
    }

    pub(super) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

pub(super) fn head(stream: &TcpStream) -> Option<String> {
    let lines = BufReader::new(stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty());
    Some(lines.collect::<Vec<_>>().join("\n").to_lowercase()).filter(|head| !head.is_empty())
}

pub(super) fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n{body}", body.len())
}

pub(super) fn state(state: &str) -> String {
    answer("200 OK", "", &format!("{{\"cluster\":\"{CLUSTER}\",\"requestID\":\"r\",\"status\":\"{state}\"}}"))
}
