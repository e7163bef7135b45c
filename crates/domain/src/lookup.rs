//! The four questions of the API, answered without knowing how they were asked.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::report::RenderedContent;
use crate::{
    ClusterId, ContentRevision, ContentStore, OrganizationId, ReportEntry, ReportPolicy, RequestId,
    RequestKey, RequestRecord, RequestState, RequestStore, RuleContentSet, StoreError,
};

/// The rule content that reports are made with, kept in memory and replaced as a whole.
#[derive(Debug)]
pub struct ContentCache {
    policy: ReportPolicy,
    current: RwLock<(ContentRevision, Arc<RenderedContent>)>,
}

impl ContentCache {
    /// An empty cache for reports of this policy.
    pub fn new(policy: ReportPolicy) -> Self {
        Self { policy, current: RwLock::default() }
    }

    /// Takes the store's content if it is another revision than the cached one, and tells whether it was.
    pub async fn refresh(&self, store: &impl ContentStore) -> Result<bool, StoreError> {
        if store.content_revision().await? == self.current().0 {
            return Ok(false);
        }
        let (revision, content) = store.content().await?;
        self.put(revision, &content);
        Ok(true)
    }

    /// Takes this content.
    pub fn put(&self, revision: ContentRevision, content: &RuleContentSet) {
        let rendered = Arc::new(RenderedContent::new(content, &self.policy));
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = (revision, rendered);
    }

    fn current(&self) -> (ContentRevision, Arc<RenderedContent>) {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        (current.0, Arc::clone(&current.1))
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

    /// The recorded requests of a cluster, newest `received_at` first; `None` if the organization does not know the
    /// cluster.
    pub async fn list(
        &self,
        organization: OrganizationId,
        cluster: ClusterId,
    ) -> Result<Option<Vec<RequestRecord>>, StoreError> {
        self.store.list(organization, cluster).await
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
        let stored = self.store.report(key).await?;
        Ok(stored.map(|stored| {
            let entries = match stored.state {
                RequestState::Processed => self.content.current().1.report(stored.hits, &self.content.policy),
                RequestState::Received | RequestState::Failed => Vec::new(),
            };
            RequestReport { state: stored.state, entries }
        }))
    }
}
