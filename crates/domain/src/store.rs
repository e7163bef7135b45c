//! The ports: what a store has to offer, whatever it is made of.
//!
//! Methods return futures, so that an implementation may answer at once or from another thread; they need no
//! particular runtime. A store applies retention on every read: what has expired is absent, purged or not.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use crate::{
    ClusterId, ContentRevision, EventOutcome, OrganizationId, RequestEvent, RequestId, RequestKey,
    RequestRecord, RequestState, RuleContentSet, StoredReport,
};

/// What a driver said. It can hold host names, settings and data: for logs only.
type Cause = Arc<dyn Error + Send + Sync>;

/// Why a store did not answer. All but [`Defect`](Self::Defect) may pass by themselves.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// No connection became free in time.
    #[error("no database connection became free within {waited:?}")]
    PoolExhausted {
        /// How long the caller waited.
        waited: Duration,
    },
    /// The database did not answer in time.
    #[error("the database did not answer within {limit:?}")]
    Timeout {
        /// The limit that ran out.
        limit: Duration,
    },
    /// More waits than the store wants to keep waiting.
    #[error("more than {limit} {queue} wait")]
    QueueFull {
        /// What waits.
        queue: StoreQueue,
        /// How many may wait.
        limit: usize,
    },
    /// The database cannot be reached, or the connection to it was lost, or it refuses what it is asked at the moment.
    #[error("the database cannot be reached")]
    Unavailable {
        /// What the driver said.
        source: Cause,
    },
    /// The database holds something that cannot be read, or a constraint forbids what was to be stored: a defect, here or
    /// in the data.
    #[error("the database refused the operation")]
    Defect {
        /// What the driver said.
        source: Cause,
    },
}

/// What can wait in a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreQueue {
    /// Events to be written.
    Events,
    /// Questions to be answered.
    Lookups,
}

impl fmt::Display for StoreQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Events => "events",
            Self::Lookups => "lookups",
        })
    }
}

impl StoreError {
    /// [`Unavailable`](Self::Unavailable) with its cause.
    pub fn unavailable(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unavailable { source: cause.into().into() }
    }

    /// [`Defect`](Self::Defect) with its cause.
    pub fn defect(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Defect { source: cause.into().into() }
    }
}

/// Answers questions about requests.
pub trait RequestStore: Send + Sync {
    /// The state of one request; `None` if it is not recorded.
    fn state(
        &self,
        key: &RequestKey,
    ) -> impl Future<Output = Result<Option<RequestState>, StoreError>> + Send;

    /// The requests of a cluster, newest `received_at` first and ties by request ID, no more than `most`, or all of them;
    /// `None` if the organization does not know the cluster.
    fn list(
        &self,
        organization: OrganizationId,
        cluster: ClusterId,
        most: Option<NonZeroUsize>,
    ) -> impl Future<Output = Result<Option<Vec<RequestRecord>>, StoreError>> + Send;

    /// Those of the asked requests that are recorded, each once, in any order.
    fn select(
        &self,
        organization: OrganizationId,
        cluster: ClusterId,
        requests: &[RequestId],
    ) -> impl Future<Output = Result<Vec<RequestRecord>, StoreError>> + Send;

    /// The state and hits of one request, of one moment; `None` if it is not recorded.
    fn report(
        &self,
        key: &RequestKey,
    ) -> impl Future<Output = Result<Option<StoredReport>, StoreError>> + Send;
}

/// Records events.
pub trait EventSink: Send + Sync {
    /// Records a batch, in order, and returns one outcome for each event. It is durable by then.
    ///
    /// # Errors
    /// When the batch could not be recorded. Some of it may be; recording all of it again is harmless.
    fn store(
        &self,
        events: Vec<RequestEvent>,
    ) -> impl Future<Output = Result<Vec<EventOutcome>, StoreError>> + Send;
}

/// An [`EventSink`] whose calls take effect in the order in which their futures are first polled, however many are waited
/// for at once. With it a caller can prepare the next batch while one is written, and order is kept.
pub trait OrderedEventSink: EventSink {
    /// Records a batch like [`EventSink::store`], and says of each event what became of it: events that are recorded need not
    /// come again because others are not. Of events of one request, later ones may be recorded although earlier ones are not.
    fn store_each(
        &self,
        events: Vec<RequestEvent>,
    ) -> impl Future<Output = Vec<Result<EventOutcome, StoreError>>> + Send {
        async move {
            let count = events.len();
            match self.store(events).await {
                Ok(outcomes) => outcomes.into_iter().map(Ok).collect(),
                Err(error) => vec![Err(error); count],
            }
        }
    }
}

/// Keeps the rule content.
pub trait ContentStore: Send + Sync {
    /// Which content is stored.
    fn content_revision(&self) -> impl Future<Output = Result<ContentRevision, StoreError>> + Send;

    /// The content with its revision. Where content is being replaced meanwhile it may be newer than the revision,
    /// never older, so that comparing revisions later finds out.
    fn content(&self) -> impl Future<Output = Result<(ContentRevision, RuleContentSet), StoreError>> + Send;

    /// Replaces all content in one transaction and returns the new revision.
    fn replace_content(
        &self,
        content: RuleContentSet,
    ) -> impl Future<Output = Result<ContentRevision, StoreError>> + Send;
}

impl<S: EventSink> EventSink for Arc<S> {
    fn store(
        &self,
        events: Vec<RequestEvent>,
    ) -> impl Future<Output = Result<Vec<EventOutcome>, StoreError>> + Send {
        (**self).store(events)
    }
}

impl<S: RequestStore> RequestStore for Arc<S> {
    fn state(
        &self,
        key: &RequestKey,
    ) -> impl Future<Output = Result<Option<RequestState>, StoreError>> + Send {
        (**self).state(key)
    }

    fn list(
        &self,
        organization: OrganizationId,
        cluster: ClusterId,
        most: Option<NonZeroUsize>,
    ) -> impl Future<Output = Result<Option<Vec<RequestRecord>>, StoreError>> + Send {
        (**self).list(organization, cluster, most)
    }

    fn select(
        &self,
        organization: OrganizationId,
        cluster: ClusterId,
        requests: &[RequestId],
    ) -> impl Future<Output = Result<Vec<RequestRecord>, StoreError>> + Send {
        (**self).select(organization, cluster, requests)
    }

    fn report(
        &self,
        key: &RequestKey,
    ) -> impl Future<Output = Result<Option<StoredReport>, StoreError>> + Send {
        (**self).report(key)
    }
}
