//! The primary goes away while messages come and operators poll, and the standby takes its place.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use gathering_tests::{CLUSTER, Message, Program, Running, until};

use crate::pair::Pair;

/// A service on two servers, of which nothing is remembered: each answer is the database's.
fn serve(program: &Program, url: &str) -> Running {
    let url = format!("storage.url={url}");
    program.serve(&[
        "serve",
        "--set",
        "auth.mode=disabled",
        "--set",
        "storage.processed_cache=0",
        "--set",
        "report.unknown_content=include",
        "--set",
        &url,
    ])
}

/// What callers see meanwhile.
#[derive(Default)]
struct Seen {
    /// Requests whose results were acknowledged, with when.
    acknowledged: Mutex<Vec<(String, Instant)>>,
    /// When polls were answered, and how long each of them took, answered or not.
    answered: Mutex<Vec<Instant>>,
    longest: Mutex<Duration>,
    is_over: AtomicBool,
}

impl Seen {
    fn send_results(&self, running: &Running) {
        for number in 0.. {
            let request = format!("r{number}");
            while !self.is_over() {
                let message = Message::new(1, CLUSTER, &request).hit("rules.a|A").to_string();
                if running
                    .call("POST", "/ingest/results")
                    .header("content-type", "application/json")
                    .body(message)
                    .send()
                    .status
                    == 200
                {
                    self.acknowledged.lock().unwrap().push((request, Instant::now()));
                    break;
                }
            }
            if self.is_over() {
                return;
            }
        }
    }

    fn poll(&self, running: &Running) {
        while !self.is_over() {
            let began = Instant::now();
            let status =
                running.call("GET", &format!("/cluster/{CLUSTER}/request/none/status")).send().status;
            let mut longest = self.longest.lock().unwrap();
            *longest = (*longest).max(began.elapsed());
            drop(longest);
            if status == 404 {
                self.answered.lock().unwrap().push(Instant::now());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::SeqCst)
    }

    /// Waits until both go on after this moment, and returns how long each took.
    fn go_on_after(&self, moment: Instant) -> (Duration, Duration) {
        let first = |mut times: Box<dyn Iterator<Item = Instant>>| times.find(|time| *time > moment);
        let recorded = || self.acknowledged.lock().unwrap().iter().map(|(_, when)| *when).collect::<Vec<_>>();
        let polled = || self.answered.lock().unwrap().clone();
        until(|| {
            let both = [recorded(), polled()];
            both.into_iter().all(|times| first(Box::new(times.into_iter())).is_some())
        });
        let since = |times: Vec<Instant>| first(Box::new(times.into_iter())).unwrap() - moment;
        (since(polled()), since(recorded()))
    }
}

/// Has results sent and requests polled while the primary goes away and the standby is promoted.
fn fails_over(how: &str, go_away: impl FnOnce(&mut Pair)) {
    let mut pair = Pair::start();
    let program = Program::new();
    let running = serve(&program, &pair.url());
    let seen = Seen::default();
    std::thread::scope(|scope| {
        scope.spawn(|| seen.send_results(&running));
        scope.spawn(|| seen.poll(&running));
        let checked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            until(|| {
                seen.acknowledged.lock().unwrap().len() >= 20 && !seen.answered.lock().unwrap().is_empty()
            });
            let away = Instant::now();
            go_away(&mut pair);
            pair.standby.promote();
            let promoted = Instant::now();
            let (polls, ingest) = seen.go_on_after(promoted);
            let longest = *seen.longest.lock().unwrap();
            // For docs/DATABASES.md.
            println!(
                "{how}: promoted after {:?}; from then on, polls go on after {polls:?}, ingest after {ingest:?}; the \
                 longest poll took {longest:?}",
                promoted - away
            );
        }));
        seen.is_over.store(true, Ordering::SeqCst);
        if let Err(panic) = checked {
            std::panic::resume_unwind(panic);
        }
    });
    for (request, _) in seen.acknowledged.lock().unwrap().iter() {
        let report = format!("/cluster/{CLUSTER}/request/{request}/report");
        let answer = running.call("GET", &report).send();
        assert_eq!((answer.status, answer.json()["status"].as_str()), (200, Some("processed")), "{request}");
    }
    assert_eq!(running.admin("/readyz").send().status, 200);
}

#[test]
fn a_primary_that_is_stopped() {
    fails_over("stopped", |pair| pair.primary.stop());
}

