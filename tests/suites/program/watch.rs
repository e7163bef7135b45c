//! `gathering watch`: waits for a request like a good client, and says what became of it.

mod scripted;

use std::net::{Ipv4Addr, SocketAddrV4, TcpListener};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use gathering_tests::{CLUSTER, Message, OTHER_CLUSTER, Program, Running, until};
use rustix::net::{AddressFamily, SocketType, bind, getsockname, listen, socket};

use self::scripted::{Scripted, answer, state};
use crate::{refused, secret};

const REPORT: &str = "{ \"cluster\":\"5d5892d3-1f74-4ccf-91af-548dfc9767aa\", \"requestID\":\"r\",\"status\":\"processed\",\n\
    \"report\":[{\"rule_fqdn\":\"rules.disk\",\"error_key\":\"FULL\",\"description\":\"A disk is full.\\nMore.\",\"total_risk\":4}]}";

const TABLE: &str =
    "RISK        RULE             DESCRIPTION\n4 critical  rules.disk|FULL  A disk is full.\n";

/// A program that watches, with or without more arguments.
fn watch(server: &str, arguments: &[&str]) -> gathering_tests::Finished {
    let all = [&["watch", CLUSTER, "r", "--server", server], arguments].concat();
    Program::new().run(&all)
}

/// A server with a secret, rule content and what `import` says, and a file with a token for it.
fn served(program: &Program) -> (Running, String) {
    let secret = secret(program);
    let token = program.run(&["token", "--org", "42", "--ttl", "1h", "--set", &secret]).ok().stdout;
    let token = program.file("token.txt", token).display().to_string();
    program.file("rules/config.yaml", "impact:\n  Full: 4\n");
    program.file(
        "rules/external/disk/plugin.yaml",
        "name: Disk\nnode_id: ''\nproduct_code: OCP4\npython_module: rules.disk\n",
    );
    program.file("rules/external/disk/reason.md", "Why.\n");
    program.file("rules/external/disk/generic.md", "A disk is full.\nMore.");
    program.file(
        "rules/external/disk/FULL/metadata.yaml",
        "description: Disk\nimpact: Full\nlikelihood: 4\nstatus: active\npublish_date: '2026-01-01 00:00:00'\ntags: []\n",
    );
    std::fs::create_dir(program.folder().join("rules/internal")).unwrap();
    program.run(&["import", "content", "rules"]).ok();
    (program.serve(&["serve", "--set", &secret]), token)
}

fn import(program: &Program, message: &Message) {
    program.run_with_input(&["import", "results", "-"], message.to_string().as_bytes()).ok();
}

