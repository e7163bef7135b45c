//! What is measured of authentication.

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};

use crate::Refused;
use crate::authenticator::Authenticator;

/// Counters of refusals and of fetched keys.
#[derive(Clone)]
pub(crate) struct AuthMetrics {
    refused: IntCounterVec,
    fetches: IntCounterVec,
}

impl AuthMetrics {
    pub(crate) fn new() -> prometheus::Result<Self> {
        let refused = IntCounterVec::new(
            Opts::new("gathering_auth_refused_total", "Calls whose caller was not let in, by reason."),
            &["reason"],
        )?;
        // All series exist from the start, so that the first of its kind is an increase.
        for reason in Refused::LABELS {
            refused.with_label_values(&[reason]);
        }
        Ok(Self {
            refused,
            fetches: IntCounterVec::new(
                Opts::new("gathering_auth_key_fetches_total", "Fetches of keys, by source and outcome."),
                &["source", "outcome"],
            )?,
        })
    }

    pub(crate) fn refused(&self, refused: Refused) {
        self.refused.with_label_values(&[refused.label()]).inc();
    }

    /// What is measured of one source of keys.
    pub(crate) fn of_source(&self, source: &impl ToString) -> KeyMetrics {
        let metrics = KeyMetrics { fetches: self.fetches.clone(), source: source.to_string() };
        for outcome in ["ok", "failed"] {
            metrics.counter(outcome);
        }
        metrics
    }
}

/// What is measured of one source of keys.
pub(crate) struct KeyMetrics {
    fetches: IntCounterVec,
    source: String,
}

impl KeyMetrics {
    fn counter(&self, outcome: &str) -> prometheus::IntCounter {
        self.fetches.with_label_values(&[self.source.as_str(), outcome])
    }

    pub(crate) fn fetched(&self, is_ok: bool) {
        self.counter(if is_ok { "ok" } else { "failed" }).inc();
    }
}

/// Looks at the keys and the cache when it is asked.
struct StateCollector {
    authenticator: std::sync::Arc<Authenticator>,
    keys: IntGaugeVec,
    cached: IntGauge,
}

impl Collector for StateCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.keys.desc().into_iter().chain(self.cached.desc()).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        for (issuer, count) in self.authenticator.keys() {
            self.keys.with_label_values(&[issuer]).set(number(count));
        }
        self.cached.set(number(self.authenticator.cached_tokens()));
        self.keys.collect().into_iter().chain(self.cached.collect()).collect()
    }
}

impl Authenticator {
    /// Adds what is measured to a registry, once.
    ///
    /// # Errors
    /// When the registry has metrics of these names already.
    pub fn register_metrics(self: &std::sync::Arc<Self>, registry: &Registry) -> prometheus::Result<()> {
        let metrics = self.metrics();
        registry.register(Box::new(metrics.refused.clone()))?;
        registry.register(Box::new(metrics.fetches.clone()))?;
        registry.register(Box::new(StateCollector {
            authenticator: std::sync::Arc::clone(self),
            keys: IntGaugeVec::new(
                Opts::new("gathering_auth_keys", "Keys that verify tokens, by issuer."),
                &["issuer"],
            )?,
            cached: IntGauge::new("gathering_auth_tokens_cached", "Verified tokens that are remembered.")?,
        }))
    }
}
