//! Recording files of result messages: read, judge, store in batches, and tell of each record what became of it.

use std::fmt;
use std::io::Read;

use gathering_domain::{Clock, ClusterId, EventSink, OrganizationId, RequestEvent, StoreError};
use gathering_ingest::{Documents, Judgement, Verdict, judge};
use prometheus::{IntCounterVec, Opts, Registry};

/// How many events go into one transaction: the size that the measurements of the design were made with.
const BATCH: usize = 500;

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Recorded as processed.
    Stored,
    /// Recorded as failed.
    Failed,
    /// Good, and nobody could ask for it.
    Skipped,
    /// Refused.
    Rejected,
}

impl Outcome {
    /// All of them, in the order of summaries.
    pub const ALL: [Self; 4] = [Self::Stored, Self::Failed, Self::Skipped, Self::Rejected];

    /// `stored`, `failed`, `skipped` or `rejected`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Rejected => "rejected",
        }
    }
}

/// One record of a file and what became of it.
#[derive(Debug, Clone)]
pub struct Record {
    /// Which record of the file, from 1.
    pub number: u64,
    /// What became of it.
    pub outcome: Outcome,
    /// Whose it is, where that is known.
    pub organization: Option<OrganizationId>,
    /// Which cluster it is about, where that is known.
    pub cluster: Option<ClusterId>,
    /// Its request ID as it spells it.
    pub request: Option<String>,
    /// Why it was not stored.
    pub reason: Option<String>,
}

/// How many records of each outcome there were.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary([u64; 4]);

impl Summary {
    /// How many records had this outcome.
    pub fn count(&self, outcome: Outcome) -> u64 {
        Outcome::ALL.iter().zip(self.0).find(|(each, _)| **each == outcome).map_or(0, |(_, count)| count)
    }

    fn add(&mut self, outcome: Outcome) {
        for (each, count) in Outcome::ALL.iter().zip(&mut self.0) {
            *count += u64::from(*each == outcome);
        }
    }
}

/// `stored N, failed N, skipped N, rejected N`
impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = Outcome::ALL.map(|outcome| format!("{} {}", outcome.as_str(), self.count(outcome)));
        f.write_str(&parts.join(", "))
    }
}

/// `gathering_records_total`, by outcome.
#[derive(Debug, Clone)]
pub struct RecordCounters(IntCounterVec);

impl RecordCounters {
    /// Counters that start at 0.
    ///
    /// # Errors
    /// Never with the name and labels that it has.
    pub fn new() -> prometheus::Result<Self> {
        let opts = Opts::new("gathering_records_total", "Records read by this process, by outcome.");
        let counters = IntCounterVec::new(opts, &["outcome"])?;
        for outcome in Outcome::ALL {
            counters.with_label_values(&[outcome.as_str()]);
        }
        Ok(Self(counters))
    }

    pub(crate) fn register(&self, registry: &Registry) -> prometheus::Result<()> {
        registry.register(Box::new(self.0.clone()))
    }

    fn add(&self, outcome: Outcome) {
        self.0.with_label_values(&[outcome.as_str()]).inc();
    }
}

/// Imports files into a store.
pub struct Importer<'a, S> {
    sink: &'a S,
    clock: &'a dyn Clock,
    counters: &'a RecordCounters,
    summary: Summary,
}

impl<S> fmt::Debug for Importer<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Importer").field("summary", &self.summary).finish_non_exhaustive()
    }
}

impl<'a, S: EventSink> Importer<'a, S> {
    /// An importer into this store.
    pub const fn new(sink: &'a S, clock: &'a dyn Clock, counters: &'a RecordCounters) -> Self {
        Self { sink, clock, counters, summary: Summary([0; 4]) }
    }

    /// What was imported so far.
    pub const fn summary(&self) -> Summary {
        self.summary
    }

    /// Imports one file and tells `each` of every record in order, those to be recorded once they are durable.
    ///
    /// # Errors
    /// When the store does not take a batch. What `each` was told of by then is stored.
    pub async fn import(
        &mut self,
        name: &str,
        file: impl Read,
        mut each: impl FnMut(&Record),
    ) -> Result<(), StoreError> {
        let mut documents = Documents::new(file);
        let mut ended = false;
        let mut number = 0;
        while !ended {
            let (mut records, mut events) = (Vec::with_capacity(BATCH), Vec::with_capacity(BATCH));
            while records.len() < BATCH && !ended {
                number += 1;
                match documents.next() {
                    None => ended = true,
                    Some(Ok(document)) => {
                        let judgement = judge(document.get().as_bytes(), self.clock.now());
                        for warning in &judgement.warnings {
                            log::warn!("{name}:{number}: {warning}");
                        }
                        let (record, event) = settle(number, judgement);
                        records.push(record);
                        events.extend(event);
                    }
                    Some(Err(error)) => records.push(Record {
                        number,
                        outcome: Outcome::Rejected,
                        organization: None,
                        cluster: None,
                        request: None,
                        reason: Some(error.to_string()),
                    }),
                }
            }
            if !events.is_empty() {
                self.sink.store(events).await?;
            }
            for record in &records {
                self.summary.add(record.outcome);
                self.counters.add(record.outcome);
                each(record);
            }
        }
        Ok(())
    }
}

fn settle(number: u64, judgement: Judgement) -> (Record, Option<RequestEvent>) {
    let Judgement { organization, cluster, request, verdict, .. } = judgement;
    let (outcome, reason, event) = match verdict {
        Verdict::Stored(event) => (Outcome::Stored, None, Some(event)),
        Verdict::Failed(event, problem) => (Outcome::Failed, Some(problem.to_string()), Some(event)),
        Verdict::Skipped(reason) => (Outcome::Skipped, Some(reason.to_string()), None),
        Verdict::Rejected(problem) => (Outcome::Rejected, Some(problem.to_string()), None),
    };
    (Record { number, outcome, organization, cluster, request, reason }, event)
}
