//! `--json` of `demo` and `serve`: programs in any language start a service, and find out where it answers.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use gathering_tests::{Answer, CLUSTER, Call, Message, Program, signal, until_some};
use serde_json::Value;

use crate::{free_ports, secret};

/// The demo with arguments, in a place for temporary files of its own.
pub(crate) fn command(program: &Program, arguments: &[&str]) -> Command {
    let mut command = program.command(&["demo"]);
    std::fs::create_dir_all(temporary(program)).unwrap();
    command.args(free_ports()).args(arguments).env("TMPDIR", temporary(program));
    command
}

pub(crate) fn temporary(program: &Program) -> PathBuf {
    program.folder().join("a place for 'temporary' files")
}

pub(crate) fn entries(folder: &Path) -> usize {
    folder.read_dir().unwrap().count()
}

/// Starts the demo for a program.
pub(crate) fn start(program: &Program, arguments: &[&str]) -> Started {
    Started::of(command(program, arguments).arg("--json").stderr(Stdio::null()))
}

/// A service that says in one line where it answers.
pub(crate) struct Started {
    pub(crate) child: Child,
    stdout: Option<ChildStdout>,
    pub(crate) line: Value,
}

impl Started {
    pub(crate) fn of(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let line = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line}: {error}"));
        Self { child, stdout: Some(stdout.into_inner()), line }
    }

    pub(crate) fn text(&self, name: &str) -> &str {
        self.line[name].as_str().unwrap_or_else(|| panic!("{name}: {}", self.line))
    }

    pub(crate) fn call(&self, method: &str, path: &str) -> Call {
        let address = self.text("api").strip_prefix("http://").unwrap().parse().unwrap();
        Call::new(address, method, path).bearer(self.text("token"))
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.call("GET", path).send()
    }

    pub(crate) fn post(&self, message: &str) -> Answer {
        let call = self.call("POST", "/ingest/results").header("Content-Type", "application/json");
        call.body(message).send()
    }

    /// Waits for its end and returns what it printed after its line, and its exit code.
    pub(crate) fn ended(mut self) -> (String, Option<i32>) {
        let status = until_some(|| self.child.try_wait().unwrap());
        let mut rest = String::new();
        if let Some(stdout) = &mut self.stdout {
            stdout.read_to_string(&mut rest).unwrap();
        }
        (rest, status.code())
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_line_says_where_it_answers_and_nothing_is_left_of_it() {
    let program = Program::new();
    let (one, two, three) = (start(&program, &[]), start(&program, &[]), start(&program, &[]));
    for demo in [&one, &two] {
        let names: Vec<_> = demo.line.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, ["admin", "api", "organization", "token"]);
        assert_eq!(demo.line["organization"], 42);
        let admin = demo.text("admin").strip_prefix("http://").unwrap().parse().unwrap();
        assert_eq!(Call::new(admin, "GET", "/readyz").send().status, 200);
    }
    // Each has its own data.
    one.post(&Message::new(42, CLUSTER, "mine").to_string());
    let path = format!("/cluster/{CLUSTER}/request/mine/status");
    assert_eq!([one.get(&path).status, two.get(&path).status], [200, 404]);

    signal(&one.child, "TERM");
    signal(&two.child, "INT");
    // A terminal that is closed.
    signal(&three.child, "HUP");
    assert_eq!(one.ended(), (String::new(), Some(0)));
    assert_eq!(two.ended(), (String::new(), Some(0)));
    assert_eq!(three.ended(), (String::new(), Some(0)));
    assert_eq!(entries(&temporary(&program)), 0);
    assert_eq!(entries(program.folder()), 1);
}

#[test]
fn it_ends_with_standard_input_if_it_is_told_to() {
    let program = Program::new();
    let mut command = command(&program, &["--json", "--until-eof"]);
    let mut demo = Started::of(command.stdin(Stdio::piped()).stderr(Stdio::null()));
    assert_eq!(demo.get("/info").status, 200);
    drop(demo.child.stdin.take());
    assert_eq!(demo.ended(), (String::new(), Some(0)));
    assert_eq!(entries(&temporary(&program)), 0);
}

#[test]
fn it_goes_on_when_nobody_reads_further() {
    let program = Program::new();
    let mut demo = start(&program, &[]);
    drop(demo.stdout.take());
    assert_eq!(demo.get("/info").status, 200);
    signal(&demo.child, "TERM");
    assert_eq!(demo.ended(), (String::new(), Some(0)));
}

#[test]
fn serve_says_where_it_answers() {
    let program = Program::new();
    let secret = secret(&program);
    let token = program.run(&["token", "--org", "42", "--set", &secret]).ok();
    let base = "http.base_paths=[\"/api/v2\", \"/\"]";
    let mut command = program.command(&["serve", "--json", "--until-eof", "--set", &secret, "--set", base]);
    command.args(free_ports()).args(["--set", "http.shutdown_delay=0s"]);
    let mut server = Started::of(command.stdin(Stdio::piped()).stderr(Stdio::null()));
    // It mints nothing.
    let names: Vec<_> = server.line.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["admin", "api"]);
    let (address, base) = server.text("api").strip_prefix("http://").unwrap().split_once('/').unwrap();
    assert_eq!(base, "api/v2");
    let target = format!("/{base}/cluster/{CLUSTER}/requests");
    let answer = Call::new(address.parse().unwrap(), "GET", &target).bearer(token.last_line()).send();
    assert_eq!(answer.status, 404, "the cluster is not known, and the caller is");
    drop(server.child.stdin.take());
    assert_eq!(server.ended(), (String::new(), Some(0)));
}

#[test]
fn a_line_that_cannot_be_written_ends_it() {
    let program = Program::new();
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let output = command(&program, &["--json"]).stdout(full).stderr(Stdio::piped()).spawn().unwrap();
    let output = output.wait_with_output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.starts_with("gathering: standard output cannot be written"), "{told}");
    assert_eq!(entries(&temporary(&program)), 0);
}
