//! A server that publishes keys, or does whatever else a provider of keys may do.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::stand_in;

const NOT_FOUND: &[u8] = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// A server of keys on a free port. It answers every path with 404 until told otherwise.
#[derive(Debug)]
pub struct KeyServer {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    answers: HashMap<String, Vec<u8>>,
    asked: Vec<String>,
    /// The heads of all calls.
    heads: Vec<String>,
    is_held: bool,
    is_endless: bool,
    pause: Duration,
}

impl Default for KeyServer {
    fn default() -> Self {
        Self::start()
    }
}

impl KeyServer {
    /// A server.
    ///
    /// # Panics
    /// If there is no free port.
    pub fn start() -> Self {
        let shared = Arc::new(Shared::default());
        let own = Arc::clone(&shared);
        let address = stand_in::serve(move |stream| own.answer(stream));
        Self { address, shared }
    }

    /// The address of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Answers a path with a status, headers and a body.
    pub fn answer(&self, path: &str, status: &str, headers: &str, body: impl AsRef<[u8]>) {
        let body = body.as_ref();
        let mut answer = format!(
            "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n",
            body.len()
        )
        .into_bytes();
        answer.extend_from_slice(body);
        self.shared.lock().answers.insert(path.to_owned(), answer);
    }

    /// Publishes a key set at a path.
    pub fn publish(&self, path: &str, keys: &[Value]) {
        self.answer(path, "200 OK", "Content-Type: application/json\r\n", json!({"keys": keys}).to_string());
    }

    /// How often a path was asked for.
    pub fn asked(&self, path: &str) -> usize {
        self.shared.lock().asked.iter().filter(|asked| *asked == path).count()
    }

    /// The header of this name of each call that had it once, whatever its path. The name is in lower case.
    pub fn headers(&self, name: &str) -> Vec<String> {
        let value = |line: &str| {
            let (own, value) = line.split_once(": ")?;
            own.eq_ignore_ascii_case(name).then(|| value.to_owned())
        };
        self.shared.lock().heads.iter().filter_map(|head| head.lines().find_map(value)).collect()
    }

    /// Keeps answers back once they are decided, or lets them go.
    pub fn hold(&self, is_held: bool) {
        self.shared.lock().is_held = is_held;
        self.shared.changed.notify_all();
    }

    /// Waits this long between the head and the body of each answer.
    pub fn pause_before_bodies(&self, pause: Duration) {
        self.shared.lock().pause = pause;
    }

    /// Goes on with white space for ever after each answer's head.
    pub fn never_end(&self) {
        self.shared.lock().is_endless = true;
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, mut stream: &TcpStream) {
        let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
        let Some(path) = lines.next().and_then(|line| line.split(' ').nth(1).map(str::to_owned)) else {
            return;
        };
        let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
        let mut state = self.lock();
        state.heads.push(head.join("\n"));
        let answer = state.answers.get(&path).cloned().unwrap_or_else(|| NOT_FOUND.to_vec());
        state.asked.push(path);
        while state.is_held {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let (is_endless, pause) = (state.is_endless, state.pause);
        drop(state);
        if is_endless {
            // Until the other side has enough.
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
            while stream.write_all(&[b' '; 1024]).is_ok() {}
        } else {
            let head = answer.windows(4).position(|window| window == b"\r\n\r\n").map_or(0, |end| end + 4);
            let _ = stream.write_all(&answer[..head]);
            thread::sleep(pause);
            let _ = stream.write_all(&answer[head..]);
        }
    }
}
