//! What a terminal is shown while something takes long, and nobody else is.

use std::fs::File;
use std::io::Read;
use std::process::Stdio;

use gathering_tests::{CLUSTER, Message, Program};
use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// Runs to the end with a terminal as standard error, and returns what it showed.
fn shown(program: &Program, arguments: &[&str]) -> String {
    // Programs of other tests must not hold it open.
    let screen = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&screen).unwrap();
    unlockpt(&screen).unwrap();
    let name = ptsname(&screen, Vec::new()).unwrap();
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let terminal = open(name.as_c_str(), flags, Mode::empty()).unwrap();
    let mut command = program.command(arguments);
    command.env("TERM", "xterm").stdout(Stdio::null()).stderr(Stdio::from(terminal));
    let mut child = command.spawn().unwrap();
    // Its side is open in the child alone, so that reading ends with it.
    drop(command);
    let (mut bytes, mut screen) = (Vec::new(), File::from(screen));
    // The end of a terminal is an error on Linux.
    let _ = screen.read_to_end(&mut bytes);
    assert!(child.wait().unwrap().success());
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_terminal_is_shown_how_far_it_is_and_nobody_else() {
    let program = Program::new();
    let result = Message::new(42, CLUSTER, "a").to_string();
    program.file("results.ndjson", &result);
    for (arguments, expected) in [
        (&["migrate"][..], "applying the migration 0001_requests, 1 of "),
        (&["import", "results", "results.ndjson"], &format!("/{} B ", result.len())),
        (&["backup", "copy.db"], "copied "),
        (&["erase", "--org", "42"], "erased "),
        (&["erase", "--org", "42", "--dry-run"], "counting what is recorded of organization 42"),
    ] {
        let shown = shown(&program, arguments);
        assert!(shown.contains(expected), "{arguments:?}: {shown}");
    }

    let program = Program::new();
    program.file("results.ndjson", &result);
    for arguments in [
        &["migrate"][..],
        &["import", "results", "results.ndjson"],
        &["backup", "copy.db"],
        &["erase", "--org", "42", "--dry-run"],
    ] {
        assert_eq!(program.run(arguments).ok().stderr, "", "{arguments:?}");
    }
}
