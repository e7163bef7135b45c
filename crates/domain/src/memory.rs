//! A store in memory: for tests, and for programs whose records need not outlive them.

use std::collections::{BTreeMap, HashMap};
use std::future::{Future, ready};
use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{
    Clock, ClusterId, ContentRevision, ContentStore, EventKind, EventOutcome, EventSink, OrderedEventSink,
    OrganizationId, RequestEvent, RequestId, RequestKey, RequestRecord, RequestState, RequestStore,
    Retention, RuleContentSet, RuleHit, StoreError, StoredReport, Timestamp, coalesce,
};

/// Keeps everything in memory, with the rules that every store obeys.
#[derive(Debug)]
pub struct MemoryStore<C> {
    clock: C,
    retention: Retention,
    tables: Mutex<Tables>,
}

#[derive(Debug, Default)]
struct Tables {
    requests: BTreeMap<RequestKey, Row>,
    clusters: HashMap<(OrganizationId, ClusterId), Timestamp>,
    content: (ContentRevision, RuleContentSet),
}

#[derive(Debug)]
struct Row {
    state: RequestState,
    received_at: Timestamp,
    processed_at: Option<Timestamp>,
    expires_at: Timestamp,
    hits: Vec<RuleHit>,
}

impl Row {
    fn record(&self, request: &RequestId) -> RequestRecord {
        RequestRecord {
            request: request.clone(),
            state: self.state,
            received_at: self.received_at,
            processed_at: self.processed_at,
        }
    }
}

impl<C: Clock> MemoryStore<C> {
    /// An empty store that reads the time from `clock`.
    pub fn new(clock: C, retention: Retention) -> Self {
        Self { clock, retention, tables: Mutex::default() }
    }

    /// Drops what has expired. Reads do not depend on it; memory does.
    pub fn purge(&self) {
        let now = self.clock.now();
        let forgotten = self.retention.cluster_cutoff(now);
        let mut tables = self.tables();
        tables.requests.retain(|_, row| row.expires_at > now);
        tables.clusters.retain(|_, last_seen| *last_seen > forgotten);
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn live<T>(&self, key: &RequestKey, read: impl FnOnce(&Row) -> T) -> Option<T> {
        let now = self.clock.now();
        self.tables().requests.get(key).filter(|row| row.expires_at > now).map(read)
    }

    fn write(&self, tables: &mut Tables, event: &RequestEvent) -> bool {
        let now = self.clock.now();
        let recorded =
            tables.requests.get(&event.key).filter(|row| row.expires_at > now).map(|row| row.state);
        let Some(state) = RequestState::transition(recorded, &event.kind) else { return false };
        let row = Row {
            state,
            received_at: event.received_at,
            processed_at: (state == RequestState::Processed).then_some(now),
            expires_at: self.retention.request_expiry(now),
            hits: match &event.kind {
                EventKind::Processed(hits) => hits.clone(),
                EventKind::Announced | EventKind::Failed(_) => Vec::new(),
            },
        };
        tables.clusters.insert((event.key.organization, event.key.cluster), now);
        tables.requests.insert(event.key.clone(), row);
        true
    }
}

impl<C: Clock> RequestStore for MemoryStore<C> {
    fn state(
        &self,
        key: &RequestKey,
    ) -> impl Future<Output = Result<Option<RequestState>, StoreError>> + Send {
        ready(Ok(self.live(key, |row| row.state)))
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
                key.organization == organization && key.cluster == cluster && row.expires_at > now
            })
            .map(|(key, row)| row.record(&key.request))
            .collect();
        // Stable: ties keep the order by request ID that the map has.
        records.sort_by_key(|record| std::cmp::Reverse(record.received_at));
        records.truncate(most.map_or(usize::MAX, NonZeroUsize::get));
        let forgotten = self.retention.cluster_cutoff(now);
        let is_known = !records.is_empty()
            || tables.clusters.get(&(organization, cluster)).is_some_and(|last_seen| *last_seen > forgotten);
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
            let key = RequestKey { organization, cluster, request: request.clone() };
            self.live(&key, |row| row.record(request))
        });
        ready(Ok(found.collect()))
    }

    fn report(
        &self,
        key: &RequestKey,
    ) -> impl Future<Output = Result<Option<StoredReport>, StoreError>> + Send {
        ready(Ok(self.live(key, |row| StoredReport { state: row.state, hits: row.hits.clone() })))
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
