//! What the pages `docs/API.md`, `docs/QUICKSTART.md` and `docs/RUNNING.md` show is what happens: their shell blocks are run one
//! after the other against a real service, as a reader would paste them, and what they print is compared with the block that
//! follows.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use gathering_tests::{Program, Running};
use serde_json::{Deserializer, Value};

/// What differs from day to day and from build to build. Every other value has to be what the page says.
const VARYING: [&str; 5] = ["processed", "expires", "BuildVersion", "BuildTime", "BuildCommit"];

/// Stands in a page for a text that is left out.
const LEFT_OUT: &str = "…";

/// Comes before what each step prints.
const SEPARATOR: char = '\u{1e}';

/// A shell block of a page, and what it prints: the kind of the block that follows, and its text.
#[derive(Debug, Default)]
struct Step {
    script: String,
    shown: Option<(String, String)>,
}

fn page(name: &str) -> Vec<Step> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name);
    let text = std::fs::read_to_string(path).unwrap();
    let mut steps: Vec<Step> = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(kind) = line.strip_prefix("```") else { continue };
        let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        let block = block.join("\n") + "\n";
        match kind {
            "sh" => steps.push(Step { script: block, shown: None }),
            "json" | "http" => {
                let Some(step) = steps.last_mut().filter(|step| step.shown.is_none()) else {
                    panic!("{name}: nothing prints {block}");
                };
                step.shown = Some((kind.to_owned(), block));
            }
            _ => {}
        }
    }
    for step in &steps {
        let calls = step.script.lines().any(|line| line.starts_with("curl "));
        assert_eq!(calls, step.shown.is_some(), "{name}: each call has its answer: {step:?}");
    }
    steps
}

