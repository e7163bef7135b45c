//! The four questions of the API, answered without knowing how they were asked.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, PoisonError, RwLock};

use crate::omitted::OmittedHits;
use crate::report::RenderedContent;
use crate::{
    ClusterId, ContentRevision, ContentStore, OmittedKinds, OrganizationId, ReportEntry, ReportPolicy,
    RequestId, RequestKey, RequestRecord, RequestState, RequestStore, RuleContentSet, RuleHit, StoreError,
};

/// The rule content that reports are made with, kept in memory and replaced as a whole.
#[derive(Debug)]
pub struct ContentCache {
    policy: ReportPolicy,
    current: RwLock<Option<(ContentRevision, Arc<RenderedContent>)>>,
    omitted: OmittedHits,
}

impl ContentCache {
    /// A cache for reports of this policy. Until it is given content, be it empty, no report with hits can be made.
    pub fn new(policy: ReportPolicy) -> Self {
        Self { policy, current: RwLock::default(), omitted: OmittedHits::default() }
    }

    /// Takes the store's content if it is another revision than the cached one, and tells whether it was.
    pub async fn refresh(&self, store: &impl ContentStore) -> Result<bool, StoreError> {
        let revision = store.content_revision().await?;
        if self.current().is_some_and(|(current, _)| current == revision) {
            return Ok(false);
        }
        let (revision, content) = store.content().await?;
        self.put(revision, &content);
        Ok(true)
    }

    /// Takes this content.
    pub fn put(&self, revision: ContentRevision, content: &RuleContentSet) {
        let rendered = Arc::new(RenderedContent::new(content, &self.policy));
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some((revision, rendered));
        self.omitted.forget();
    }

    /// How many hits have content; `None` until content is loaded.
    pub fn keys(&self) -> Option<usize> {
        self.current().map(|(_, content)| content.len())
    }

    /// How many hits reports have left out so far because they have no content.
    pub fn omitted(&self) -> u64 {
        self.omitted.count()
    }

    /// The kinds of hits that were left out and not taken from here yet. Each is new once while the content stays the same,
    /// and of very many the last are only counted, by [`omitted`](Self::omitted).
    pub fn take_omitted_kinds(&self) -> OmittedKinds {
        self.omitted.take()
    }

    fn current(&self) -> Option<(ContentRevision, Arc<RenderedContent>)> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The report of these hits. Leaving hits out for want of content that is only not loaded yet would tell a client,
    /// which asks once, that all is well.
    fn report(&self, hits: Vec<RuleHit>) -> Result<Vec<ReportEntry>, StoreError> {
        match self.current() {
            _ if hits.is_empty() => Ok(Vec::new()),
            Some((_, content)) => {
                let (entries, omitted) = content.report(hits, &self.policy);
                self.omitted.note(&omitted);
                Ok(entries)
            }
            None => Err(StoreError::unavailable("the rule content is not loaded yet")),
        }
    }
}

/// The report of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestReport {
    /// How far the request has come.
    pub state: RequestState,
    /// What the analysis found, ordered by risk; empty unless processed.
    pub entries: Vec<ReportEntry>,
}

/// The requests of a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestList {
    /// The newest first.
    pub records: Vec<RequestRecord>,
    /// Whether there are more, which are older.
    pub is_truncated: bool,
}

/// Answers the questions of one service from its store and its rule content.
#[derive(Debug)]
pub struct LookupService<S> {
    store: S,
    content: Arc<ContentCache>,
}

impl<S: RequestStore> LookupService<S> {
    /// A service over this store and this content.
    pub const fn new(store: S, content: Arc<ContentCache>) -> Self {
        Self { store, content }
    }

    /// How far a request has come; `None` if the organization has no record of it.
    pub async fn status(&self, key: &RequestKey) -> Result<Option<RequestState>, StoreError> {
        self.store.state(key).await
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
        let Some(stored) = self.store.report(key).await? else {
            return Ok(None);
        };
        let entries = match stored.state {
            RequestState::Processed => self.content.report(stored.hits)?,
            RequestState::Received | RequestState::Failed => Vec::new(),
        };
        Ok(Some(RequestReport { state: stored.state, entries }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ContentStore, EventKind, EventSink, ManualClock, MemoryStore, RequestEvent, Retention, Timestamp,
    };

    #[test]
    fn a_list_says_whether_it_was_truncated() {
        pollster::block_on(async {
            let clock = Arc::new(ManualClock::at(Timestamp::from_micros(0)));
            let store = Arc::new(MemoryStore::new(clock, Retention::default()));
            let (organization, cluster) =
                ("42".parse().unwrap(), "5d5892d3-1f74-4ccf-91af-548dfc9767aa".parse().unwrap());
            let event = |(request, received_at): (&str, i64)| RequestEvent {
                key: RequestKey { organization, cluster, request: request.parse().unwrap() },
                received_at: Timestamp::from_micros(received_at),
                kind: EventKind::Announced,
            };
            store.store([("a", 1), ("c", 2), ("b", 2)].map(event).to_vec()).await.unwrap();
            let lookup = LookupService::new(store, Arc::new(ContentCache::new(ReportPolicy::default())));
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
    fn hits_are_not_left_out_while_content_is_not_loaded() {
        pollster::block_on(async {
            let time = Timestamp::from_micros(0);
            let store = Arc::new(MemoryStore::new(Arc::new(ManualClock::at(time)), Retention::default()));
            let key = |request: &str| RequestKey {
                organization: "42".parse().unwrap(),
                cluster: "5d5892d3-1f74-4ccf-91af-548dfc9767aa".parse().unwrap(),
                request: request.parse().unwrap(),
            };
            let event = |request, hits: &[&str]| {
                let hits = hits.iter().map(|hit| hit.parse().unwrap()).collect();
                RequestEvent { key: key(request), received_at: time, kind: EventKind::Processed(hits) }
            };
            store.store(vec![event("healthy", &[]), event("ill", &["m|K"])]).await.unwrap();
            let content = Arc::new(ContentCache::new(ReportPolicy::default()));
            let lookup = LookupService::new(Arc::clone(&store), Arc::clone(&content));
            assert!(lookup.report(&key("healthy")).await.unwrap().unwrap().entries.is_empty());
            assert!(matches!(lookup.report(&key("ill")).await, Err(StoreError::Unavailable { .. })));

            assert!(content.refresh(&*store).await.unwrap(), "content that is empty is loaded too");
            assert!(!content.refresh(&*store).await.unwrap());
            assert_eq!((content.keys(), content.omitted()), (Some(0), 0));
            assert!(lookup.report(&key("ill")).await.unwrap().unwrap().entries.is_empty());
            assert_eq!((content.omitted(), content.take_omitted_kinds().names), (1, vec!["m|K".to_owned()]));
            store.replace_content(RuleContentSet::default()).await.unwrap();
            assert!(content.refresh(&*store).await.unwrap());
        });
    }
}
