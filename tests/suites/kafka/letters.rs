//! `gathering dead-letters`: what was refused is told of, and sent again once.

use gathering_tests::{Broker, CLUSTER, Finished, Message, OTHER_CLUSTER, Program, TestDatabase, until};
use serde_json::Value;

use crate::fixture::Flow;

/// A consumer has refused three messages, one of them after an allow list; another service has a message in the same topic.
struct Refused {
    flow: Flow,
    database: TestDatabase,
    program: Program,
}

impl Refused {
    fn new() -> Self {
        let refused = Self { flow: Flow::new(2), database: TestDatabase::sqlite(), program: Program::new() };
        let publisher = refused.flow.broker.publisher();
        refused.program.file("listed.csv", "organization\n1\n");
        publisher.publish(&refused.flow.dead_letters, "of another service");
        let not_listed = |request| Message::new(42, CLUSTER, request).to_string();
        let headers = [("trace", "abc"), ("gathering-odd", "not ours to keep")];
        publisher.publish_with(&refused.flow.results, not_listed("a"), "the key", &headers);
        publisher.publish(&refused.flow.results, not_listed("b"));
        publisher.publish(&refused.flow.results, "no message at all");
        publisher.publish(&refused.flow.results, Message::new(1, OTHER_CLUSTER, "good").to_string());
        publisher.flush();
        let listed = refused.program.folder().join("listed.csv");
        let server = refused.flow.server(TestDatabase::sqlite());
        let server = server.set(&format!("ingest.allowlist_file={}", listed.display())).start();
        until(|| server.metric("gathering_kafka_dead_letters_total") == 3);
        drop(server);
        refused
    }

