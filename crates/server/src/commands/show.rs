//! `gathering show`

mod answer;
mod table;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use gathering_aggregator::AggregatorFilter;
use gathering_domain::content::RuleContentSet;
use gathering_domain::ids::{ClusterId, OrganizationId};
use gathering_domain::report::{RuleFilter, UnknownContent};
use gathering_domain::rule::RuleHit;
use gathering_domain::store::{ContentStore, StoreError};
use gathering_domain::time::{Clock, SystemClock, Timestamp};
use gathering_storage::{RecordedOrganization, RecordedRequest, Settings, Storage};
use prometheus::Registry;
use prometheus::proto::MetricFamily;
use tokio::runtime::Handle;

use self::answer::{Fate, Owner, Request, Rule, Shown};
use super::audit::{Of, audit};
use super::console::print;
use super::runtime::block_on;
use crate::cli::Show;
use crate::config::Config;
use crate::{ServerError, preparation};

/// The least time for a statement: no index begins with the cluster.
const QUERY_TIMEOUT: Duration = Duration::from_secs(60);

/// What decides on hits.
struct Knowledge {
    content: RuleContentSet,
    unknown: UnknownContent,
    filter: Option<Filter>,
    now: Timestamp,
}

/// The filter of reports. It says what it does without an answer in its metrics alone: a report needs no more.
struct Filter {
    filter: AggregatorFilter,
    metrics: Registry,
}

impl Filter {
    fn new(config: &Config, clock: Arc<dyn Clock>) -> Result<Option<Self>, ServerError> {
        let Some(settings) = config.filter_settings() else { return Ok(None) };
        let filter = AggregatorFilter::new(settings, clock, Handle::current())?;
        let metrics = Registry::new();
        filter.register_metrics(&metrics).map_err(ServerError::system("the metrics cannot be made"))?;
        Ok(Some(Self { filter, metrics }))
    }

    /// Those of the hits that a report shows, and whether the aggregator said so.
    async fn shown(
        &self,
        organization: OrganizationId,
        cluster: ClusterId,
        hits: Vec<RuleHit>,
    ) -> (Vec<RuleHit>, bool) {
        let before = self.unanswered();
        let shown = self.filter.shown(organization, cluster, hits).await;
        (shown, self.unanswered() <= before)
    }

    /// How many reports had to do without an answer.
    fn unanswered(&self) -> f64 {
        let families = self.metrics.gather();
        let reports =
            families.iter().filter(|family| family.name() == "gathering_report_filter_reports_total");
        let series = reports.flat_map(MetricFamily::get_metric);
        let without = series.filter(|series| series.get_label().iter().any(|label| label.value() == "none"));
        without.map(|series| series.get_counter().get_value()).sum()
    }
}

pub(super) fn run(config: &Config, arguments: Show) -> Result<(), ServerError> {
    let (request, is_json) = (arguments.request.clone(), arguments.json);
    let of = Of { cluster: Some(arguments.cluster), request: request.as_ref(), ..Of::default() };
    let shown = block_on(look(config, arguments)).inspect_err(|_| audit("show", of, "failed"))?;
    audit("show", of, "answered");
    if is_json {
        return print(serde_json::to_string_pretty(&shown).unwrap_or_default() + "\n");
    }
    print(table::table(&shown, request.as_ref()))
}

async fn look(config: &Config, arguments: Show) -> Result<Shown, ServerError> {
    let Show { cluster, request, limit, .. } = arguments;
    preparation::current_schema(config).await?;
    let clock = Arc::new(SystemClock);
    let settings = config.storage_settings();
    let query_timeout = settings.query_timeout.max(QUERY_TIMEOUT);
    let storage = Storage::open(&Settings { query_timeout, ..settings }, clock.clone())?;
    let (_, content) = storage.content().await.map_err(failed)?;
    let knowledge = Knowledge {
        content,
        unknown: config.report_policy().unknown_content,
        filter: Filter::new(config, clock.clone())?,
        now: clock.now(),
    };
    let with_rules = request.is_some();
    let recorded = storage.recorded(cluster, request, limit).await.map_err(failed)?;
    let mut organizations = Vec::with_capacity(recorded.len());
    for owner in recorded {
        organizations.push(knowledge.owner(cluster, owner, with_rules).await);
    }
    Ok(Shown { cluster, organizations })
}

fn failed(source: StoreError) -> ServerError {
    ServerError::Unanswered { source }
}

impl Knowledge {
    async fn owner(&self, cluster: ClusterId, recorded: RecordedOrganization, with_rules: bool) -> Owner {
        let RecordedOrganization { organization, known, total, requests } = recorded;
        let all: HashSet<&RuleHit> = requests.iter().flat_map(|request| &request.hits).collect();
        let all: Vec<RuleHit> = all.into_iter().cloned().collect();
        // One question for the whole cluster, and the same as a report asks.
        let (kept, is_answered) = match &self.filter {
            Some(filter) if !all.is_empty() => filter.shown(organization, cluster, all).await,
            _ => (all, true),
        };
        let kept: HashSet<RuleHit> = kept.into_iter().collect();
        Owner {
            organization,
            known_since: known.map(|(first, _)| first),
            last_seen: known.map(|(_, last)| last),
            total,
            filter_unanswered: !is_answered,
            requests: requests.into_iter().map(|request| self.request(request, &kept, with_rules)).collect(),
        }
    }

    fn request(&self, recorded: RecordedRequest, kept: &HashSet<RuleHit>, with_rules: bool) -> Request {
        let fates: Vec<_> = recorded.hits.iter().map(|hit| self.fate(hit, kept)).collect();
        let count = |wanted: Fate| fates.iter().filter(|fate| **fate == wanted).count();
        Request {
            state: recorded.state,
            received: recorded.received_at,
            processed: recorded.processed_at,
            expires: recorded.expires_at,
            expired: recorded.expires_at <= self.now,
            reason: recorded.failure,
            hits: fates.len(),
            hits_without_content: count(Fate::WithoutContent),
            hits_filtered: count(Fate::Filtered),
            rules: with_rules.then(|| {
                let rules = recorded.hits.iter().cloned().zip(&fates);
                rules.map(|(rule, fate)| Rule { rule, fate: *fate }).collect()
            }),
            id: recorded.request,
        }
    }

    fn fate(&self, hit: &RuleHit, kept: &HashSet<RuleHit>) -> Fate {
        if !kept.contains(hit) {
            Fate::Filtered
        } else if self.unknown == UnknownContent::Omit && self.content.get(hit).is_none() {
            Fate::WithoutContent
        } else {
            Fate::Shown
        }
    }
}
