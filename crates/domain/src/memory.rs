//! A store in memory: for tests, and for programs whose records need not outlive them.

use std::collections::{BTreeMap, HashMap};
use std::future::{Future, ready};
use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::content::{ContentRevision, RuleContentSet};
use crate::event::{EventOutcome, RequestEvent, coalesce};
use crate::ids::{ClusterId, OrganizationId, RequestId, RequestKey};
use crate::request::{RequestRecord, RequestStatus, StoredReport};
use crate::store::{
    ContentStore, EventSink, OrderedEventSink, Purge, Purged, RequestStore, StoreError, StoredRequest,
};
use crate::time::{Clock, Retention, Timestamp};

/// Keeps everything in memory, with the rules that every store obeys.
#[derive(Debug)]
pub struct MemoryStore<C> {
    clock: C,
    retention: Retention,
    tables: Mutex<Tables>,
}

#[derive(Debug, Default)]
struct Tables {
    requests: BTreeMap<RequestKey, StoredRequest>,
    /// When a request of the cluster last changed.
    clusters: HashMap<(OrganizationId, ClusterId), Timestamp>,
    content: (ContentRevision, RuleContentSet),
}

impl<C: Clock> MemoryStore<C> {
    /// An empty store that reads the time from `clock`.
    pub fn new(clock: C, retention: Retention) -> Self {
        Self { clock, retention, tables: Mutex::default() }
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn live<T>(&self, key: &RequestKey, read: impl FnOnce(&StoredRequest) -> T) -> Option<T> {
        let now = self.clock.now();
        self.tables().requests.get(key).filter(|row| row.is_live(now)).map(read)
    }

    fn write(&self, tables: &mut Tables, event: &RequestEvent) -> bool {
        let now = self.clock.now();
        let recorded = tables.requests.get(&event.key);
        let Some(row) = StoredRequest::after(recorded, event, now, &self.retention) else { return false };
        tables.clusters.insert((event.key.organization, event.key.cluster), now);
        tables.requests.insert(event.key.clone(), row);
        true
    }
}

impl<C: Clock> RequestStore for MemoryStore<C> {
    fn status(
        &self,
        key: &RequestKey,
    ) -> impl Future<Output = Result<Option<RequestStatus>, StoreError>> + Send {
        ready(Ok(self.live(key, StoredRequest::status)))
    }

    fn list(
        &self,
        organization: OrganizationId,
        cluster: ClusterId,
        most: Option<NonZeroUsize>,
    ) -> impl Future<Output = Result<Option<Vec<RequestRecord>>, StoreError>> + Send {
        let now = self.clock.now();
        let tables = self.tables();
        let mut records: Vec<_> = tables
            .requests
            .iter()
            .filter(|(key, row)| {
                key.organization == organization && key.cluster == cluster && row.is_live(now)
            })
            .map(|(_, row)| row.record.clone())
            .collect();
        RequestRecord::sort_newest_first(&mut records);
        records.truncate(most.map_or(usize::MAX, NonZeroUsize::get));
        let last_change = tables.clusters.get(&(organization, cluster));
        let is_known = !records.is_empty()
            || last_change.is_some_and(|last| self.retention.is_cluster_known(*last, now));
        ready(Ok(is_known.then_some(records)))
    }

    fn select(
        &self,
        organization: OrganizationId,
        cluster: ClusterId,
        requests: &[RequestId],
    ) -> impl Future<Output = Result<Vec<RequestRecord>, StoreError>> + Send {
        let mut asked: Vec<_> = requests.iter().collect();
        asked.sort_unstable();
        asked.dedup();
        let found = asked.into_iter().filter_map(|request| {
            let key = RequestKey::new(organization, cluster, request.clone());
            self.live(&key, |row| row.record.clone())
        });
        ready(Ok(found.collect()))
    }

    fn report(
        &self,
        key: &RequestKey,
    ) -> impl Future<Output = Result<Option<StoredReport>, StoreError>> + Send {
        ready(Ok(self.live(key, StoredRequest::report)))
    }
}

impl<C: Clock> EventSink for MemoryStore<C> {
    fn store(
        &self,
        events: Vec<RequestEvent>,
    ) -> impl Future<Output = Result<Vec<EventOutcome>, StoreError>> + Send {
        let coalesced = coalesce(&events);
        let mut tables = self.tables();
        let changed: Vec<_> = coalesced.writes().iter().map(|event| self.write(&mut tables, event)).collect();
        ready(Ok(coalesced.outcomes(&changed)))
    }
}

impl<C: Clock> OrderedEventSink for MemoryStore<C> {}

impl<C: Clock> Purge for MemoryStore<C> {
    fn purge(&self) -> impl Future<Output = Result<Purged, StoreError>> + Send {
        let now = self.clock.now();
        let mut tables = self.tables();
        let (requests, clusters) = (tables.requests.len(), tables.clusters.len());
        tables.requests.retain(|_, row| row.is_live(now));
        tables.clusters.retain(|_, last_change| self.retention.is_cluster_known(*last_change, now));
        ready(Ok(Purged {
            requests: (requests - tables.requests.len()) as u64,
            clusters: (clusters - tables.clusters.len()) as u64,
        }))
    }
}

impl<C: Clock> ContentStore for MemoryStore<C> {
    fn content_revision(&self) -> impl Future<Output = Result<ContentRevision, StoreError>> + Send {
        ready(Ok(self.tables().content.0))
    }

    fn content(&self) -> impl Future<Output = Result<(ContentRevision, RuleContentSet), StoreError>> + Send {
        ready(Ok(self.tables().content.clone()))
    }

    fn replace_content(
        &self,
        content: RuleContentSet,
    ) -> impl Future<Output = Result<ContentRevision, StoreError>> + Send {
        let mut tables = self.tables();
        let revision = ContentRevision(tables.content.0.0 + 1);
        tables.content = (revision, content);
        ready(Ok(revision))
    }
}
