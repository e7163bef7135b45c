//! Counters of rejections and of fetches of keys.

use prometheus::{IntCounter, IntCounterVec, Opts, Registry};

use crate::rejection::AuthRejection;

/// The counters of an authenticator.
#[derive(Clone)]
pub(crate) struct AuthMetrics {
    rejections: IntCounterVec,
    fetches: IntCounterVec,
}

impl AuthMetrics {
    pub(crate) fn new() -> prometheus::Result<Self> {
        let rejections = IntCounterVec::new(
            Opts::new("gathering_auth_refused_total", "Calls whose caller was not let in, by reason."),
            &["reason"],
        )?;
        // All series exist from the start, so that the first rejection of its kind is an increase.
        for reason in AuthRejection::LABELS {
            rejections.with_label_values(&[reason]);
        }
        Ok(Self {
            rejections,
            fetches: IntCounterVec::new(
                Opts::new("gathering_auth_key_fetches_total", "Fetches of keys, by source and outcome."),
                &["source", "outcome"],
            )?,
        })
    }

    /// Adds the counters to a registry, once.
    pub(crate) fn register(&self, registry: &Registry) -> prometheus::Result<()> {
        registry.register(Box::new(self.rejections.clone()))?;
        registry.register(Box::new(self.fetches.clone()))
    }

    pub(crate) fn count_rejection(&self, rejection: AuthRejection) {
        self.rejections.with_label_values(&[rejection.label()]).inc();
    }

    /// The counters of one source of keys.
    pub(crate) fn for_source(&self, source: &impl ToString) -> FetchMetrics {
        let source = source.to_string();
        let counter = |outcome: &str| self.fetches.with_label_values(&[source.as_str(), outcome]);
        FetchMetrics { ok: counter("ok"), failed: counter("failed") }
    }
}

/// The counters of one source of keys.
pub(crate) struct FetchMetrics {
    ok: IntCounter,
    failed: IntCounter,
}

impl FetchMetrics {
    /// Counts a fetch that ended.
    pub(crate) fn count(&self, is_ok: bool) {
        let counter = if is_ok { &self.ok } else { &self.failed };
        counter.inc();
    }
}
