//! Counters of messages by source, kind and outcome.

use gathering_domain::intake::{MessageKind, MessageOutcome, OutcomeCounts};
use prometheus::{IntCounterVec, Opts, Registry};

/// The source of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    File,
    Http,
    Kafka,
}

impl Source {
    const ALL: [Self; 3] = [Self::File, Self::Http, Self::Kafka];

    const fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Http => "http",
            Self::Kafka => "kafka",
        }
    }
}

const KINDS: [MessageKind; 2] = [MessageKind::Result, MessageKind::Announcement];

const fn label(kind: MessageKind) -> &'static str {
    match kind {
        MessageKind::Result => "result",
        MessageKind::Announcement => "announcement",
    }
}

/// `gathering_records_total`, by source, kind and outcome.
#[derive(Debug, Clone)]
pub struct RecordCounters(IntCounterVec);

impl RecordCounters {
    /// Counters that start at 0.
    ///
    /// # Errors
    /// Never with the name and labels that it has.
    pub fn new() -> prometheus::Result<Self> {
        let opts = Opts::new("gathering_records_total", "Messages taken in, by source, kind and outcome.");
        let counters = IntCounterVec::new(opts, &["source", "kind", "outcome"])?;
        for source in Source::ALL {
            // Files hold results.
            for kind in
                KINDS.into_iter().filter(|kind| source != Source::File || *kind == MessageKind::Result)
            {
                for outcome in MessageOutcome::ALL {
                    counters.with_label_values(&[source.as_str(), label(kind), outcome.as_str()]);
                }
            }
        }
        Ok(Self(counters))
    }

    /// Adds the counters to a registry.
    ///
    /// # Errors
    /// When the registry has a metric of this name already.
    pub fn register(&self, registry: &Registry) -> prometheus::Result<()> {
        registry.register(Box::new(self.0.clone()))
    }

    pub(crate) fn add_all(&self, source: Source, kind: MessageKind, counts: OutcomeCounts) {
        for outcome in MessageOutcome::ALL {
            self.0
                .with_label_values(&[source.as_str(), label(kind), outcome.as_str()])
                .inc_by(counts.count(outcome));
        }
    }

    pub(crate) fn add(&self, source: Source, kind: MessageKind, outcome: MessageOutcome) {
        self.0.with_label_values(&[source.as_str(), label(kind), outcome.as_str()]).inc();
    }
}
