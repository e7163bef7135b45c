//! `gathering erase`: everything of an organization or a cluster, also what other processes remember.

use std::fs;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use gathering_tests::{CLUSTER, Message, OTHER_CLUSTER, Program, Running, TestDatabase, until};

use crate::{refused, secret};

fn token(program: &Program, key: &str, organization: &str) -> String {
    program.run(&["token", "--org", organization, "--set", key]).ok().stdout.trim().to_owned()
}

fn status(running: &Running, token: &str, cluster: &str, request: &str) -> u16 {
    let path = format!("/cluster/{cluster}/request/{request}/status");
    running.call("GET", &path).bearer(token).send().status
}

fn list(running: &Running, token: &str, cluster: &str) -> u16 {
    running.call("GET", &format!("/cluster/{cluster}/requests")).bearer(token).send().status
}

/// Three requests of organization 42 on two clusters, and one of organization 43 on the same cluster.
fn lines() -> String {
    let all = [(42, CLUSTER, "a"), (42, CLUSTER, "b"), (42, OTHER_CLUSTER, "c"), (43, CLUSTER, "a")];
    let line = |(organization, cluster, request): (u32, &str, &str)| {
        Message::new(organization, cluster, request).hit("rules.secret|FINDING_OF_SOMEBODY").to_string()
            + "\n"
    };
    all.into_iter().map(line).collect()
}

fn a_tenant_is_gone_in_every_process(database: &TestDatabase) {
    let program = Program::new();
    let (key, url) = (secret(&program), format!("storage.url={}", database.url()));
    let run = |arguments: &[&str]| program.run(&[arguments, &["--set", &url]].concat());
    program.run_with_input(&["import", "results", "-", "--set", &url], lines().as_bytes()).ok();
    let arguments = ["serve", "--set", &url, "--set", &key];
    let processes = [program.serve(&arguments), program.serve(&arguments)];
    let (ours, others) = (token(&program, &key, "42"), token(&program, &key, "43"));
    for running in &processes {
        for request in ["a", "b"] {
            assert_eq!(status(running, &ours, CLUSTER, request), 200, "remembered from now on");
        }
        assert_eq!(status(running, &others, CLUSTER, "a"), 200);
    }
    let dry = run(&["erase", "--org", "42", "--dry-run"]).ok();
    assert_eq!(dry.stdout, "would erase 3 requests and 2 clusters: organization 42\n");
    assert_eq!(database.requests(), 4);

    let one = run(&["erase", "--org", "42", "--cluster", OTHER_CLUSTER]).ok();
    assert_eq!(
        one.stdout,
        format!("erased 1 requests and 1 clusters: cluster {OTHER_CLUSTER} of organization 42\n")
    );
    assert_eq!(list(&processes[0], &ours, OTHER_CLUSTER), 404);
    assert_eq!(list(&processes[0], &ours, CLUSTER), 200);

    let erased = run(&["erase", "--org", "42"]).ok();
    assert_eq!(erased.stdout, "erased 2 requests and 1 clusters: organization 42\n");
    assert!(
        erased.stderr.contains("erased 2 requests and 1 clusters: organization 42"),
        "logged: {erased:?}"
    );
    for running in &processes {
        // Memory answers until the process looks, a second later at most. Without that it would for a minute, and time of
        // these processes is the machine's.
        until(|| status(running, &ours, CLUSTER, "a") == 404 && status(running, &ours, CLUSTER, "b") == 404);
        assert_eq!(list(running, &ours, CLUSTER), 404, "the cluster is not known any more either");
        assert_eq!(status(running, &others, CLUSTER, "a"), 200, "others keep what is theirs");
    }
    assert_eq!(
        run(&["erase", "--org", "42"]).ok().stdout,
        "erased 0 requests and 0 clusters: organization 42\n"
    );

    // What comes later is recorded again.
    program.run_with_input(&["import", "results", "-", "--set", &url], lines().as_bytes()).ok();
    assert_eq!(status(&processes[1], &ours, CLUSTER, "a"), 200);
}

#[test]
fn a_tenant_is_gone_in_every_process_on_sqlite() {
    a_tenant_is_gone_in_every_process(&TestDatabase::sqlite());
}

#[test]
fn a_tenant_is_gone_in_every_process_on_postgres() {
    a_tenant_is_gone_in_every_process(&TestDatabase::postgres());
}

/// More than a step, on many clusters and on one.
fn many_are_erased_in_steps(database: &TestDatabase) {
    let program = Program::new();
    let url = format!("storage.url={}", database.url());
    let mut lines = String::new();
    for number in 0..1_200 {
        let many = format!("5d5892d3-1f74-4ccf-91af-{number:012x}");
        let cluster = if number % 2 == 0 { CLUSTER } else { &many };
        for organization in [41, 42, 43] {
            lines += &(Message::new(organization, cluster, &format!("r{number}")).to_string() + "\n");
        }
    }
    program.run_with_input(&["import", "results", "-", "--set", &url], lines.as_bytes()).ok();
    let run = |arguments: &[&str]| program.run(&[arguments, &["--set", &url]].concat()).ok().stdout;
    let much = "1200 requests and 601 clusters: organization 42\n";
    assert_eq!(run(&["erase", "--org", "42", "--dry-run"]), format!("would erase {much}"));
    let of = format!("600 requests and 1 clusters: cluster {CLUSTER} of organization 41\n");
    assert_eq!(run(&["erase", "--org", "41", "--cluster", CLUSTER]), format!("erased {of}"));
    assert_eq!(run(&["erase", "--org", "42"]), format!("erased {much}"));
    assert_eq!(database.requests(), 600 + 1_200);
}

