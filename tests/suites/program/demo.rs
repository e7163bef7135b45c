//! `gathering demo`: what `make run` shows.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use gathering_tests::Program;

/// Starts the demo, pastes every `curl` line that it prints into a shell, and returns what they print.
fn pasted(program: &Program) -> Vec<String> {
    let free = ["demo", "--set", "http.bind=127.0.0.1:0", "--set", "admin.bind=127.0.0.1:0"];
    let mut command = program.command(&free);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let lines: Vec<String> = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap)
        .take_while(|line| !line.starts_with("Data: "))
        .filter(|line| line.starts_with("curl "))
        .collect();
    // Where curl is not installed, the last folder has something that does the same with these lines.
    let stand_in = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/stand-in");
    let path = format!("{}:{stand_in}", std::env::var("PATH").unwrap());
    let answers = lines
        .iter()
        .map(|line| {
            let mut shell = Command::new("sh");
            shell.args(["-c", &format!("{line} --fail")]).env("PATH", &path).current_dir("/");
            let output = shell.output().unwrap();
            assert!(output.status.success(), "{line}: {output:?}");
            String::from_utf8(output.stdout).unwrap()
        })
        .collect();
    child.kill().unwrap();
    child.wait().unwrap();
    answers
}

#[test]
fn the_printed_lines_work_when_pasted_and_again_the_next_time() {
    let program = Program::new();
    let first = pasted(&program);
    assert!(first.len() >= 3, "{first:?}");
    let all = first.join("\n");
    for part in [
        "\"requests\":[{",
        "\"status\":\"processed\"",
        "\"total_risk\":4",
        "\"valid\":false",
        "\"stored\":4",
        "gathering_build_info",
    ] {
        assert!(all.contains(part), "{part}: {all}");
    }
    assert!(
        all.contains("gathering_records_total{kind=\"result\",outcome=\"stored\",source=\"file\"} 5"),
        "the import is counted: {all}"
    );
    let states = |text: &str| text.matches("\"requestID\"").count();
    let second = pasted(&program);
    assert_eq!(states(&second[0]), states(&first[0]), "the second start adds nothing");

    let secret = program.folder().join("data/demo-hmac.key");
    assert_eq!(secret.metadata().unwrap().permissions().mode() & 0o777, 0o600);
}
