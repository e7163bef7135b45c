//! `storage.read_url`: what a standby answers, and what is asked of the primary all the same.

use std::time::Instant;

use gathering_tests::{CLUSTER, Message, Program, Running, until};

use crate::pair::Pair;

struct Subject {
    running: Running,
    _program: Program,
}

impl Subject {
    /// A service that asks this standby, of which nothing is remembered: each answer is a database's.
    fn start(url: &str, read_url: &str) -> Self {
        Self::remembering(url, read_url, "0")
    }

    /// The same with this much memory for requests that are known to be processed.
    fn remembering(url: &str, read_url: &str, cache: &str) -> Self {
        let program = Program::new();
        let (url, read_url) = (format!("storage.url={url}"), format!("storage.read_url={read_url}"));
        let cache = format!("storage.processed_cache={cache}");
        let fixed = ["auth.mode=disabled", "report.unknown_content=include"];
        let all = fixed.into_iter().chain([url.as_str(), &read_url, &cache]);
        let arguments: Vec<&str> =
            std::iter::once("serve").chain(all.flat_map(|one| ["--set", one])).collect();
        Self { running: program.serve(&arguments), _program: program }
    }

    fn send(&self, request: &str, hit: &str) {
        let message = Message::new(1, CLUSTER, request).hit(&format!("rules.a|{hit}")).to_string();
        assert_eq!(
            self.running
                .call("POST", "/ingest/results")
                .header("content-type", "application/json")
                .body(message)
                .send()
                .status,
            200
        );
    }

    fn get(&self, rest: &str) -> gathering_tests::Answer {
        self.running.call("GET", &format!("/cluster/{CLUSTER}/{rest}")).send()
    }

    /// The state of a request, and its hits.
    fn sees(&self, request: &str, hit: &str) {
        let status = self.get(&format!("request/{request}/status"));
        assert_eq!(
            (status.status, status.json()["status"].as_str()),
            (200, Some("processed")),
            "{}",
            status.body
        );
        let report = self.get(&format!("request/{request}/report"));
        assert_eq!(report.status, 200, "{}", report.body);
        assert_eq!(report.json()["report"][0]["error_key"].as_str(), Some(hit), "{}", report.body);
    }

    fn metric(&self, name: &str) -> u64 {
        let metrics = self.running.admin("/metrics").send().body;
        let line = metrics.lines().find_map(|line| line.strip_prefix(&format!("{name} ")));
        line.unwrap_or_else(|| panic!("{name} is in {metrics}")).parse().unwrap()
    }

    fn lookups(&self, outcome: &str) -> u64 {
        let name = format!("gathering_storage_standby_lookups_total{{outcome=\"{outcome}\"}}");
        let metrics = self.running.admin("/metrics").send().body;
        metrics
            .lines()
            .find_map(|line| line.strip_prefix(&format!("{name} ")))
            .map_or(0, |n| n.parse().unwrap())
    }

    fn is_up(&self) -> bool {
        // A probe has the standby looked at, as a call does.
        assert_eq!(
            self.running.admin("/readyz").send().status,
            200,
            "a standby does not decide about readiness"
        );
        self.metric("gathering_storage_standby_up") == 1
    }
}

fn served(pair: &Pair) -> Subject {
    let subject = Subject::start(&pair.url(), &pair.standby.url());
    until(|| subject.is_up());
    subject
}

#[test]
fn one_that_lags_answers_nothing_that_is_not_so() {
    let pair = Pair::start();
    let subject = served(&pair);
    subject.send("before", "A");
    until(|| {
        subject.sees("before", "A");
        subject.lookups("answered") >= 2
    });
    pair.standby.execute("SELECT pg_wal_replay_pause()");
    until(|| {
        // What is recorded from now on it does not know.
        subject.send("after", "B");
        let known = subject.lookups("asked_again");
        subject.sees("after", "B");
        subject.lookups("asked_again") >= known + 2
    });
    assert_eq!(subject.get("request/none/status").status, 404);
    // A list that lacks one looks like a whole one.
    let list = subject.get("requests").json();
    let names: Vec<_> =
        list["requests"].as_array().unwrap().iter().map(|one| one["requestID"].clone()).collect();
    assert!(names.contains(&"after".into()) && names.contains(&"before".into()), "{names:?}");
    let selected = subject.running.call("POST", &format!("/cluster/{CLUSTER}/requests"));
    let selected = selected.body("[\"after\"]").send().json();
    assert_eq!(selected["requests"][0]["valid"], true, "{selected}");
    // A lag is no failure, and it goes by itself.
    assert_eq!(subject.lookups("failed"), 0);
    pair.standby.execute("SELECT pg_wal_replay_resume()");
    until(|| {
        let answered = subject.lookups("answered");
        subject.sees("after", "B");
        subject.lookups("answered") >= answered + 2
    });
}

