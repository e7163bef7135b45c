//! What a service or a store needs first: `use gathering_domain::prelude::*`.

pub use crate::content::{ContentRevision, RuleContent, RuleContentSet};
pub use crate::event::{EventKind, EventOutcome, FailureReason, RequestEvent};
pub use crate::ids::{ClusterId, IdError, OrganizationId, RequestId, RequestKey};
pub use crate::lookup::{LookupService, RequestList, RequestReport};
pub use crate::memory::MemoryStore;
pub use crate::report::{ContentCache, ReportEntry, ReportPolicy, RuleFilter, UnknownContent};
pub use crate::request::{RequestRecord, RequestState, RequestStatus, StoredReport};
pub use crate::rule::RuleHit;
pub use crate::store::{
    ContentStore, EventSink, OrderedEventSink, Purge, Purged, RequestStore, StoreError, StoredRequest,
};
pub use crate::time::{Clock, ManualClock, Retention, SystemClock, Timestamp};
