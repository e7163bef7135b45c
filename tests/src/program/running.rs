//! A program that runs.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::finished::Finished;
use crate::call::Call;

/// Longer than any start or stop takes; what hangs fails its test.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program that runs. It is killed when this value is dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    stderr: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
    api: Option<SocketAddr>,
    admin: SocketAddr,
}

impl Running {
    /// Starts a command that serves and waits until it answers.
    ///
    /// # Panics
    /// If it ends instead.
    pub(super) fn start(command: &mut Command) -> Self {
        let mut child =
            command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the program starts");
        let stderr = Arc::new(Mutex::new(String::new()));
        let mut lines = BufReader::new(child.stderr.take().expect("a pipe"));
        let (found, answering) = mpsc::channel();
        let sink = Arc::clone(&stderr);
        let reader = std::thread::spawn(move || {
            let mut line = String::new();
            while lines.read_line(&mut line).is_ok_and(|read| read > 0) {
                sink.lock().expect("no panic elsewhere").push_str(&line);
                if let Some(addresses) = addresses(&line) {
                    // Nobody waits any more for a second one.
                    let _ = found.send(addresses);
                }
                line.clear();
            }
        });
        let Ok((api, admin)) = answering.recv_timeout(PATIENCE) else {
            let _ = child.kill();
            let _ = child.wait();
            panic!("it does not answer: {}", stderr.lock().expect("no panic elsewhere"));
        };
        Self { child, stderr, reader: Some(reader), api, admin }
    }

    /// A call of its API.
    ///
    /// # Panics
    /// If it has none.
    pub fn call(&self, method: &str, target: &str) -> Call {
        Call::new(self.api_address(), method, target)
    }

    /// A GET of its admin address.
    pub fn admin(&self, target: &str) -> Call {
        Call::new(self.admin, "GET", target)
    }

    /// Where its API listens.
    ///
    /// # Panics
    /// If it has none.
    pub const fn api_address(&self) -> SocketAddr {
        self.api.expect("a program with an API")
    }

    /// Where probes and metrics are.
    pub const fn admin_address(&self) -> SocketAddr {
        self.admin
    }

    /// How much memory it takes up, in bytes, what it shares with the system's cache of files included.
    ///
    /// # Panics
    /// Where there is no `/proc`.
    pub fn resident_memory(&self) -> u64 {
        self.memory("VmRSS:")
    }

    /// The most memory that it ever took up, in bytes.
    ///
    /// # Panics
    /// Where there is no `/proc`.
    pub fn peak_memory(&self) -> u64 {
        self.memory("VmHWM:")
    }

    /// How many threads it has.
    ///
    /// # Panics
    /// Where there is no `/proc`.
    pub fn threads(&self) -> u64 {
        self.status("Threads:")
    }

    fn memory(&self, name: &str) -> u64 {
        self.status(name) * 1024
    }

    fn status(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("/proc");
        let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("a process that runs");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    /// What it wrote to standard error so far.
    ///
    /// # Panics
    /// If the thread that reads it did.
    pub fn stderr(&self) -> String {
        self.stderr.lock().expect("no panic elsewhere").clone()
    }

    /// Sends a signal, such as `TERM` or `KILL`.
    ///
    /// # Panics
    /// If it is none that tests send.
    pub fn signal(&self, name: &str) {
        signal(&self.child, name);
    }

    /// Waits until it has ended.
    ///
    /// # Panics
    /// If it does not end within a minute.
    pub fn wait(mut self) -> Finished {
        let started = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("a process that can be waited for") {
                break status;
            }
            assert!(started.elapsed() < PATIENCE, "it does not end: {}", self.stderr());
            std::thread::sleep(Duration::from_millis(5));
        };
        if let Some(reader) = self.reader.take() {
            reader.join().expect("no panic elsewhere");
        }
        Finished { code: status.code(), stdout: String::new(), stderr: self.stderr() }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal, such as `TERM` or `KILL`, to a process that was started and not waited for yet.
///
/// # Panics
/// If it is none that tests send.
pub fn signal(child: &Child, name: &str) {
    let signal = match name {
        "TERM" => Signal::TERM,
        "INT" => Signal::INT,
        "KILL" => Signal::KILL,
        "HUP" => Signal::HUP,
        "STOP" => Signal::STOP,
        "CONT" => Signal::CONT,
        _ => panic!("no test sends the signal {name} yet"),
    };
    kill_process(Pid::from_child(child), signal).expect("a process of ours takes signals");
}

/// The addresses in the line that says where a service answers, be it text or JSON.
fn addresses(line: &str) -> Option<(Option<SocketAddr>, SocketAddr)> {
    let (before, rest) = line.split_once(", admin on http")?;
    let (_, rest) = rest.split_once("://")?;
    let api = before.split_once("answering on http");
    let api = api.and_then(|(_, api)| api.split_once("://")).map(|(_, api)| api.parse()).transpose().ok()?;
    let admin = rest.split(['"', '\n']).next()?;
    Some((api, admin.parse().ok()?))
}
