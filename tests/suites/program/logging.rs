//! Log lines: text or JSON, with the ID of the call.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use gathering_tests::{Authority, CLUSTER, Call, Program, Proxy, TestDatabase, until};
use serde_json::Value;

use crate::secret;

#[test]
fn json_is_one_object_a_line_with_the_id_of_the_call() {
    let program = Program::new();
    let mut running = vec!["serve".to_owned(), "--set".to_owned(), secret(&program)];
    running.extend(["--set".to_owned(), "log.format=json".to_owned()]);
    let arguments: Vec<&str> = running.iter().map(String::as_str).collect();
    let running = program.serve_with(&arguments, &[("RUST_LOG", "info,gathering::access=debug")]);
    running
        .call("GET", &format!("/cluster/{CLUSTER}/requests"))
        .header("x-rh-insights-request-id", "my-call")
        .send();
    running.signal("TERM");
    let finished = running.wait();
    assert_eq!(finished.code, Some(0));
    let lines: Vec<Value> =
        finished.stderr.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let access =
        lines.iter().find(|line| line["target"] == "gathering::access").expect("a line for the call");
    assert_eq!(access["call_id"], "my-call");
    assert_eq!(
        (&access["method"], &access["status"], &access["level"]),
        (&"GET".into(), &401.into(), &"debug".into())
    );
    assert!(lines.iter().all(|line| line["time"].is_string() && line["message"].is_string()));
}