#[test]
fn many_are_erased_in_steps_on_sqlite() {
    many_are_erased_in_steps(&TestDatabase::sqlite());
}

#[test]
fn many_are_erased_in_steps_on_postgres() {
    many_are_erased_in_steps(&TestDatabase::postgres());
}

#[test]
fn nothing_is_left_of_it_in_the_files() {
    let program = Program::new();
    let message = Message::new(42, CLUSTER, "a").hit("rules.secret|FINDING_OF_SOMEBODY").to_string();
    program.run_with_input(&["import", "results", "-"], message.as_bytes()).ok();
    let running = program.serve(&["serve", "--set", "auth.mode=disabled"]);
    let holds_it = || {
        let files = fs::read_dir(program.folder().join("data")).unwrap();
        files
            .map(|file| fs::read(file.unwrap().path()).unwrap())
            .any(|bytes| bytes.windows(19).any(|window| window == b"FINDING_OF_SOMEBODY"))
    };
    assert!(holds_it());
    program.run(&["erase", "--org", "42"]).ok();
    assert!(!holds_it(), "neither in free pages nor in the -wal file");
    drop(running);
}

#[test]
fn what_a_signal_ends_is_told_of() {
    let (program, database) = (Program::new(), TestDatabase::postgres());
    let url = format!("storage.url={}", database.url());
    let line = |number: u32| {
        let request = format!("r{number:03}");
        [42, 43].map(|organization| Message::new(organization, CLUSTER, &request).to_string() + "\n").concat()
    };
    let lines: String = (0..600).map(line).collect();
    program.run_with_input(&["import", "results", "-", "--set", &url], lines.as_bytes()).ok();
    let mut holder = PgConnection::establish(database.url()).unwrap();
    holder.batch_execute("BEGIN; SELECT * FROM requests WHERE request_id = 'r599' FOR UPDATE").unwrap();
    for (signal, organization, left) in [("TERM", "42", 700), ("INT", "43", 200)] {
        let mut command =
            program.command(&["erase", "--org", organization, "--set", "log.audit=true", "--set", &url]);
        let child = command.stderr(Stdio::piped()).spawn().unwrap();
        until(|| database.requests() == left);
        gathering_tests::signal(&child, signal);
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        let told = "stopped by a signal; until then 500 requests and 0 clusters were erased";
        assert!(stderr.contains(told), "{stderr}");
        let outcomes: Vec<_> = stderr.lines().filter(|line| line.contains("gathering::audit")).collect();
        assert_eq!(outcomes.len(), 2, "{stderr}");
        assert!(outcomes[0].contains("\"begun\""), "{stderr}");
        assert!(outcomes[1].contains("failed after 500 requests and 0 clusters"), "{stderr}");
    }
    holder.batch_execute("COMMIT").unwrap();
    let rest = program.run(&["erase", "--org", "42", "--set", &url]).ok();
    assert_eq!(rest.stdout, "erased 100 requests and 1 clusters: organization 42\n");
}

#[test]
fn there_has_to_be_a_database_and_an_organization() {
    let program = Program::new();
    let run = program.run(&["erase", "--org", "42"]);
    assert_eq!(refused(&run, 1), "there is no database at sqlite://data/gathering.db; check storage.url");
    assert!(!program.folder().join("data").exists());
    assert_eq!(program.run(&["erase"]).code, Some(2));
    assert_eq!(program.run(&["erase", "--org", "0"]).code, Some(2));
    assert_eq!(program.run(&["erase", "--org", "42", "--cluster", "x"]).code, Some(2));
}

/// Whoever writes goes on meanwhile, also for the tenant that is erased; what comes once it began may stay.
fn writers_go_on_meanwhile(database: &TestDatabase) {
    let program = Program::new();
    let url = format!("storage.url={}", database.url());
    let running = program.serve(&[
        "serve",
        "--set",
        "auth.mode=disabled",
        "--set",
        "auth.disabled_org=42",
        "--set",
        &url,
    ]);
    let is_over = AtomicBool::new(false);
    let erase = || program.run(&["erase", "--org", "42", "--set", &url]).ok();
    std::thread::scope(|scope| {
        for writer in 0..3 {
            let (running, is_over) = (&running, &is_over);
            scope.spawn(move || {
                for number in 0.. {
                    if is_over.load(Ordering::Relaxed) {
                        break;
                    }
                    // The same rows again and again, many at once.
                    let messages = (0..50)
                        .map(|one| Message::new(42, CLUSTER, &format!("r{}", (number + writer + one) % 97)));
                    let body: String = messages.map(|message| message.to_string() + "\n").collect();
                    let call = running
                        .call("POST", "/ingest/results")
                        .header("content-type", "application/x-ndjson");
                    let answer = call.body(body).send();
                    assert_eq!(answer.status, 200, "{}", running.stderr());
                }
            });
        }
        until(|| database.requests() > 50);
        for _ in 0..5 {
            erase();
        }
        is_over.store(true, Ordering::Relaxed);
    });
    erase();
    assert_eq!(database.requests(), 0);
}

#[test]
fn writers_go_on_meanwhile_on_sqlite() {
    writers_go_on_meanwhile(&TestDatabase::sqlite());
}

#[test]
fn writers_go_on_meanwhile_on_postgres() {
    writers_go_on_meanwhile(&TestDatabase::postgres());
}
