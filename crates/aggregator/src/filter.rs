//! The filter: what of a report's hits is shown.

use std::fmt;
use std::sync::Arc;

use gathering_domain::ids::{ClusterId, OrganizationId};
use gathering_domain::report::RuleFilter;
use gathering_domain::rule::RuleHit;
use gathering_domain::time::Clock;
use gathering_support::ThrottledLog;
use log::Level;
use prometheus::Registry;
use tokio::runtime::Handle;

use crate::client::Client;
use crate::error::AggregatorError;
use crate::kept::KeptAnswers;
use crate::key::ClusterKey;
use crate::metrics::{FilterMetrics, Knowledge};
use crate::questions::{QuestionParts, Questions};
use crate::rules::DisabledRules;
use crate::settings::Settings;

/// Leaves out of reports what the aggregator says is acknowledged by the organization, or disabled for the cluster.
///
/// Answers are kept: while one is fresh, nobody asks again. An older one serves while there is no newer one, for as long as the
/// settings say. Without any, a report shows every hit; this is counted, and told in the log within bounds.
pub struct AggregatorFilter {
    kept: Arc<KeptAnswers>,
    questions: Arc<Questions>,
    clock: Arc<dyn Clock>,
    metrics: Arc<FilterMetrics>,
    log: ThrottledLog,
}

impl fmt::Debug for AggregatorFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AggregatorFilter").finish_non_exhaustive()
    }
}

impl AggregatorFilter {
    /// A filter whose questions are asked on this runtime, which has to have I/O and time. Nothing is asked yet.
    pub fn new(settings: Settings, clock: Arc<dyn Clock>, runtime: Handle) -> Result<Self, AggregatorError> {
        let metrics = Arc::new(FilterMetrics::new()?);
        let kept = Arc::new(KeptAnswers::new(settings.fresh_for, settings.stale_for));
        let questions = Questions::new(QuestionParts {
            client: Client::new(settings.url)?,
            limit: settings.timeout,
            clock: Arc::clone(&clock),
            runtime,
            kept: Arc::clone(&kept),
            metrics: Arc::clone(&metrics),
        });
        Ok(Self {
            kept,
            questions: Arc::new(questions),
            clock,
            metrics,
            log: ThrottledLog::new(module_path!()),
        })
    }

    /// Adds all metrics of this filter to a registry: `gathering_report_filter_reports_total`,
    /// `gathering_report_filter_questions_total` and `gathering_report_hits_disabled_total`.
    ///
    /// # Errors
    /// When the registry has metrics with these names already, as after a first call.
    pub fn register_metrics(&self, registry: &Registry) -> prometheus::Result<()> {
        self.metrics.register(registry)
    }

    async fn rules(&self, key: ClusterKey) -> (Knowledge, Arc<DisabledRules>) {
        if let Some(rules) = self.kept.fresh(key, self.clock.monotonic()) {
            return (Knowledge::Fresh, rules);
        }
        if let Some(rules) = self.questions.ask(key).await {
            return (Knowledge::Fresh, rules);
        }
        // The question took its time, in which what is kept may have become too old.
        match self.kept.stale(key, self.clock.monotonic()) {
            Some(rules) => (Knowledge::Stale, rules),
            None => (Knowledge::Nothing, Arc::default()),
        }
    }
}

impl RuleFilter for AggregatorFilter {
    async fn shown(
        &self,
        organization: OrganizationId,
        cluster: ClusterId,
        mut hits: Vec<RuleHit>,
    ) -> Vec<RuleHit> {
        let (knowledge, rules) = self.rules(ClusterKey { organization, cluster }).await;
        let before = hits.len();
        hits.retain(|hit| !rules.contains(hit));
        self.metrics.count_report(knowledge, before - hits.len());
        if knowledge == Knowledge::Nothing {
            self.log.log(
                Level::Warn,
                format_args!(
                    "a report of the cluster {cluster} of the organization {organization} shows every hit: nobody knows which \
                     rules are acknowledged or disabled"
                ),
            );
        }
        hits
    }
}
