//! Who answers lookups on PostgreSQL: the primary, and before it a standby where there is one.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gathering_domain::ids::RequestKey;
use gathering_domain::request::{RequestState, StoredReport};
use gathering_domain::store::StoreError;
use gathering_domain::time::Clock;

use super::batcher::LookupBatcher;
use super::rows::KeptStatus;
use super::standby::{Standby, StandbyStats};
use crate::connection::epoch::Epoch;
use crate::connection::network::Server;
use crate::connection::pool::PoolState;
use crate::connection::url::DatabaseUrl;
use crate::settings::Settings;

/// The servers that answer lookups. Clones share their connections.
///
/// Only what is processed can be told from a standby, which may lag behind: a request that is processed stays so until it
/// expires, and every other answer may be another one on the primary. Lists, selections, the recheck of waiters and rule content
/// are asked of the primary alone: a list that lacks a request looks no different from a whole one.
#[derive(Clone)]
pub(crate) struct PostgresReads {
    pub(crate) primary: Arc<LookupBatcher>,
    standby: Option<Arc<Standby>>,
    query_timeout: Duration,
}

impl PostgresReads {
    pub(crate) fn new(url: &str, epoch: &Arc<Epoch>, settings: &Settings, clock: &Arc<dyn Clock>) -> Self {
        let primary = Arc::new(LookupBatcher::new(url, Server::Primary, epoch, settings, clock));
        let standby = match &settings.read_url {
            Some(DatabaseUrl::Postgres(url)) => Some(Arc::new(Standby::new(url, settings, clock))),
            Some(DatabaseUrl::Sqlite(_)) | None => None,
        };
        Self { primary, standby, query_timeout: settings.query_timeout }
    }

    /// Whether the primary answers. A standby that is away is no reason not to be ready.
    pub(crate) async fn ping(&self) -> Result<(), StoreError> {
        if let Some(standby) = &self.standby {
            standby.check_when_due(&self.primary);
        }
        self.primary.ping().await
    }

    /// The status, and who said so.
    pub(crate) async fn status(&self, key: &RequestKey) -> Result<Option<(KeptStatus, Server)>, StoreError> {
        let end = Instant::now() + self.query_timeout;
        if let Some(standby) = &self.standby {
            let is_processed = |kept: &KeptStatus| kept.status.state == RequestState::Processed;
            let found =
                standby.ask(&self.primary, is_processed, async |batcher| batcher.status(key, end).await);
            if let Some(kept) = found.await {
                return Ok(Some((kept, Server::Standby)));
            }
        }
        Ok(self.primary.status(key, end).await?.map(|kept| (kept, Server::Primary)))
    }

    pub(crate) async fn report(&self, key: &RequestKey) -> Result<Option<StoredReport>, StoreError> {
        let end = Instant::now() + self.query_timeout;
        if let Some(standby) = &self.standby {
            let is_processed = |report: &StoredReport| report.state == RequestState::Processed;
            let found =
                standby.ask(&self.primary, is_processed, async |batcher| batcher.report(key, end).await);
            if let Some(report) = found.await {
                return Ok(Some(report));
            }
        }
        self.primary.report(key, end).await
    }

    /// Called when something was erased.
    pub(crate) fn notice_erasure(&self) {
        if let Some(standby) = &self.standby {
            standby.notice_erasure();
        }
    }

    pub(crate) fn connections(&self) -> Vec<PoolState> {
        let standby = self.standby.iter().map(|standby| standby.connections());
        std::iter::once(self.primary.connections()).chain(standby).collect()
    }

    pub(crate) fn standby(&self) -> Option<StandbyStats> {
        self.standby.as_ref().map(|standby| standby.stats())
    }
}
