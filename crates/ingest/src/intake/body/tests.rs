//! What becomes of bodies, in how many steps, and what is kept meanwhile.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use gathering_domain::intake::{MessageKind, WriteGrant};
use serde_json::json;

use super::*;
use crate::message::fixture::{ARRIVAL, message, with};

/// Refuses the events of the request `refused`, and remembers how many came at once.
#[derive(Default)]
struct Sink(Mutex<Vec<usize>>);

impl EventSink for Sink {
    async fn store(&self, events: Vec<RequestEvent>) -> Result<Vec<EventOutcome>, StoreError> {
        self.0.lock().unwrap().push(events.len());
        let is_refused = |event: RequestEvent| event.key.request.as_str() == "refused";
        let outcome = |refused| if refused { EventOutcome::Refused } else { EventOutcome::Applied };
        Ok(events.into_iter().map(is_refused).map(outcome).collect())
    }
}

/// Bytes beside which there is room for so many others.
struct Counted {
    bytes: Vec<u8>,
    room: usize,
    most: AtomicUsize,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl BodyBytes for Counted {
    fn reserve(&self, beside: usize) -> bool {
        self.most.fetch_max(beside, Ordering::Relaxed);
        beside <= self.room
    }
}

fn ingestion<B: BodyBytes>(bytes: B, framing: Framing) -> BodyIngestion<B> {
    let policy = IngestPolicy { grant: WriteGrant::everything(), allow_list: None };
    let body = MessageBody { kind: MessageKind::Result, framing, bytes };
    BodyIngestion::new(body, policy, ARRIVAL.parse().unwrap())
}

async fn run<B: BodyBytes>(ingestion: BodyIngestion<B>, sink: &Sink) -> Result<IntakeSummary, StoreError> {
    let counters = RecordCounters::new().unwrap();
    ingestion.run(sink, &counters, &FairSemaphore::new(1, 1), || false).await
}

fn line(message: &serde_json::Value) -> String {
    format!("{message}\n")
}

fn counts(summary: &IntakeSummary) -> [u64; 4] {
    MessageOutcome::ALL.map(|outcome| summary.counts.count(outcome))
}

#[tokio::test]
async fn each_message_has_its_outcome_and_number() {
    use MessageOutcome::{Failed, Rejected, Skipped};
    let bodies = [
        with("/OrgID", None),
        message(),
        with("/RequestId", json!("refused")),
        with("/RequestId", None),
        with("/Report", json!({})),
    ];
    let body: String = bodies.iter().map(line).collect();
    let summary = run(ingestion(format!("\n \r\n{body}").into_bytes(), Framing::Lines), &Sink::default())
        .await
        .unwrap();
    assert_eq!(counts(&summary), [1, 1, 1, 2]);
    let refusals: Vec<_> = summary.refusals.iter().map(|refusal| (refusal.number, refusal.outcome)).collect();
    assert_eq!(refusals, [(1, Rejected), (3, Rejected), (4, Skipped), (5, Failed)]);
    assert_eq!(summary.refusals[1].reason, "the database refuses the event");
}

#[tokio::test]
async fn lines_are_what_is_between_line_ends() {
    for body in ["", "\n", "a", "a\n", "\na", "a\n\nb\r\n c\n", "\n\n", "a\n \nb"] {
        let expected = body.split('\n').filter(|line| !line.trim().is_empty()).count();
        let summary =
            run(ingestion(body.as_bytes().to_vec(), Framing::Lines), &Sink::default()).await.unwrap();
        assert_eq!(counts(&summary), [0, 0, 0, expected as u64], "{body:?}");
        let summary = run(ingestion(body.as_bytes().to_vec(), Framing::One), &Sink::default()).await.unwrap();
        assert_eq!(counts(&summary), [0, 0, 0, 1], "{body:?}");
    }
}

#[tokio::test]
async fn a_large_body_is_recorded_in_steps() {
    let sink = Sink::default();
    let summary =
        run(ingestion(line(&message()).repeat(1203).into_bytes(), Framing::Lines), &sink).await.unwrap();
    assert_eq!(counts(&summary), [1203, 0, 0, 0]);
    assert_eq!(*sink.0.lock().unwrap(), [500, 500, 203]);
    let padded = format!("{}{}\n", message(), " ".repeat(400_000));
    let summary = run(ingestion(padded.repeat(7).into_bytes(), Framing::Lines), &sink).await.unwrap();
    assert_eq!(counts(&summary), [7, 0, 0, 0]);
    assert_eq!(sink.0.lock().unwrap()[3..], [3, 3, 1], "large messages take more steps");
}

#[tokio::test]
async fn of_very_many_refusals_a_hundred_are_kept() {
    let count = 100_000;
    let (sink, semaphore) = (Sink::default(), FairSemaphore::new(1, 1));
    let mut ingestion = ingestion(b"0\n".repeat(count), Framing::Lines);
    let step = ingestion.read(STEP_MESSAGES).unwrap();
    assert_eq!((step.counts.count(MessageOutcome::Rejected), step.refusals.len()), (4096, 100));
    let counters = RecordCounters::new().unwrap();
    ingestion.record(step, &sink, &counters).await.unwrap();
    let step = ingestion.read(STEP_MESSAGES).unwrap();
    assert_eq!((step.counts.count(MessageOutcome::Rejected), step.refusals.len()), (4096, 0));
    ingestion.record(step, &sink, &counters).await.unwrap();
    let summary = ingestion.run(&sink, &counters, &semaphore, || false).await.unwrap();
    assert_eq!(counts(&summary), [0, 0, 0, count as u64]);
    assert_eq!((summary.refusals.len(), summary.refusals[99].number), (100, 100));
}

#[tokio::test]
async fn a_body_that_nobody_waits_for_is_left() {
    let sink = Sink::default();
    let counters = RecordCounters::new().unwrap();
    let body = ingestion(line(&message()).repeat(5000).into_bytes(), Framing::Lines);
    let steps = || sink.0.lock().unwrap().len();
    body.run(&sink, &counters, &FairSemaphore::new(1, 1), || steps() == 2).await.unwrap();
    assert_eq!(steps(), 2);
}

#[tokio::test]
async fn what_is_made_of_a_body_is_counted() {
    // Hits of three characters, of which one text makes thousands.
    let letters = || (b'a'..=b'z').map(char::from);
    let hits = |first: char| letters().flat_map(move |a| letters().map(move |b| format!("{first}|{a}{b}")));
    let texts: Vec<String> = ('a'..='g').flat_map(hits).collect();
    let (first, rest) = texts.split_first().unwrap();
    let (module, key) = first.split_once('|').unwrap();
    let hit = json!([{"component": module, "key": format!("{key},{}", rest.join(","))}]);
    let dense = line(&with("/Report/reports", hit));
    let counted = |room| Counted { bytes: dense.repeat(60).into_bytes(), room, most: AtomicUsize::new(0) };
    let summary = run(ingestion(counted(16 << 20), Framing::Lines), &Sink::default()).await.unwrap();
    assert_eq!(counts(&summary), [60, 0, 0, 0]);
    let refused = run(ingestion(counted(100_000), Framing::Lines), &Sink::default()).await;
    assert!(matches!(refused, Err(StoreError::QueueFull { .. })), "{refused:?}");
    let usual =
        Counted { bytes: line(&message()).repeat(500).into_bytes(), room: 0, most: AtomicUsize::new(0) };
    assert!(
        run(ingestion(usual, Framing::Lines), &Sink::default()).await.is_ok(),
        "of usual ones, nothing is"
    );
}