fn spawn(program: &Program, arguments: &[&str]) -> Child {
    let mut command = program.command(arguments);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn finished(child: Child) -> (Option<i32>, String, String) {
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn a_real_request_is_waited_for_and_its_report_printed() {
    let program = Program::new();
    let (running, token) = served(&program);
    let server = format!("http://{}", running.api_address());
    // Before anybody has heard of it.
    let waiting = spawn(&program, &["watch", CLUSTER, "r", "--server", &server, "--token-file", &token]);
    thread::sleep(Duration::from_millis(300));
    import(&program, &Message::new(42, CLUSTER, "r").hit("rules.disk|FULL"));
    assert_eq!(finished(waiting), (Some(0), TABLE.to_owned(), String::new()));

    let bare = std::fs::read_to_string(&token).unwrap();
    let json = program
        .command(&["watch", &CLUSTER.to_uppercase(), "r", "--json"])
        .env("GATHERING_SERVER", format!("{server}/api/insights-results-aggregator/v2/"))
        .env("GATHERING_TOKEN", &bare)
        .output()
        .unwrap();
    let body =
        running.call("GET", &format!("/cluster/{CLUSTER}/request/r/report")).bearer(bare.trim()).send().body;
    assert_eq!((json.status.code(), String::from_utf8(json.stdout).unwrap()), (Some(0), body));

    import(&program, &Message::new(42, CLUSTER, "healthy"));
    import(&program, &Message::new(42, CLUSTER, "bad").failed());
    let run = |request: &str, cluster: &str| {
        program.run(&[
            "watch",
            cluster,
            request,
            "--server",
            &server,
            "--token-file",
            &token,
            "--timeout",
            "1s",
        ])
    };
    assert_eq!(run("healthy", CLUSTER).ok().stdout, "The analysis found nothing.\n");
    assert!(refused(&run("bad", CLUSTER), 1).starts_with("the request bad failed"));
    let unknown = run("unknown", OTHER_CLUSTER);
    let sentence = "the request unknown was not processed within 1s: the server does not know it (404: Request ID not found \
                    for given org_id and cluster_id)";
    assert_eq!(refused(&unknown, 1), sentence);
}

#[test]
fn what_cannot_get_better_ends_it_at_once() {
    let program = Program::new();
    let (running, token) = served(&program);
    let (server, began) = (format!("http://{}", running.api_address()), Instant::now());
    let run = |arguments: &[&str]| {
        program.run(&[&["watch", CLUSTER, "r", "--server", &server], arguments].concat())
    };
    assert!(refused(&run(&[]), 1).starts_with(&format!("{server}/ gave 401: Unauthorized: ")));
    let other = program.file("other.txt", "no token\n").display().to_string();
    assert!(refused(&run(&["--token-file", &other]), 1).contains(" gave 401: "));
    let key = format!("auth.keys.hmac_secret_file={}", program.folder().join("hmac.key").display());
    let bound = program.run(&["token", "--org", "42", "--cluster", OTHER_CLUSTER, "--set", &key]).ok().stdout;
    let bound = program.file("bound.txt", bound).display().to_string();
    assert!(refused(&run(&["--token-file", &bound]), 1).contains(" gave 403: Forbidden: "));
    drop((running, token));

    let sentence = "{\"status\":\"Parameter is not valid\"}";
    for (answers, expected) in [
        (answer("400 Bad Request", "", sentence), "gave 400: Parameter is not valid"),
        (answer("302 Found", "Location: http://127.0.0.1:1/\r\n", ""), "gave 302 Found"),
        (answer("405 Method Not Allowed", "", "<html>"), "gave 405 Method Not Allowed"),
        (answer("200 OK", "", "<html>Sign in</html>"), "gave something that is no answer of this API"),
        (state("failed"), "the request r failed"),
        (state("failed\",\"reason\":\"nothing in it"), "the request r failed: nothing in it"),
    ] {
        let scripted = Scripted::start(&[&answers]);
        let sentence = watch(&scripted.url(), &[]);
        assert!(refused(&sentence, 1).contains(expected), "{sentence:?}");
        assert_eq!(scripted.heads().len(), 1);
    }
    assert!(began.elapsed() < Duration::from_secs(300), "nothing waited for its time to be over");
}

#[test]
fn a_report_has_its_list_be_it_null() {
    for (report, expected) in [
        ("{\"status\":\"processed\",\"report\":null}", None),
        ("{\"status\":\"processed\",\"report\":[]}", None),
        ("{\"status\":\"processed\"}", Some("gave something that is no answer of this API")),
        ("{\"status\":\"processed\",\"report\":{}}", Some("gave something that is no answer of this API")),
        ("[\"processed\",null,[]]", Some("gave something that is no answer of this API")),
    ] {
        let scripted = Scripted::start(&[&state("processed"), &answer("200 OK", "", report)]);
        let finished = watch(&scripted.url(), &[]);
        match expected {
            Some(expected) => assert!(refused(&finished, 1).contains(expected), "{report}: {finished:?}"),
            None => assert_eq!(finished.ok().stdout, "The analysis found nothing.\n", "{report}"),
        }
    }
}

#[test]
fn wrong_usage_is_told_before_anything_is_asked() {
    let program = Program::new();
    let run = |arguments: &[&str]| {
        let finished = program.run(&[&["watch"], arguments].concat());
        assert_eq!((finished.code, finished.stdout.as_str()), (Some(2), ""), "{finished:?}");
        finished.stderr
    };
    let secret = program.file("secret.txt", "secret\u{7f}token").display().to_string();
    let token = program.file("token.txt", "a.b.c").display().to_string();
    for (arguments, expected) in [
        (&[][..], "CLUSTER"),
        (&[CLUSTER], "REQUEST"),
        (&["cluster", "r"], "invalid value 'cluster'"),
        (&[CLUSTER, "r/s"], "invalid value 'r/s'"),
        (&[CLUSTER, "r", "--server", "host:8080"], "a URL with http or https"),
        (&[CLUSTER, "r", "--server", "http://u:p@host"], "without user, password"),
        (&[CLUSTER, "r", "--timeout", "0s"], "from 1s to 7d"),
        (&[CLUSTER, "r", "--timeout", "soon"], "a duration such as"),
        (&[CLUSTER, "r", "--token-file", "missing.txt"], "missing.txt cannot be read"),
        (&[CLUSTER, "r", "--server", "http://host:1", "--token-file", &token], "give a --server with https"),
        (&[CLUSTER, "r", "--token-file", &secret], "the token holds characters that no token has"),
    ] {
        let sentence = run(arguments);
        assert!(
            sentence.contains(expected) && !sentence.contains("secret\u{7f}token"),
            "{arguments:?}: {sentence}"
        );
    }
}

#[test]
fn a_server_is_asked_to_wait_and_asked_again_when_it_says() {
    let retry = "Retry-After: 1\r\n";
    let answers = [
        answer("404 Not Found", retry, "{\"status\":\"not found\"}"),
        answer("200 OK", retry, "{\"status\":\"received\"}"),
        answer("429 Too Many Requests", retry, "{\"status\":\"slow down\"}"),
        answer("503 Service Unavailable", retry, "{\"status\":\"storage is away\"}"),
        answer("502 Bad Gateway", "Retry-After: 0\r\n", "<html>"),
        state("unknown"),
        String::new(),
        state("processed"),
        answer("503 Service Unavailable", "Retry-After: 0\r\n", "{\"status\":\"not loaded yet\"}"),
        state("processed"),
        answer("200 OK", "", REPORT),
    ];
    let scripted = Scripted::start(&answers.each_ref().map(String::as_str));
    let began = Instant::now();
    let finished = watch(&scripted.url(), &[]).ok();
    assert_eq!(
        (finished.stdout.as_str(), finished.stderr.as_str()),
        (TABLE, ""),
        "nothing is told where no terminal is"
    );
    assert!(began.elapsed() >= Duration::from_secs(4), "{:?}", began.elapsed());
    let heads = scripted.heads();
    assert_eq!(heads.len(), answers.len());
    for (number, head) in heads.iter().enumerate() {
        let what = if [8, 10].contains(&number) { "report" } else { "status" };
        assert!(
            head.starts_with(&format!("get /base/cluster/{CLUSTER}/request/r/{what} http/1.1")),
            "{head}"
        );
        assert_eq!(head.contains("\nprefer: wait=25"), what == "status", "{head}");
        assert!(!head.contains("authorization"), "there is no token");
    }
}

#[test]
fn it_waits_no_longer_than_it_was_told() {
    for (answers, expected) in [
        (
            answer("503 Service Unavailable", "Retry-After: 999999999999\r\n", ""),
            "the server says 503 Service Unavailable",
        ),
        (state("received"), "it is received and not processed"),
        (String::new(), "the server gives no answer ("),
    ] {
        let scripted = Scripted::start(&[&answers]);
        let began = Instant::now();
        let finished = watch(&scripted.url(), &["--timeout", "2s"]);
        let start = format!("the request r was not processed within 2s: {expected}");
        assert!(refused(&finished, 1).starts_with(&start), "{finished:?}");
        assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
        assert!((1..20).contains(&scripted.heads().len()), "{:?}", scripted.heads());
    }
}

#[test]
fn it_asks_once_more_in_the_time_it_has() {
    let later = answer("503 Service Unavailable", "Retry-After: 600\r\n", "");
    let answers = [later, state("processed"), answer("200 OK", "", REPORT)];
    let scripted = Scripted::start(&answers.each_ref().map(String::as_str));
    assert_eq!(watch(&scripted.url(), &["--timeout", "5s"]).ok().stdout, TABLE);
}

#[test]
fn a_server_that_restarts_is_waited_for() {
    // Bound and not listening: nobody else gets the port, and connections are refused.
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    bind(&socket, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address: SocketAddrV4 = getsockname(&socket).unwrap().try_into().unwrap();
    let program = Program::new();
    let mut waiting = spawn(&program, &["watch", CLUSTER, "r", "--server", &format!("http://{address}")]);
    thread::sleep(Duration::from_secs(1));
    assert_eq!(waiting.try_wait().unwrap(), None, "it goes on");
    listen(&socket, 16).unwrap();
    let answers = [String::new(), state("received"), state("processed"), answer("200 OK", "", REPORT)];
    let scripted = Scripted::on(TcpListener::from(socket), &answers.each_ref().map(String::as_str));
    assert_eq!(finished(waiting), (Some(0), TABLE.to_owned(), String::new()));
    until(|| scripted.heads().len() == 4);
}

#[test]
fn json_is_the_report_as_it_came() {
    let scripted = Scripted::start(&[&state("processed"), &answer("200 OK", "", REPORT)]);
    assert_eq!(watch(&scripted.url(), &["--json"]).ok().stdout, format!("{REPORT}\n"), "in whole lines");
}

#[test]
fn what_a_server_says_does_not_control_a_terminal() {
    let escape = "\\u001b]0;title\\u0007\\u009b31m\u{202e}\u{9b}2J";
    let report = format!(
        "{{\"status\":\"processed\",\"report\":[{{\"rule_fqdn\":\"rules{escape}\",\"error_key\":\"K{escape}\",\
         \"description\":\"a{escape}\\rb\",\"total_risk\":9}}]}}"
    );
    for answers in [
        vec![state("processed"), answer("200 OK", "", &report)],
        vec![answer("403 Forbidden", "", &format!("{{\"status\":\"no{escape}\"}}"))],
        vec![state(&format!("failed\",\"reason\":\"no{escape}"))],
        vec![state(&format!("odd{escape}"))],
    ] {
        let scripted = Scripted::start(&answers.iter().map(String::as_str).collect::<Vec<_>>());
        let finished = watch(&scripted.url(), &["--timeout", "1s"]);
        let all = format!("{}{}", finished.stdout, finished.stderr);
        assert!(!all.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}'), "{all:?}");
        assert!(all.contains("title"), "the rest is told: {all}");
    }
}
