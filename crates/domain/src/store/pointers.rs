//! Every port for references, `Box` and `Arc`, so that a store can be shared in the way that its user likes.

use std::future::Future;
use std::num::NonZeroUsize;
use std::sync::Arc;

use super::error::StoreError;
use super::ports::{ContentStore, EventSink, OrderedEventSink, Purge, Purged, RequestStore};
use crate::content::{ContentRevision, RuleContentSet};
use crate::event::{EventOutcome, RequestEvent};
use crate::ids::{ClusterId, OrganizationId, RequestId, RequestKey};
use crate::request::{RequestRecord, RequestState, RequestStatus, StoredReport};

macro_rules! ports_behind {
    ($($pointer:ty),+) => { $(
        impl<S: RequestStore> RequestStore for $pointer {
            fn status(
                &self,
                key: &RequestKey,
            ) -> impl Future<Output = Result<Option<RequestStatus>, StoreError>> + Send {
                (**self).status(key)
            }

            fn states(
                &self,
                keys: &[RequestKey],
            ) -> impl Future<Output = Result<Vec<Option<RequestState>>, StoreError>> + Send {
                (**self).states(keys)
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

        impl<S: EventSink> EventSink for $pointer {
            fn store(
                &self,
                events: Vec<RequestEvent>,
            ) -> impl Future<Output = Result<Vec<EventOutcome>, StoreError>> + Send {
                (**self).store(events)
            }
        }

        impl<S: OrderedEventSink> OrderedEventSink for $pointer {
            fn store_each(
                &self,
                events: Vec<RequestEvent>,
            ) -> impl Future<Output = Vec<Result<EventOutcome, StoreError>>> + Send {
                (**self).store_each(events)
            }
        }

        impl<S: ContentStore> ContentStore for $pointer {
            fn content_revision(&self) -> impl Future<Output = Result<ContentRevision, StoreError>> + Send {
                (**self).content_revision()
            }

            fn content(
                &self,
            ) -> impl Future<Output = Result<(ContentRevision, RuleContentSet), StoreError>> + Send {
                (**self).content()
            }

            fn replace_content(
                &self,
                content: RuleContentSet,
            ) -> impl Future<Output = Result<ContentRevision, StoreError>> + Send {
                (**self).replace_content(content)
            }
        }

        impl<S: Purge> Purge for $pointer {
            fn purge(&self) -> impl Future<Output = Result<Purged, StoreError>> + Send {
                (**self).purge()
            }
        }
    )+ };
}
ports_behind!(&S, Box<S>, Arc<S>);