    fn run(&self, command: &[&str]) -> Finished {
        let arguments = self.flow.arguments(command, self.database.url());
        self.program.run(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn replay(&self, arguments: &[&str]) -> String {
        self.run(&[&["dead-letters", "replay"], arguments].concat()).ok().stdout
    }

    fn letters(&self, arguments: &[&str]) -> Vec<Value> {
        let run = self.run(&[&["dead-letters", "list", "--json"], arguments].concat()).ok();
        run.stdout.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }
}

#[test]
fn letters_are_listed_by_reason_time_and_cluster() {
    let refused = Refused::new();
    let all = refused.letters(&[]);
    assert_eq!(all.len(), 3, "that of another service is none of ours: {all:?}");
    let a = all.iter().find(|letter| letter["request_id"] == "a").expect("a letter");
    assert_eq!(
        (&a["organization"], &a["cluster"], &a["replayed"]),
        (&42.into(), &CLUSTER.into(), &false.into())
    );
    assert_eq!((&a["topic"], &a["outcome"]), (&refused.flow.results.as_str().into(), &"rejected".into()));
    let unreadable = all.iter().find(|letter| letter["cluster"].is_null()).expect("a letter");
    assert!(unreadable["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{unreadable}");
    let reason = a["reason"].as_str().expect("a reason");
    assert_eq!(refused.letters(&["--reason", reason]).len(), 2);
    assert_eq!(refused.letters(&["--cluster", CLUSTER]).len(), 2);
    assert_eq!(refused.letters(&["--cluster", OTHER_CLUSTER]).len(), 0);
    assert_eq!(refused.letters(&["--since", "1h"]).len(), 3);
    assert_eq!(refused.letters(&["--since", "2999-01-01T00:00:00Z"]).len(), 0);
    assert_eq!(refused.letters(&["--limit", "1"]).len(), 1);
    let run = refused.run(&["dead-letters", "list", "--limit", "2"]).ok();
    assert_eq!(run.stderr, "these are the newest 2 of 3; --limit shows more\n");
    assert_eq!(run.stdout.lines().count(), 4, "{run:?}");
    assert_eq!(refused.run(&["dead-letters", "list", "--since", "yesterday"]).code, Some(2));
    assert_eq!(
        refused.flow.broker.uncommitted(&refused.flow.dead_letters, &refused.flow.group),
        4,
        "no offset is stored"
    );
}

#[test]
fn each_that_fits_is_sent_again_once_as_it_came() {
    let refused = Refused::new();
    let (broker, results) = (&refused.flow.broker, &refused.flow.results);
    let before = broker.read(results).len();
    let reason = refused.letters(&["--cluster", CLUSTER])[0]["reason"].as_str().expect("a reason").to_owned();
    assert_eq!(refused.replay(&["--reason", &reason, "--dry-run"]), "would send 2 again\n");
    assert_eq!(broker.read(results).len(), before);

    assert_eq!(refused.replay(&["--reason", &reason]), "sent 2 again\n");
    let delivered = broker.read(results);
    assert_eq!(delivered.len(), before + 2);
    let keyed: Vec<_> =
        delivered.iter().filter(|message| message.key.as_deref() == Some(b"the key")).collect();
    assert_eq!(keyed.len(), 2, "the original and the copy");
    assert!(keyed.iter().all(|message| message.header("trace") == "abc" && message.value == keyed[0].value));
    let of_ours = |message: &&gathering_tests::Delivered| {
        message.headers.iter().any(|(name, _)| name.starts_with("gathering-") && name != "gathering-odd")
    };
    assert_eq!(delivered.iter().filter(of_ours).count(), 0, "headers of the letter stay with it");

    let again = "sent 0 again; 2 were sent again before (--again sends them once more)\n";
    assert_eq!(refused.replay(&["--reason", &reason]), again);
    assert_eq!(broker.read(results).len(), before + 2);
    assert!(refused.letters(&["--cluster", CLUSTER]).iter().all(|letter| letter["replayed"] == true));
    // Those with another reason are still to be had: a run marks what it sends, and passes nothing over.
    assert!(refused.replay(&[]).starts_with("sent 1 again; 2 were sent again before"));
    assert_eq!(refused.replay(&["--again", "--cluster", CLUSTER]), "sent 2 again\n");
    assert_eq!(broker.read(results).len(), before + 5);

    // And they arrive.
    let server = refused.flow.server(TestDatabase::sqlite()).start();
    until(|| server.state(42, CLUSTER, "a").is_some() && server.state(42, CLUSTER, "b").is_some());
}

#[test]
fn a_letter_of_a_topic_that_is_not_read_stays() {
    let mut refused = Refused::new();
    refused.flow.results = Broker::name();
    let sentence = "would send 0 again; 3 came from topics that are not read any more\n";
    assert_eq!(refused.replay(&["--dry-run"]), sentence);
}

#[test]
fn marks_are_what_a_compacted_topic_keeps() {
    let refused = Refused::new();
    assert_eq!(refused.replay(&["--cluster", CLUSTER]), "sent 2 again\n");
    let delivered = refused.flow.broker.read(&refused.flow.dead_letters);
    let marks: Vec<_> = delivered
        .iter()
        .filter(|message| message.headers.iter().any(|(name, _)| name == "gathering-replayed"))
        .collect();
    assert_eq!(marks.len(), 3, "one of no letter, and one for each");
    let keys: std::collections::HashSet<_> =
        marks.iter().map(|mark| mark.key.clone().expect("a key")).collect();
    assert!(keys.len() == 3 && marks.iter().all(|mark| !mark.value.is_empty()));
}

#[test]
fn a_topic_that_cannot_be_seen_is_no_empty_one() {
    let mut refused = Refused::new();
    refused.flow.dead_letters = refused.flow.broker.unusable_topic();
    for command in [&["list"][..], &["replay"], &["replay", "--dry-run"]] {
        let run = refused.run(&[&["dead-letters"], command].concat());
        let sentence = format!("gathering: the topic {} cannot be read", refused.flow.dead_letters);
        assert!(run.code == Some(1) && run.stdout.is_empty() && run.stderr.contains(&sentence), "{run:?}");
    }
}

#[test]
fn without_a_topic_or_brokers_it_says_what_is_missing() {
    let program = Program::new();
    let list = |settings: &[&str]| {
        let settings: Vec<_> = settings.iter().flat_map(|setting| ["--set", setting]).collect();
        program.run(&[&["dead-letters", "list"], &settings[..]].concat())
    };
    let run = list(&[]);
    assert!(run.code == Some(2) && run.stderr.contains("set ingest.kafka.enabled = true"), "{run:?}");
    let broker = Broker::start();
    let brokers = format!("ingest.kafka.brokers={}", broker.servers());
    let run = list(&["ingest.kafka.enabled=true", &brokers]);
    assert!(run.code == Some(2) && run.stderr.contains("set ingest.kafka.dead_letter_topic"), "{run:?}");
}
