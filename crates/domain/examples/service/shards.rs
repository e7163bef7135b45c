//! A store of the example's own: one map for each cluster.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};

use gathering_domain::prelude::*;

/// Keeps the requests of each cluster together.
pub(crate) struct Shards<C> {
    clock: C,
    retention: Retention,
    tables: Mutex<Tables>,
}

#[derive(Default)]
struct Tables {
    clusters: HashMap<(OrganizationId, ClusterId), Shard>,
    content: (ContentRevision, RuleContentSet),
}

struct Shard {
    last_change: Timestamp,
    rows: HashMap<RequestId, StoredRequest>,
}

impl<C: Clock> Shards<C> {
    pub(crate) fn new(clock: C, retention: Retention) -> Self {
        Self { clock, retention, tables: Mutex::default() }
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The requests that are there, of those that `wanted` takes.
    fn live(
        &self,
        organization: OrganizationId,
        cluster: ClusterId,
        wanted: impl Fn(&RequestId) -> bool,
    ) -> Vec<StoredRequest> {
        let (now, tables) = (self.clock.now(), self.tables());
        let rows = tables.clusters.get(&(organization, cluster)).map(|shard| shard.rows.values());
        rows.into_iter()
            .flatten()
            .filter(|row| row.is_live(now) && wanted(&row.record.request))
            .cloned()
            .collect()
    }

    fn find(&self, key: &RequestKey) -> Option<StoredRequest> {
        self.live(key.organization, key.cluster, |request| *request == key.request).pop()
    }

    fn write(&self, tables: &mut Tables, event: &RequestEvent) -> EventOutcome {
        let now = self.clock.now();
        let shard = tables
            .clusters
            .entry((event.key.organization, event.key.cluster))
            .or_insert_with(|| Shard { last_change: Timestamp::from_micros(i64::MIN), rows: HashMap::new() });
        let recorded = shard.rows.get(&event.key.request);
        let Some(row) = StoredRequest::after(recorded, event, now, &self.retention) else {
            return EventOutcome::Ignored;
        };
        shard.last_change = now;
        shard.rows.insert(event.key.request.clone(), row);
        EventOutcome::Applied
    }
}

impl<C: Clock> RequestStore for Shards<C> {
    async fn status(&self, key: &RequestKey) -> Result<Option<RequestStatus>, StoreError> {
        Ok(self.find(key).map(|row| row.status()))
    }

    async fn list(
        &self,
        organization: OrganizationId,
        cluster: ClusterId,
        most: Option<NonZeroUsize>,
    ) -> Result<Option<Vec<RequestRecord>>, StoreError> {
        let rows = self.live(organization, cluster, |_| true);
        let mut records: Vec<_> = rows.into_iter().map(|row| row.record).collect();
        RequestRecord::sort_newest_first(&mut records);
        records.truncate(most.map_or(usize::MAX, NonZeroUsize::get));
        let now = self.clock.now();
        let tables = self.tables();
        let known = tables.clusters.get(&(organization, cluster));
        let known = known.is_some_and(|shard| self.retention.is_cluster_known(shard.last_change, now));
        Ok(known.then_some(records))
    }

    async fn select(
        &self,
        organization: OrganizationId,
        cluster: ClusterId,
        requests: &[RequestId],
    ) -> Result<Vec<RequestRecord>, StoreError> {
        let rows = self.live(organization, cluster, |request| requests.contains(request));
        Ok(rows.into_iter().map(|row| row.record).collect())
    }

    async fn report(&self, key: &RequestKey) -> Result<Option<StoredReport>, StoreError> {
        Ok(self.find(key).map(|row| row.report()))
    }
}

impl<C: Clock> EventSink for Shards<C> {
    async fn store(&self, events: Vec<RequestEvent>) -> Result<Vec<EventOutcome>, StoreError> {
        let mut tables = self.tables();
        Ok(events.iter().map(|event| self.write(&mut tables, event)).collect())
    }
}

impl<C: Clock> ContentStore for Shards<C> {
    async fn content_revision(&self) -> Result<ContentRevision, StoreError> {
        Ok(self.tables().content.0)
    }

    async fn content(&self) -> Result<(ContentRevision, RuleContentSet), StoreError> {
        Ok(self.tables().content.clone())
    }

    async fn replace_content(&self, content: RuleContentSet) -> Result<ContentRevision, StoreError> {
        let mut tables = self.tables();
        let revision = ContentRevision(tables.content.0.0 + 1);
        tables.content = (revision, content);
        Ok(revision)
    }
}
