//! What is measured of the filter.

use prometheus::{IntCounter, IntCounterVec, Opts, Registry};

/// The counters of a filter.
#[derive(Debug)]
pub(crate) struct FilterMetrics {
    reports: IntCounterVec,
    questions: IntCounterVec,
    hits: IntCounter,
}

/// What a report knew of the rules to leave out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Knowledge {
    /// An answer that is fresh.
    Fresh,
    /// An older one, since there is no newer one.
    Stale,
    /// Nothing: it shows every hit.
    Nothing,
}

impl Knowledge {
    const fn label(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Stale => "stale",
            Self::Nothing => "none",
        }
    }
}

impl FilterMetrics {
    pub(crate) fn new() -> prometheus::Result<Self> {
        let reports = IntCounterVec::new(
            Opts::new(
                "gathering_report_filter_reports_total",
                "Reports with hits, by the answer of the aggregator that they were filtered with.",
            ),
            &["answer"],
        )?;
        let questions = IntCounterVec::new(
            Opts::new(
                "gathering_report_filter_questions_total",
                "Questions to the aggregator, of two calls each, by outcome.",
            ),
            &["outcome"],
        )?;
        // All series exist from the start, so that the first of its kind is an increase.
        for knowledge in [Knowledge::Fresh, Knowledge::Stale, Knowledge::Nothing] {
            reports.with_label_values(&[knowledge.label()]);
        }
        for is_answered in [true, false] {
            questions.with_label_values(&[outcome(is_answered)]);
        }
        let hits = IntCounter::new(
            "gathering_report_hits_disabled_total",
            "Rule hits that reports left out because their rule is acknowledged or disabled.",
        )?;
        Ok(Self { reports, questions, hits })
    }

    /// Adds the counters to a registry, once.
    pub(crate) fn register(&self, registry: &Registry) -> prometheus::Result<()> {
        registry.register(Box::new(self.reports.clone()))?;
        registry.register(Box::new(self.questions.clone()))?;
        registry.register(Box::new(self.hits.clone()))
    }

    /// Counts a report, and the hits that it leaves out.
    pub(crate) fn count_report(&self, knowledge: Knowledge, hits: usize) {
        self.reports.with_label_values(&[knowledge.label()]).inc();
        self.hits.inc_by(hits as u64);
    }

    /// Counts a question that ended.
    pub(crate) fn count_question(&self, is_answered: bool) {
        self.questions.with_label_values(&[outcome(is_answered)]).inc();
    }
}

const fn outcome(is_answered: bool) -> &'static str {
    if is_answered { "answered" } else { "failed" }
}