#[test]
fn what_it_says_is_not_remembered() {
    let pair = Pair::start();
    let subject = Subject::remembering(&pair.url(), &pair.standby.url(), "1 MiB");
    until(|| subject.is_up());
    subject.send("one", "A");
    // It may not know yet what was erased, so each call asks anew.
    until(|| {
        let answered = subject.lookups("answered");
        for _ in 0..5 {
            assert_eq!(subject.get("request/one/status").json()["status"], "processed");
        }
        subject.lookups("answered") == answered + 5
    });
}

#[test]
fn what_was_erased_is_not_answered_by_one_that_has_it_still() {
    let pair = Pair::start();
    let subject = Subject::remembering(&pair.url(), &pair.standby.url(), "1 MiB");
    subject.send("one", "A");
    until(|| {
        let answered = subject.lookups("answered");
        subject.sees("one", "A");
        subject.lookups("answered") > answered
    });
    pair.standby.execute("SELECT pg_wal_replay_pause()");
    let program = Program::new();
    program.run(&["erase", "--org", "1", "--set", &format!("storage.url={}", pair.url())]).ok();
    until(|| subject.get("request/one/status").status == 404);
    assert!(!subject.is_up());
    for _ in 0..20 {
        assert_eq!(subject.get("request/one/status").status, 404);
    }
    pair.standby.execute("SELECT pg_wal_replay_resume()");
    until(|| {
        assert_eq!(subject.get("request/one/status").status, 404);
        subject.is_up()
    });
}

#[test]
fn one_that_is_away_is_left_out_and_comes_back() {
    let mut pair = Pair::start();
    // One URL for both: the one that follows is found, wherever it is.
    let subject = Subject::start(&pair.url(), &pair.url());
    until(|| subject.is_up());
    subject.send("a", "A");
    pair.standby.stop();
    subject.sees("a", "A");
    until(|| !subject.is_up());
    subject.sees("a", "A");
    pair.standby.start_again();
    until(|| subject.is_up());
    until(|| {
        let answered = subject.lookups("answered");
        subject.sees("a", "A");
        subject.lookups("answered") > answered
    });
}

#[test]
fn one_that_hangs_holds_up_nobody_beyond_the_time_of_a_call() {
    let pair = Pair::start();
    let subject = served(&pair);
    subject.send("a", "A");
    until(|| {
        subject.sees("a", "A");
        subject.lookups("answered") >= 2
    });
    pair.standby.freeze();
    // Each is answered, the first after a while.
    let began = Instant::now();
    subject.sees("a", "A");
    println!("a frozen standby: status and report took {:?}", began.elapsed());
    assert!(subject.lookups("failed") >= 1);
    assert!(!subject.is_up());
    pair.standby.thaw();
    until(|| subject.is_up());
}

#[test]
fn one_that_is_promoted_or_another_database_is_not_asked() {
    let pair = Pair::start();
    let subject = served(&pair);
    pair.standby.promote();
    until(|| !subject.is_up());
    assert!(subject.running.stderr().contains("is left out, and the primary asked alone: it is no standby"));
    let other = Pair::start();
    let subject = Subject::start(&pair.standby.url(), &other.standby.url());
    until(|| {
        assert!(!subject.is_up());
        subject.running.stderr().contains("it does not follow the database of storage.url")
    });
    assert_eq!(subject.get("request/none/status").status, 404);
    assert_eq!((subject.lookups("asked_again"), subject.lookups("failed")), (0, 0));
}

#[test]
fn what_it_knows_is_answered_while_the_primary_is_away() {
    let mut pair = Pair::start();
    let subject = served(&pair);
    subject.send("a", "A");
    until(|| {
        subject.sees("a", "A");
        subject.lookups("answered") >= 2
    });
    pair.primary.stop();
    subject.sees("a", "A");
    assert_eq!(subject.get("request/none/status").status, 503);
}