/// Runs a script in the folder of the program, which is in its `PATH`, and returns what it prints.
fn shell(program: &Program, script: &str) -> String {
    let command = program.command(&[]);
    let folder = Path::new(command.get_program()).parent().unwrap().display().to_string();
    // Where curl is not installed, the last folder has something that does the same with these lines.
    let stand_in = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/stand-in");
    let path = format!("{folder}:{}:{stand_in}", std::env::var("PATH").unwrap());
    let mut shell = Command::new("sh");
    shell.args(["-euc", script]).env_clear().env("PATH", path).current_dir(program.folder());
    let output = shell.output().unwrap();
    assert!(output.status.success(), "{script}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Runs the blocks of a page, with this service in the place of the one that the block with `start` starts.
/// It comes with the token that a reader is to paste, if there is one.
fn follow(name: &str, start: &str, serve: impl Fn(&Program) -> (Running, Option<String>)) {
    let steps = page(name);
    let program = Program::new();
    // What a clone of the repository has.
    let crates = concat!(env!("CARGO_MANIFEST_DIR"), "/../crates");
    std::os::unix::fs::symlink(crates, program.folder().join("crates")).unwrap();
    let at = steps.iter().position(|step| step.script.contains(start)).unwrap();
    let (before, [_, after @ ..]) = steps.split_at(at) else { panic!("{name} starts nothing") };
    let script = |steps: &[Step]| {
        let blocks = steps.iter().map(|step| format!("printf '{SEPARATOR}'\n{}", step.script));
        // The program is built already.
        "make() { :; }\n".to_owned() + &blocks.collect::<String>()
    };
    let mut printed = shell(&program, &script(before));
    let (running, token) = serve(&program);
    // What the shell before exported is gone with it.
    let variable = "if [ -f gathering.toml ]; then export GATHERING_CONFIG=gathering.toml; fi\n";
    printed += &shell(
        &program,
        &(variable.to_owned() + &script(after))
            .replace("http://127.0.0.1:8080", &format!("http://{}", running.api_address()))
            .replace("http://127.0.0.1:9464", &format!("http://{}", running.admin_address()))
            .replace("paste the token of the demo here", &token.unwrap_or_default())
            .replace("target/demo/gathering", "gathering"),
    );
    let printed: Vec<&str> = printed.split(SEPARATOR).skip(1).collect();
    let steps: Vec<&Step> = before.iter().chain(after).collect();
    assert_eq!(printed.len(), steps.len());
    let mut wrong = String::new();
    for (step, printed) in steps.iter().zip(printed) {
        let Some((kind, shown)) = &step.shown else { continue };
        let is_right = if kind == "json" { json(shown, printed) } else { answers(shown, printed) };
        if !is_right {
            writeln!(wrong, "{}prints\n{printed}\nand not\n{shown}", step.script).unwrap();
        }
    }
    assert!(wrong.is_empty(), "{name}:\n{wrong}");
}

fn values(text: &str) -> Vec<Value> {
    let values: Result<_, _> = Deserializer::from_str(text).into_iter::<Value>().collect();
    values.unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Whether the page shows these documents.
fn json(shown: &str, printed: &str) -> bool {
    let (shown, printed) = (values(shown), values(printed));
    shown.len() == printed.len()
        && shown.iter().zip(&printed).all(|(shown, printed)| same("", shown, printed))
}

fn same(key: &str, shown: &Value, printed: &Value) -> bool {
    match (shown, printed) {
        (Value::Object(shown), Value::Object(printed)) => {
            shown.len() == printed.len()
                && shown
                    .iter()
                    .all(|(key, value)| printed.get(key).is_some_and(|printed| same(key, value, printed)))
        }
        (Value::Array(shown), Value::Array(printed)) => {
            shown.len() == printed.len()
                && shown.iter().zip(printed).all(|(shown, printed)| same(key, shown, printed))
        }
        (Value::String(shown), Value::String(printed)) => {
            shown == printed || shown == LEFT_OUT || VARYING.contains(&key)
        }
        _ => shown == printed,
    }
}

/// Whether the page shows these answers, with the headers that it shows and the whole body.
fn answers(shown: &str, printed: &str) -> bool {
    const START: &str = "HTTP/1.1 ";
    let printed = printed.replace("\r\n", "\n");
    let parts = |text: &str| text.split(START).map(str::to_owned).collect::<Vec<_>>();
    let (shown, printed) = (parts(shown), parts(&printed));
    shown.len() == printed.len() && shown.iter().zip(&printed).all(|(shown, printed)| answer(shown, printed))
}

fn answer(shown: &str, printed: &str) -> bool {
    let parts = |text: &str| {
        let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
        let mut head = head.lines().map(str::to_lowercase);
        (head.next().unwrap_or_default(), head.collect::<Vec<_>>(), body.trim().to_owned())
    };
    let ((status, headers, body), (printed_status, printed_headers, printed_body)) =
        (parts(shown), parts(printed));
    let has = |header: &String| match header.strip_prefix("retry-after: ") {
        // Up to half as much more than `wait.retry_after`, so that callers do not come together.
        Some(_) => printed_headers.iter().any(|printed| {
            let seconds = printed.strip_prefix("retry-after: ").and_then(|seconds| seconds.parse().ok());
            seconds.is_some_and(|seconds: u32| (5..=8).contains(&seconds))
        }),
        None => printed_headers.contains(header),
    };
    status == printed_status && headers.iter().all(has) && json(&body, &printed_body)
}

/// The service of one's own that a page sets up.
fn serve(program: &Program) -> (Running, Option<String>) {
    (program.serve(&["serve", "--config", "gathering.toml"]), None)
}

#[test]
fn the_guide_to_the_api_shows_what_is_answered() {
    follow("API.md", "gathering serve", serve);
}

#[test]
fn the_first_service_of_ones_own_answers_what_is_shown() {
    follow("RUNNING.md", "gathering serve", serve);
}

#[test]
fn the_quick_start_shows_what_is_answered() {
    follow("QUICKSTART.md", "make run", |program| {
        let place = program.folder().join("tmp");
        std::fs::create_dir(&place).unwrap();
        let running = program.serve_with(&["demo"], &[("TMPDIR", place.to_str().unwrap())]);
        let folder = place.read_dir().unwrap().next().unwrap().unwrap().path();
        let key = folder.join("hmac.key").display().to_string();
        let token =
            program.run(&["token", "--org", "42", "--scope", "read,write", "--hmac-secret-file", &key]).ok();
        (running, Some(token.stdout.trim_end().to_owned()))
    });
}

#[test]
fn what_a_page_shows_wrongly_is_noticed() {
    let body = r#"{"status": "ok", "list": [1, {"expires": "2026-03-01T12:00:00Z"}], "text": "…"}"#;
    let printed = r#"{"text":"a\n","list":[1,{"expires":"2027-03-01T12:00:00Z"}],"status":"ok"}"#;
    assert!(json(body, printed));
    for (from, to) in [
        ("\"ok\"", "\"no\""),
        ("[1,", "[2,"),
        ("[1,", "[1, 1,"),
        ("\"expires\"", "\"received\""),
        ("\"text\"", "\"texts\""),
        ("{\"status\"", "{\"more\": null, \"status\""),
        ("\"2026-03-01T12:00:00Z\"", "null"),
    ] {
        assert!(!json(&body.replacen(from, to, 1), printed), "{to}");
    }
    assert!(!json(&format!("{body} {{}}"), printed), "there is one document");
    let head = "HTTP/1.1 200 OK\nretry-after: 5\nallow: GET\n\n";
    let printed = format!("HTTP/1.1 200 OK\r\ndate: x\r\nRetry-After: 7\r\nAllow: GET\r\n\r\n{printed}");
    assert!(answers(&format!("{head}{body}"), &printed));
    for (from, to) in
        [("200 OK", "404 Not Found"), ("allow: GET", "allow: PUT"), ("allow", "etag"), ("retry", "re")]
    {
        assert!(!answers(&format!("{head}{body}").replacen(from, to, 1), &printed), "{to}");
    }
    assert!(!answers(head, &printed), "the body is shown whole");
    assert!(!answers(&format!("{head}{body}\n{head}"), &printed), "there is one answer");
}
