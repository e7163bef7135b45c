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
mod tests;
