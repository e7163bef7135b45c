//! Counters of messages by source and outcome.

use gathering_domain::intake::{MessageOutcome, OutcomeCounts};
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

/// `gathering_records_total`, by source and outcome.
#[derive(Debug, Clone)]
pub struct RecordCounters(IntCounterVec);

impl RecordCounters {
    /// Counters that start at 0.
    ///
    /// # Errors
    /// Never with the name and labels that it has.
    pub fn new() -> prometheus::Result<Self> {
        let opts = Opts::new("gathering_records_total", "Messages taken in, by source and outcome.");
        let counters = IntCounterVec::new(opts, &["source", "outcome"])?;
        for source in Source::ALL {
            for outcome in MessageOutcome::ALL {
                counters.with_label_values(&[source.as_str(), outcome.as_str()]);
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

    pub(crate) fn add_all(&self, source: Source, counts: OutcomeCounts) {
        for outcome in MessageOutcome::ALL {
            self.0.with_label_values(&[source.as_str(), outcome.as_str()]).inc_by(counts.count(outcome));
        }
    }

    pub(crate) fn add(&self, source: Source, outcome: MessageOutcome) {
        self.0.with_label_values(&[source.as_str(), outcome.as_str()]).inc();
    }
}
