//! What is measured of an authenticator.

use std::sync::Arc;

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{IntGauge, IntGaugeVec, Opts, Registry};

use crate::authenticator::Authenticator;

/// Reads the numbers of keys and of remembered tokens when it is asked.
struct StateCollector {
    authenticator: Arc<Authenticator>,
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
    /// Adds all metrics of this authenticator to a registry: `gathering_auth_refused_total`,
    /// `gathering_auth_key_fetches_total`, `gathering_auth_permissions_total`, `gathering_auth_keys` and `gathering_auth_tokens_cached`.
    ///
    /// # Errors
    /// When the registry has metrics with these names already, as after a first call.
    pub fn register_metrics(self: &Arc<Self>, registry: &Registry) -> prometheus::Result<()> {
        self.metrics().register(registry)?;
        registry.register(Box::new(StateCollector {
            authenticator: Arc::clone(self),
            keys: IntGaugeVec::new(
                Opts::new("gathering_auth_keys", "Keys that verify tokens, by issuer."),
                &["issuer"],
            )?,
            cached: IntGauge::new("gathering_auth_tokens_cached", "Verified tokens that are remembered.")?,
        }))
    }
}
