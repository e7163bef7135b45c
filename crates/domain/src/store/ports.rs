//! The ports: what a store has to offer, whatever it is made of.

use std::future::Future;
use std::num::NonZeroUsize;

use super::error::StoreError;
use crate::content::{ContentRevision, RuleContentSet};
use crate::event::{EventOutcome, RequestEvent};
use crate::ids::{ClusterId, OrganizationId, RequestId, RequestKey};
use crate::request::{RequestRecord, RequestState, RequestStatus, StoredReport};

/// Answers questions about requests.
pub trait RequestStore: Send + Sync {
    /// How far one request has come; `None` if it is not recorded.
    fn status(
        &self,
        key: &RequestKey,
    ) -> impl Future<Output = Result<Option<RequestStatus>, StoreError>> + Send;

    /// The state of one request alone.
    fn state(
        &self,
        key: &RequestKey,
    ) -> impl Future<Output = Result<Option<RequestState>, StoreError>> + Send {
        async move { Ok(self.status(key).await?.map(|status| status.state)) }
    }

    /// The states of many requests, in the order of the keys, as the database has them at this moment: what a store remembers
    /// does not count. Those who wait are told of what other processes recorded by it, so many keys at once should cost
    /// little more than one.
    fn states(
        &self,
        keys: &[RequestKey],
    ) -> impl Future<Output = Result<Vec<Option<RequestState>>, StoreError>> + Send {
        async move {
            let mut states = Vec::with_capacity(keys.len());
            for key in keys {
                states.push(self.state(key).await?);
            }
            Ok(states)
        }
    }

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

/// Deletes what has expired. Answers do not depend on it, since reads leave out what has expired; space does.
pub trait Purge: Send + Sync {
    /// Deletes what has expired by now, and says how much it was.
    ///
    /// # Errors
    /// When the store does not answer. Some may be deleted; what is left is deleted next time.
    fn purge(&self) -> impl Future<Output = Result<Purged, StoreError>> + Send;
}

/// How much a purge deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Purged {
    /// Requests that have expired.
    pub requests: u64,
    /// Clusters that are no longer known.
    pub clusters: u64,
}
