//! How a demo and a service end that others started: by signals, by the end of their input, and by both.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::ffi::OsStringExt;
use std::process::{Child, Stdio};

use gathering_tests::{Program, signal, until, until_some};
use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::free_ports;
use crate::started::{Started, command, entries, temporary};

/// Waits for the end of a program, and returns its exit code and what it printed.
fn ended(mut child: Child) -> (Option<i32>, String, String) {
    let status = until_some(|| child.try_wait().unwrap());
    let (mut printed, mut told) = (String::new(), String::new());
    child.stdout.take().unwrap().read_to_string(&mut printed).unwrap();
    child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
    (status.code(), printed, told)
}

#[test]
fn an_end_that_comes_two_ways_is_one() {
    let program = Program::new();
    for signals in [&["TERM"][..], &["INT"], &["INT", "TERM"], &["HUP", "INT", "TERM"], &[]] {
        let mut command = command(&program, &["--json", "--until-eof", "--messages", "/dev/null"]);
        let mut demo = Started::of(command.stdin(Stdio::piped()).stderr(Stdio::piped()));
        drop(demo.child.stdin.take());
        for name in signals {
            signal(&demo.child, name);
        }
        let mut told = String::new();
        demo.child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
        assert_eq!(told, "", "{signals:?}");
        assert_eq!(demo.ended(), (String::new(), Some(0)), "{signals:?}");
        assert_eq!(entries(&temporary(&program)), 0, "{signals:?}");
    }
}

#[test]
fn who_insists_has_it_end_at_once_and_nothing_is_left_either() {
    let program = Program::new();
    for name in ["TERM", "INT"] {
        let demo = Started::of(command(&program, &["--json"]).stderr(Stdio::null()));
        // A call that a stop waits for.
        let address = demo.text("api").strip_prefix("http://").unwrap();
        let mut call = TcpStream::connect(address).unwrap();
        let token = demo.text("token");
        let head = format!(
            "POST /ingest/results HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nContent-Length: 1000\r\nExpect: 100-continue\r\n\r\n"
        );
        call.write_all(head.as_bytes()).unwrap();
        assert_eq!(call.read(&mut [0; 12]).unwrap(), 12, "it is taken");
        signal(&demo.child, name);
        until(|| TcpStream::connect(address).is_err());
        signal(&demo.child, name);
        assert_eq!(demo.ended(), (String::new(), Some(1)));
        assert_eq!(entries(&temporary(&program)), 0);
    }
}

#[test]
fn it_outlives_its_terminal_where_nohup_started_it() {
    let program = Program::new();
    let mut plain = command(&program, &["--json"]);
    let mut nohup = std::process::Command::new("nohup");
    nohup.arg(plain.get_program()).args(plain.get_args()).env("TMPDIR", temporary(&program));
    nohup.current_dir(program.folder()).stdin(Stdio::null()).stderr(Stdio::null());
    let demo = Started::of(&mut nohup);
    signal(&demo.child, "HUP");
    for _ in 0..20 {
        assert_eq!(demo.get("/info").status, 200);
    }
    signal(&demo.child, "TERM");
    assert_eq!(demo.ended(), (String::new(), Some(0)));
    let demo = Started::of(plain.stderr(Stdio::null()));
    signal(&demo.child, "HUP");
    assert_eq!(demo.ended(), (String::new(), Some(0)), "the usual way");
}

#[test]
fn it_can_be_ended_while_it_waits_for_its_data() {
    let program = Program::new();
    for path in ["messages", "tree/config.yaml"] {
        program.file("tree/x", "");
        mknodat(CWD, program.folder().join(path), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    }
    for arguments in [["--messages", "-"], ["--messages", "messages"], ["--content", "tree"]] {
        let mut command = command(&program, &arguments);
        let mut demo =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let input = demo.stdin.take();
        // Its database is there once it reads, or is about to.
        until(|| entries(&temporary(&program)) == 1);
        signal(&demo, "TERM");
        assert_eq!(ended(demo), (Some(0), String::new(), String::new()), "{arguments:?}");
        assert_eq!(entries(&temporary(&program)), 0, "{arguments:?}");
        drop(input);
    }
}

#[test]
fn an_input_that_nobody_holds_is_no_start() {
    let program = Program::new();
    let mut serve = program.command(&["serve", "--json", "--until-eof", "--set", "auth.mode=disabled"]);
    serve.args(free_ports());
    for mut command in [command(&program, &["--json", "--until-eof"]), serve] {
        let spawned = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let (code, printed, told) = ended(spawned.unwrap());
        // A machine that is busy may have started it before the end was seen.
        let is_started = code == Some(0) && !printed.is_empty();
        assert!(is_started || (code, printed.as_str()) == (Some(1), ""), "{code:?} {printed} {told}");
        assert!(is_started || told.contains("standard input ended before the start was done"), "{told}");
    }
    assert_eq!(entries(&temporary(&program)), 0);
}

#[test]
fn what_a_killed_one_leaves_behind_the_next_removes() {
    let program = Program::new();
    let start = || Started::of(command(&program, &["--json"]).stderr(Stdio::null()));
    let running = start();
    drop(start());
    assert_eq!(entries(&temporary(&program)), 2, "one runs, one was killed");
    std::fs::create_dir(temporary(&program).join("gathering-demo-of-somebody")).unwrap();
    let next = start();
    assert_eq!(entries(&temporary(&program)), 3, "the two that run, and what has no lock");
    for demo in [running, next] {
        assert_eq!(demo.get("/info").status, 200);
        signal(&demo.child, "TERM");
        assert_eq!(demo.ended(), (String::new(), Some(0)));
    }
    assert_eq!(entries(&temporary(&program)), 1);
}

#[test]
fn a_place_for_temporary_files_that_is_no_text_is_refused_and_an_empty_one_is_none() {
    let program = Program::new();
    let mut command = command(&program, &["--json", "--until-eof"]);
    let odd = std::ffi::OsString::from_vec(b"odd\xff".to_vec());
    let finished = command.env("TMPDIR", program.folder().join(odd)).output().unwrap();
    let told = String::from_utf8(finished.stderr).unwrap();
    assert_eq!(finished.status.code(), Some(1), "{told}");
    assert!(told.contains("(its name is not UTF-8)"), "{told}");
    let before = entries(program.folder());
    let mut demo = Started::of(command.env("TMPDIR", "").stdin(Stdio::piped()).stderr(Stdio::null()));
    assert_eq!(entries(program.folder()), before, "it is not where it was started");
    drop(demo.child.stdin.take());
    assert_eq!(demo.ended(), (String::new(), Some(0)));
}