#[test]
fn a_start_warns_once_of_tokens_that_read_without_the_mapped_scopes() {
    let program = Program::new();
    program.file("hmac.key", "a secret of more than thirty-two bytes");
    let warnings = |settings: &[&str]| {
        let settings = ["auth.keys.hmac_secret_file=hmac.key"].iter().chain(settings);
        let settings: Vec<_> = settings.flat_map(|setting| ["--set", setting]).collect();
        let running = program.serve(&[&["serve"], &settings[..]].concat());
        running.signal("TERM");
        let log = running.wait().stderr;
        let lines = log.lines().filter(|line| line.contains("scopes.absent"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let mapped = ["auth.claims.scope=roles", "auth.scopes.read=[\"view\"]"];
    let told = warnings(&mapped);
    assert!(
        told.len() == 1 && told[0].contains(" WARN ") && told[0].contains("set auth.scopes.absent to"),
        "{told:?}"
    );
    assert!(warnings(&[mapped[0], mapped[1], "auth.scopes.absent=nothing"]).is_empty());
    assert!(warnings(&[]).is_empty());
}

#[test]
fn a_call_whose_client_has_gone_has_a_line() {
    let program = Program::new();
    let running = program.serve_with(
        &["serve", "--set", "auth.mode=disabled", "--set", "log.format=json"],
        &[("RUST_LOG", "info,gathering::access=debug")],
    );
    let path = format!("/cluster/{CLUSTER}/request/a/status");
    let mut stream = TcpStream::connect(running.api_address()).unwrap();
    let head = format!(
        "GET {path} HTTP/1.1\r\nHost: x\r\nPrefer: wait=20\r\nx-rh-insights-request-id: mine\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let until = |sample: &str| {
        gathering_tests::until(|| {
            Call::new(running.admin_address(), "GET", "/metrics").send().body.contains(sample)
        });
    };
    until("gathering_waiting_calls 1");
    drop(stream);
    until("status=\"499\"} 1");
    running.signal("TERM");
    let lines = running.wait().stderr;
    let line = lines.lines().find(|line| line.contains("gathering::access")).expect("a line for the call");
    let line: Value = serde_json::from_str(line).unwrap();
    assert_eq!((&line["status"], &line["call_id"]), (&499.into(), &"mine".into()));
    assert_eq!((&line["path"], &line["method"]), (&path.into(), &"GET".into()));
}

#[test]
fn every_line_of_a_call_has_its_id() {
    let program = Program::new();
    let running = program.serve(&["serve", "--set", "auth.mode=disabled"]);
    // The table goes away behind the service's back, so that the call has something to complain about.
    gathering_tests::execute_on_sqlite(&program.folder().join("data/gathering.db"), "DROP TABLE requests");
    let path = format!("/cluster/{CLUSTER}/request/a/status");
    let answer = running.call("GET", &path).header("x-rh-insights-request-id", "my-call").send();
    assert_eq!(answer.status, 503);
    running.signal("TERM");
    let finished = running.wait();
    let line =
        finished.stderr.lines().find(|line| line.contains(" WARN ") && line.contains(&path)).expect("a line");
    assert!(line.contains("call_id=my-call") && line.contains("no such table"), "{line}");
}

/// The first message of a client of TLS that takes an address for the name of the server.
fn hello_with_an_odd_name() -> Vec<u8> {
    let name = b"127.0.0.1";
    let length = |length: usize| u16::try_from(length).unwrap().to_be_bytes();
    let server_name = [&length(name.len() + 3)[..], &[0], &length(name.len()), name].concat();
    let extensions = [&[0, 0][..], &length(server_name.len()), &server_name].concat();
    // Version 1.2, a random number, no session, one suite, no compression.
    let suites = [&[3, 3][..], &[7; 32], &[0], &length(2), &[0x13, 1], &[1, 0]].concat();
    let hello = [&suites[..], &length(extensions.len()), &extensions].concat();
    let message = [&[1, 0][..], &length(hello.len()), &hello].concat();
    [&[22, 3, 1][..], &length(message.len()), &message].concat()
}

fn greet(address: SocketAddr) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(&hello_with_an_odd_name()).unwrap();
    // It is refused, with an alert.
    let _ = stream.read_to_end(&mut Vec::new());
}

#[test]
fn callers_with_odd_names_in_tls_do_not_fill_the_log() {
    let program = Program::new();
    let authority = Authority::new().sign();
    program.file("tls.crt", &authority.cert);
    program.file("tls.key", &authority.key);
    let secret = secret(&program);
    let arguments =
        ["serve", "--set", &secret, "--set", "http.tls.cert=tls.crt", "--set", "http.tls.key=tls.key"];
    let lines_of = |filter: Option<&str>| {
        let variables: Vec<_> = filter.map(|filter| ("RUST_LOG", filter)).into_iter().collect();
        let running = program.serve_with(&arguments, &variables);
        for _ in 0..20 {
            greet(running.api_address());
        }
        running.signal("TERM");
        running.wait().stderr.lines().filter(|line| line.contains("rustls")).count()
    };
    assert_eq!(lines_of(None), 0, "the harness sets log.filter=info");
    assert_eq!(lines_of(Some("info")), 0);
    assert_eq!(lines_of(Some("info,rustls=warn")), 20, "whoever asks for them by name gets them");
}

fn token(program: &Program, organization: &str, scope: &str, setting: &str) -> String {
    let minted = program.run(&["token", "--org", organization, "--scope", scope, "--set", setting]).ok();
    minted.stdout.trim_end().to_owned()
}

/// The number of lines with this text that are about an organization.
fn lines(log: &str, text: &str, organization: &str) -> usize {
    let field = format!("organization={organization} ");
    log.lines().filter(|line| line.contains(text) && line.contains(&field)).count()
}

#[test]
fn refused_messages_and_calls_are_told_of_each_organization_in_few_lines() {
    let program = Program::new();
    let setting = secret(&program);
    let running = program.serve(&["serve", "--set", &setting]);
    let writers = ["42", "43"].map(|organization| token(&program, organization, "write", &setting));
    let send = |token: &str, body: &str| {
        let call = running
            .call("POST", "/ingest/results")
            .bearer(token)
            .header("content-type", "application/x-ndjson");
        assert_eq!(call.header("x-rh-insights-request-id", "my-call").body(body).send().status, 200);
    };
    let denied = |token: &str| {
        let call = running.call("GET", &format!("/cluster/{CLUSTER}/requests")).bearer(token);
        assert_eq!(call.send().status, 403);
    };
    let started = std::time::Instant::now();
    for _ in 0..50 {
        send(&writers[0], &"{\"secret-of-a-sender\": 1}\n".repeat(50));
        denied(&writers[0]);
    }
    send(&writers[1], "nonsense");
    denied(&writers[1]);
    running.signal("TERM");
    let log = running.wait().stderr;
    let most = 6 + usize::try_from(started.elapsed().as_secs() / 10).unwrap();
    for text in ["refused a message over HTTP: ", "refused a call: the caller lacks the scope 'read'"] {
        let flood = lines(&log, text, "42");
        assert!((5..=most).contains(&flood), "{flood} lines: {log}");
    }
    // One of 64 shares may be that of both.
    let others = lines(&log, "refused a message over HTTP: ", "43") + lines(&log, "refused a call: ", "43");
    assert!(others > 0, "{log}");
    let line = log.lines().find(|line| line.contains("refused a message over HTTP")).unwrap();
    assert!(line.contains("WARN  gathering::ingest: "), "{line}");
    assert!(line.contains("call_id=my-call organization=42 outcome=rejected record=1"), "{line}");
    let line = log.lines().find(|line| line.contains("refused a call: ")).unwrap();
    assert!(line.contains(&format!("method=GET organization=42 path=/cluster/{CLUSTER}/requests")), "{line}");
    assert!(!log.contains("secret-of-a-sender") && !log.contains(&writers[0]), "{log}");
}

#[test]
fn a_database_that_goes_and_comes_back_is_told_of_once_each() {
    let database = TestDatabase::postgres();
    let proxy = Proxy::to(database.server_address());
    let program = Program::new();
    let url = format!("storage.url={}", database.url_by(&proxy));
    let settings =
        ["serve", "--set", "auth.mode=disabled", "--set", "storage.pool_timeout=500ms", "--set", &url];
    let running = program.serve(&settings);
    let ready = |status| until(|| running.admin("/readyz").send().status == status);
    ready(200);
    proxy.cut();
    ready(503);
    for _ in 0..20 {
        assert_eq!(running.admin("/readyz").send().status, 503);
    }
    proxy.mend();
    ready(200);
    running.signal("TERM");
    let log = running.wait().stderr;
    let count = |text: &str| log.lines().filter(|line| line.contains(text)).count();
    assert_eq!(count("a part is not ready: the database cannot be reached part=database_reads"), 1, "{log}");
    assert_eq!(count("a part is ready again part=database_reads seconds="), 1, "{log}");
}
