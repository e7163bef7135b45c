//! The four questions of the API, answered without knowing how they were asked.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::event::FailureReason;
use crate::ids::{ClusterId, OrganizationId, RequestId, RequestKey};
use crate::report::{ContentCache, ReportEntry, ReportPolicy, RuleFilter, SharedFilter};
use crate::request::{RequestRecord, RequestState, RequestStatus, StoredReport};
use crate::rule::RuleHit;
use crate::store::{ContentStore, RequestStore, StoreError};
use crate::time::Timestamp;

/// The report of one request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestReport {
    /// How far the request has come.
    pub state: RequestState,
    /// What the analysis found, ordered by risk; empty unless processed.
    pub entries: Vec<ReportEntry>,
    /// Why the request failed; `None` unless it did.
    pub failure: Option<FailureReason>,
    /// From this moment on the request counts as absent.
    pub expires_at: Timestamp,
}

/// The requests of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestList {
    /// The newest first.
    pub records: Vec<RequestRecord>,
    /// Whether there are more, which are older.
    pub is_truncated: bool,
}

/// Answers the questions of one service from its store and its rule content.
///
/// Where the store is cheap to clone, such as an `Arc` of one, so is this, and every clone answers from the same content.
///
/// ```
/// use gathering_domain::prelude::*;
///
/// # pollster::block_on(async {
/// let store = MemoryStore::new(SystemClock, Retention::default());
/// let lookup = LookupService::over(store, ReportPolicy::default());
/// lookup.refresh().await?;
/// let key = RequestKey::parse("42", "5d5892d3-1f74-4ccf-91af-548dfc9767aa", "6d2eede257644308")?;
/// assert_eq!(lookup.report(&key).await?, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct LookupService<S> {
    store: S,
    content: Arc<ContentCache>,
    /// None where every hit is shown, so that nothing is paid for it there.
    filter: Option<SharedFilter>,
}

impl<S> LookupService<S> {
    /// A service over this store, and over content that others use too.
    pub const fn new(store: S, content: Arc<ContentCache>) -> Self {
        Self { store, content, filter: None }
    }

    /// A service over this store, with content of its own that is yet to be loaded: by [`refresh`](Self::refresh), or through
    /// [`content`](Self::content).
    pub fn over(store: S, policy: ReportPolicy) -> Self {
        Self::new(store, Arc::new(ContentCache::new(policy)))
    }

    /// Leaves out of reports what this filter says. Without one, reports show every hit.
    #[must_use]
    pub fn filtered(self, filter: impl RuleFilter + 'static) -> Self {
        Self { filter: Some(SharedFilter::new(filter)), ..self }
    }

    /// The store.
    pub const fn store(&self) -> &S {
        &self.store
    }

    /// The content that reports are made with.
    pub const fn content(&self) -> &Arc<ContentCache> {
        &self.content
    }
}

impl<S: ContentStore> LookupService<S> {
    /// Takes the store's rule content if it is new, and tells whether it was: see [`ContentCache::refresh`].
    pub async fn refresh(&self) -> Result<bool, StoreError> {
        self.content.refresh(&self.store).await
    }
}

impl<S: RequestStore> LookupService<S> {
    /// How far a request has come; `None` if the organization has no record of it.
    ///
    /// # Errors
    /// Also [`StoreError::Unavailable`] where the request is processed and its report cannot be made yet, since the rule
    /// content was not loaded: whoever is told that it is processed asks for the report at once, and only once.
    pub async fn status(&self, key: &RequestKey) -> Result<Option<RequestStatus>, StoreError> {
        let status = self.store.status(key).await?;
        let is_processed = status.as_ref().is_some_and(|status| status.state == RequestState::Processed);
        if is_processed && !self.content.is_loaded() {
            let report = self.store.report(key).await?;
            if report.is_some_and(|report| !report.hits.is_empty()) {
                self.content.require()?;
            }
        }
        Ok(status)
    }