#[test]
fn a_primary_that_is_frozen() {
    // Longer than a call may take: what is open hangs, and what is opened first finds the frozen one first.
    fails_over("frozen", |pair| pair.primary.freeze());
}

#[test]
fn a_first_host_that_is_frozen_is_left_for_the_second() {
    let mut pair = Pair::start();
    pair.primary.stop();
    pair.standby.promote();
    pair.primary.start_again();
    let program = Program::new();
    pair.primary.freeze();
    let running = serve(&program, &pair.url());
    let began = Instant::now();
    let none = format!("/cluster/{CLUSTER}/request/none/status");
    until(|| running.call("GET", &none).send().status == 404);
    println!("a frozen first host: the first answer after {:?}", began.elapsed());
    pair.primary.thaw();
}

/// Takes connections and says to each what a pooler says whose server is away.
fn pooler_without_a_server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            // What it asks for does not matter.
            let _ = client.read(&mut [0; 1024]);
            let fields = b"SFATAL\0C08P01\0Mserver login has been failing\0\0";
            let length = u32::try_from(fields.len() + 4).unwrap().to_be_bytes();
            // It may have gone.
            let _ = client.write_all(&[b"E".as_slice(), &length, fields].concat());
        }
    });
    port
}

#[test]
fn a_first_host_that_answers_with_an_error_is_left_for_the_second() {
    let pair = Pair::start();
    let hosts = format!("127.0.0.1:{},127.0.0.1:{}", pooler_without_a_server(), pair.primary.port());
    let url = format!("postgres://gathering@{hosts}/postgres?gssencmode=disable&sslmode=disable");
    until(|| {
        let program = Program::new();
        program.run(&["migrate", "--set", &format!("storage.url={url}")]).code == Some(0)
    });
    let program = Program::new();
    let running = serve(&program, &url);
    until(|| running.call("GET", &format!("/cluster/{CLUSTER}/request/none/status")).send().status == 404);
}

#[test]
fn behind_a_pooler_each_server_is_asked_what_it_is() {
    let pair = Pair::start();
    // What libpq is told while it connects is not asked for: PgBouncer goes on saying it after a promotion.
    let hosts = format!("127.0.0.1:{},127.0.0.1:{}", pair.standby.port(), pair.primary.port());
    let url = format!("postgres://gathering@{hosts}/postgres");
    let pooler = ["--set", "storage.pooler=transaction"];
    let program = Program::new();
    until(|| {
        let migrated =
            program.run(&[&["migrate", "--set", &format!("storage.url={url}")], &pooler[..]].concat());
        migrated.code == Some(0)
    });
    let settings =
        [&["serve", "--set", "auth.mode=disabled", "--set", &format!("storage.url={url}")], &pooler[..]];
    let running = program.serve(&settings.concat());
    let message = Message::new(1, CLUSTER, "one").hit("rules.a|A").to_string();
    until(|| {
        let call = running.call("POST", "/ingest/results").header("content-type", "application/json");
        call.body(message.clone()).send().status == 200
    });
    until(|| running.call("GET", &format!("/cluster/{CLUSTER}/request/one/status")).send().status == 200);
}

#[test]
fn a_start_on_a_standby_says_so() {
    let pair = Pair::start();
    let program = Program::new();
    let standby = format!("storage.url={}", pair.standby.url());
    let primary = format!("storage.url={}", pair.primary.url());
    let both_ways = |commands: &[&[&str]]| {
        for command in commands {
            let finished = program.run(&[*command, &["--set", &standby]].concat());
            assert_eq!((finished.code, finished.stdout.as_str()), (Some(1), ""), "{finished:?}");
            let sentence = "is a standby, which takes no writes; storage.url has to lead to the primary";
            assert!(finished.stderr.contains(sentence), "{finished:?}");
            assert_eq!(finished.stderr.trim_end().lines().count(), 1, "{finished:?}");
        }
    };
    let serve = ["serve", "--set", "auth.mode=disabled", "--set", "log.filter=off"];
    let commands = [&["migrate"][..], &["migrate", "--check"], &["migrate", "--revert"], &serve];
    both_ways(&commands);
    program.run(&["migrate", "--set", &primary]).ok();
    until(|| {
        let check = program.run(&["migrate", "--check", "--set", &standby]);
        check.stderr.contains("is a standby")
    });
    both_ways(&commands);
}
