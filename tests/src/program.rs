//! The real `gathering` program as a process of its own.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::Call;

/// Longer than any start or stop takes; what hangs fails its test.
const PATIENCE: Duration = Duration::from_secs(60);

/// The program in a folder of its own, without any setting of the surroundings.
#[derive(Debug)]
pub struct Program {
    folder: TempDir,
}

/// What a program left when it had ended.
#[derive(Debug, Clone)]
pub struct Finished {
    /// The exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// What it wrote to standard output.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
}

/// A program that runs. It is killed when this value is dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    stderr: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
    api: Option<SocketAddr>,
    admin: SocketAddr,
}

impl Default for Program {
    fn default() -> Self {
        Self::new()
    }
}

impl Program {
    /// The program that `make test` has built.
    ///
    /// # Panics
    /// If the temporary folder cannot be written to.
    pub fn new() -> Self {
        Self { folder: TempDir::new().expect("the temporary folder can be written to") }
    }

    /// The folder that it runs in.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file into the folder, with the folders on its way, and returns its path.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("the folder can be made");
        std::fs::write(&path, content).expect("the file can be written");
        path
    }

    /// The command line as a process that is yet to be started.
    ///
    /// # Panics
    /// If the program is missing: it must not be found elsewhere.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program());
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            // Machines for tests often name authorities, which would hide that the system's are not found.
            let is_of_surroundings = name == "RUST_LOG" || name == "SSL_CERT_FILE" || name == "SSL_CERT_DIR";
            if name.starts_with("GATHERING") || is_of_surroundings {
                command.env_remove(name);
            }
        }
        command
    }

    /// Runs to the end.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn run(&self, arguments: &[&str]) -> Finished {
        finished(&self.command(arguments).output().expect("the program starts"))
    }

    /// Runs to the end with this on standard input.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn run_with_input(&self, arguments: &[&str], input: &[u8]) -> Finished {
        let mut command = self.command(arguments);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut stdin = child.stdin.take().expect("a pipe");
        stdin.write_all(input).expect("the program reads");
        drop(stdin);
        finished(&child.wait_with_output().expect("the program ends"))
    }

    /// Starts a command that serves, on free ports, and waits until it answers.
    ///
    /// # Panics
    /// If it ends instead.
    pub fn serve(&self, arguments: &[&str]) -> Running {
        self.serve_with(arguments, &[])
    }

    /// The same with variables of the environment.
    ///
    /// # Panics
    /// If it ends instead.
    pub fn serve_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Running {
        let free =
            ["--set", "http.bind=127.0.0.1:0", "--set", "admin.bind=127.0.0.1:0", "--set", "log.filter=info"];
        // Nobody has to hear of a stop, but in the tests that say so.
        let mut command = self.command(&["--set", "http.shutdown_delay=0s"]);
        let mut child = command
            .args(arguments)
            .args(free)
            .envs(variables.iter().copied())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
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
        Running { child, stderr, reader: Some(reader), api, admin }
    }
}

impl Running {
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

    fn memory(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("/proc");
        let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("a process that runs");
        line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
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

impl Finished {
    /// This, if it ended well.
    ///
    /// # Panics
    /// If it did not.
    #[expect(clippy::return_self_not_must_use, reason = "often it is the only check")]
    pub fn ok(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:?}");
        self
    }

    /// The last line of standard output.
    pub fn last_line(&self) -> &str {
        self.stdout.lines().last().unwrap_or_default()
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

fn finished(output: &std::process::Output) -> Finished {
    Finished {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// `target/<profile>/gathering`, beside the folder that this test runs from.
fn program() -> PathBuf {
    let test = std::env::current_exe().expect("a test is a program");
    let profile = test.parent().and_then(Path::parent).expect("target/<profile>/deps/<test>");
    let program = profile.join("gathering");
    assert!(program.is_file(), "{} is missing: run the tests with `make test`", program.display());
    program
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