    /// The recorded requests of a cluster, newest `received_at` first, no more than `most`, or all of them; `None` if the
    /// organization does not know the cluster.
    pub async fn list(
        &self,
        organization: OrganizationId,
        cluster: ClusterId,
        most: Option<NonZeroUsize>,
    ) -> Result<Option<RequestList>, StoreError> {
        // One more tells whether there are more.
        let and_one = most.map(|most| most.saturating_add(1));
        let records = self.store.list(organization, cluster, and_one).await?;
        Ok(records.map(|mut records| {
            let most = most.map_or(usize::MAX, NonZeroUsize::get);
            let is_truncated = records.len() > most;
            records.truncate(most);
            RequestList { records, is_truncated }
        }))
    }

    /// One answer for each asked request, in the asked order, duplicates kept; `None` for each that is not recorded.
    pub async fn select(
        &self,
        organization: OrganizationId,
        cluster: ClusterId,
        requests: &[RequestId],
    ) -> Result<Vec<Option<RequestRecord>>, StoreError> {
        if requests.is_empty() {
            return Ok(Vec::new());
        }
        let found = self.store.select(organization, cluster, requests).await?;
        let found: HashMap<&RequestId, &RequestRecord> =
            found.iter().map(|record| (&record.request, record)).collect();
        Ok(requests.iter().map(|request| found.get(request).map(|record| (*record).clone())).collect())
    }

    /// The report of a request; `None` if the organization has no record of it.
    pub async fn report(&self, key: &RequestKey) -> Result<Option<RequestReport>, StoreError> {
        let Some(mut stored) = self.store.report(key).await? else {
            return Ok(None);
        };
        let entries = match stored.state {
            RequestState::Processed => self.entries(key, std::mem::take(&mut stored.hits)).await?,
            RequestState::Received | RequestState::Failed => Vec::new(),
        };
        let StoredReport { state, failure, expires_at, .. } = stored;
        Ok(Some(RequestReport { state, entries, failure, expires_at }))
    }

