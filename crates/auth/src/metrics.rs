//! Counters of rejections, of fetches of keys, and of service accounts.

use prometheus::{IntCounter, IntCounterVec, Opts, Registry};

use crate::rejection::AuthRejection;

/// The counters of an authenticator.
#[derive(Clone)]
pub(crate) struct AuthMetrics {
    rejections: IntCounterVec,
    fetches: IntCounterVec,
    permissions: IntCounterVec,
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
            permissions: IntCounterVec::new(
                Opts::new(
                    "gathering_auth_permissions_total",
                    "Calls of service accounts, by what is known of their permission.",
                ),
                &["outcome"],
            )?,
        })
    }

    /// Adds the counters to a registry, once.
    pub(crate) fn register(&self, registry: &Registry) -> prometheus::Result<()> {
        registry.register(Box::new(self.rejections.clone()))?;
        registry.register(Box::new(self.fetches.clone()))?;
        registry.register(Box::new(self.permissions.clone()))
    }

    pub(crate) fn count_rejection(&self, rejection: AuthRejection) {
        self.rejections.with_label_values(&[rejection.label()]).inc();
    }

    /// The counters of service accounts. They are there from now on.
    pub(crate) fn permissions(&self) -> PermissionMetrics {
        let counter = |outcome: &str| self.permissions.with_label_values(&[outcome]);
        PermissionMetrics {
            granted: counter("granted"),
            missing: counter("missing"),
            unknown: counter("unknown"),
        }
    }

    /// The counters of one source of keys.
    pub(crate) fn for_source(&self, source: &impl ToString) -> FetchMetrics {
        let source = source.to_string();
        let counter = |outcome: &str| self.fetches.with_label_values(&[source.as_str(), outcome]);
        FetchMetrics { ok: counter("ok"), failed: counter("failed") }
    }
}

/// Calls of service accounts.
pub(crate) struct PermissionMetrics {
    pub(crate) granted: IntCounter,
    pub(crate) missing: IntCounter,
    /// The RBAC service gave no answer.
    pub(crate) unknown: IntCounter,
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