    /// The filter comes before the limits of the report, so that what it leaves out makes room for others. It is asked neither
    /// for a healthy cluster nor before a report can be made.
    async fn entries(
        &self,
        key: &RequestKey,
        mut hits: Vec<RuleHit>,
    ) -> Result<Vec<ReportEntry>, StoreError> {
        if hits.is_empty() {
            return Ok(Vec::new());
        }
        self.content.require()?;
        if let Some(filter) = &self.filter {
            hits = filter.shown(key.organization, key.cluster, hits).await;
        }
        self.content.report(hits)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::content::{RuleContent, RuleContentSet};
    use crate::event::{EventKind, RequestEvent};
    use crate::memory::MemoryStore;
    use crate::store::EventSink;
    use crate::time::{ManualClock, Retention, Timestamp};

    #[test]
    fn a_list_says_whether_it_was_truncated() {
        pollster::block_on(async {
            let clock = Arc::new(ManualClock::at(Timestamp::from_micros(0)));
            let store = MemoryStore::new(clock, Retention::default());
            let (organization, cluster) =
                ("42".parse().unwrap(), "5d5892d3-1f74-4ccf-91af-548dfc9767aa".parse().unwrap());
            let event = |(request, received_at): (&str, i64)| RequestEvent {
                key: RequestKey { organization, cluster, request: request.parse().unwrap() },
                received_at: Timestamp::from_micros(received_at),
                kind: EventKind::Announced,
            };
            store.store([("a", 1), ("c", 2), ("b", 2)].map(event).to_vec()).await.unwrap();
            let lookup = LookupService::over(store, ReportPolicy::default());
            for (most, expected, is_truncated) in [
                (None, vec!["b", "c", "a"], false),
                (NonZeroUsize::new(1), vec!["b"], true),
                (NonZeroUsize::new(2), vec!["b", "c"], true),
                (NonZeroUsize::new(3), vec!["b", "c", "a"], false),
                (Some(NonZeroUsize::MAX), vec!["b", "c", "a"], false),
            ] {
                let list = lookup.list(organization, cluster, most).await.unwrap().unwrap();
                let listed: Vec<_> = list.records.iter().map(|record| record.request.as_str()).collect();
                assert_eq!((listed, list.is_truncated), (expected, is_truncated), "{most:?}");
            }
        });
    }

    #[test]
    fn a_failure_says_why() {
        pollster::block_on(async {
            let now = Timestamp::from_micros(0);
            let lookup = LookupService::over(
                MemoryStore::new(ManualClock::at(now), Retention::default()),
                ReportPolicy::default(),
            );
            let key = RequestKey::parse("42", "5d5892d3-1f74-4ccf-91af-548dfc9767aa", "a").unwrap();
            for (kind, state, failure) in [
                (EventKind::Announced, RequestState::Received, None),
                (EventKind::Failed("first".into()), RequestState::Failed, Some("first")),
                (EventKind::Failed("second".into()), RequestState::Failed, Some("second")),
                (EventKind::Processed(Vec::new()), RequestState::Processed, None),
            ] {
                lookup
                    .store()
                    .store(vec![RequestEvent { key: key.clone(), received_at: now, kind }])
                    .await
                    .unwrap();
                let failure = failure.map(FailureReason::new);
                let status = lookup.status(&key).await.unwrap().unwrap();
                assert_eq!(status, RequestStatus { state, failure: failure.clone() });
                let expires_at = Retention::default().request_expiry(now);
                let report = RequestReport { state, entries: Vec::new(), failure, expires_at };
                assert_eq!(lookup.report(&key).await.unwrap(), Some(report));
            }
        });
    }

    #[test]
    fn hits_are_not_left_out_while_content_is_not_loaded() {
        pollster::block_on(async {
            let time = Timestamp::from_micros(0);
            let store = MemoryStore::new(ManualClock::at(time), Retention::default());
            let key = |request: &str| {
                RequestKey::parse("42", "5d5892d3-1f74-4ccf-91af-548dfc9767aa", request).unwrap()
            };
            let event = |request, hits: &[&str]| {
                let hits = hits.iter().map(|hit| hit.parse().unwrap()).collect();
                RequestEvent { key: key(request), received_at: time, kind: EventKind::Processed(hits) }
            };
            store.store(vec![event("healthy", &[]), event("ill", &["m|K"])]).await.unwrap();
            let lookup = LookupService::over(store, ReportPolicy::default());
            let content = lookup.content();
            let status = async |request| lookup.status(&key(request)).await;
            let processed = Some(RequestStatus { state: RequestState::Processed, failure: None });
            assert!(lookup.report(&key("healthy")).await.unwrap().unwrap().entries.is_empty());
            assert_eq!(status("healthy").await.unwrap(), processed);
            assert!(matches!(lookup.report(&key("ill")).await, Err(StoreError::Unavailable { .. })));
            assert!(matches!(status("ill").await, Err(StoreError::Unavailable { .. })));
            assert_eq!(status("unknown").await.unwrap(), None);

            assert!(lookup.refresh().await.unwrap(), "content that is empty is loaded too");
            assert!(!lookup.refresh().await.unwrap());
            assert_eq!(status("ill").await.unwrap(), processed);
            assert_eq!((content.keys(), content.omitted()), (Some(0), 0));
            assert!(lookup.report(&key("ill")).await.unwrap().unwrap().entries.is_empty());
            assert_eq!((content.omitted(), content.take_omitted_kinds().names), (1, vec!["m|K".to_owned()]));
            lookup.store().replace_content(RuleContentSet::default()).await.unwrap();
            assert!(lookup.refresh().await.unwrap());
        });
    }

    /// Leaves out the hits of one rule for one cluster, and counts how often it is asked.
    struct Acknowledged {
        rule: &'static str,
        cluster: ClusterId,
        asked: AtomicUsize,
    }

    impl RuleFilter for Acknowledged {
        async fn shown(&self, _: OrganizationId, cluster: ClusterId, mut hits: Vec<RuleHit>) -> Vec<RuleHit> {
            self.asked.fetch_add(1, Ordering::Relaxed);
            hits.retain(|hit| cluster != self.cluster || hit.module() != self.rule);
            hits
        }
    }

    const CLUSTER: &str = "5d5892d3-1f74-4ccf-91af-548dfc9767aa";
    const OTHER_CLUSTER: &str = "6d5892d3-1f74-4ccf-91af-548dfc9767aa";

    /// A store with a request of each kind, and its lookups.
    async fn filtered(policy: ReportPolicy) -> (LookupService<MemoryStore<ManualClock>>, Arc<Acknowledged>) {
        let time = Timestamp::from_micros(0);
        let store = MemoryStore::new(ManualClock::at(time), Retention::default());
        let all =
            ["high|K", "acknowledged|K", "acknowledged|L", "low|K", "acknowledged|UNKNOWN", "unknown|K"];
        let processed = |cluster, request, hits: &[&str]| RequestEvent {
            key: RequestKey::parse("42", cluster, request).unwrap(),
            received_at: time,
            kind: EventKind::Processed(hits.iter().map(|hit| hit.parse().unwrap()).collect()),
        };
        let announced = RequestEvent { kind: EventKind::Announced, ..processed(CLUSTER, "announced", &[]) };
        store
            .store(vec![
                processed(CLUSTER, "ill", &all),
                processed(OTHER_CLUSTER, "ill", &all),
                processed(CLUSTER, "acknowledged", &["acknowledged|K"]),
                processed(CLUSTER, "healthy", &[]),
                announced,
            ])
            .await
            .unwrap();
        let content = |hit: &str, total_risk| {
            let content =
                RuleContent { generic: format!("text of {hit}"), summary: String::new(), total_risk };
            (hit.parse::<RuleHit>().unwrap(), content)
        };
        let known = [("low|K", 1), ("acknowledged|K", 4), ("acknowledged|L", 3), ("high|K", 3)];
        let content = known.map(|(hit, risk)| content(hit, risk)).into_iter().collect();
        let filter = Acknowledged {
            rule: "acknowledged",
            cluster: CLUSTER.parse().unwrap(),
            asked: AtomicUsize::default(),
        };
        let filter = Arc::new(filter);
        store.replace_content(content).await.unwrap();
        (LookupService::over(store, policy).filtered(Arc::clone(&filter)), filter)
    }

    #[test]
    fn a_filter_leaves_hits_out_before_the_limits_count() {
        pollster::block_on(async {
            let (lookup, _) = filtered(ReportPolicy { max_entries: 2, ..ReportPolicy::default() }).await;
            lookup.refresh().await.unwrap();
            let report = async |cluster: &str, request: &str| -> Vec<String> {
                let key = RequestKey::parse("42", cluster, request).unwrap();
                let entries = lookup.report(&key).await.unwrap().unwrap().entries;
                entries.into_iter().map(|entry| entry.hit.to_string()).collect()
            };
            assert_eq!(report(CLUSTER, "ill").await, ["high|K", "low|K"], "others take the room");
            assert_eq!(lookup.content().omitted(), 1, "what the filter leaves out does not lack content");
            assert_eq!(lookup.content().take_omitted_kinds().names, ["unknown|K"]);
            assert_eq!(report(OTHER_CLUSTER, "ill").await, ["acknowledged|K", "acknowledged|L"]);
            assert_eq!(report(CLUSTER, "acknowledged").await, [""; 0], "all of them may be left out");
        });
    }

    #[test]
    fn only_reports_with_hits_that_can_be_made_ask_a_filter() {
        pollster::block_on(async {
            let (lookup, filter) = filtered(ReportPolicy::default()).await;
            let asked = || filter.asked.load(Ordering::Relaxed);
            let key = |request: &str| RequestKey::parse("42", CLUSTER, request).unwrap();
            assert!(lookup.report(&key("acknowledged")).await.is_err(), "the content is not loaded yet");
            lookup.refresh().await.unwrap();
            for request in ["healthy", "announced"] {
                assert!(lookup.report(&key(request)).await.unwrap().unwrap().entries.is_empty());
            }
            assert_eq!(lookup.report(&key("unknown")).await.unwrap(), None);
            let ill = key("ill");
            lookup.status(&ill).await.unwrap().unwrap();
            lookup.list(ill.organization, ill.cluster, None).await.unwrap().unwrap();
            lookup.select(ill.organization, ill.cluster, std::slice::from_ref(&ill.request)).await.unwrap();
            assert_eq!(asked(), 0);
            lookup.report(&ill).await.unwrap().unwrap();
            assert_eq!(asked(), 1);
        });
    }
}
