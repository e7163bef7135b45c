//! The field itself: requests, events, rule hits, rule content and reports, and the questions asked of them.
//!
//! An `OpenShift` cluster asks for an analysis and gets a *request ID*; a pipeline publishes the *rule hits* it found.
//! This crate says what such a request is, how events change it, what its report looks like, and which ports a store
//! has to offer. It knows no transport, no database and no async runtime: those stay in the crates around it.
//!
//! ```
//! use std::sync::Arc;
//! use gathering_domain::{
//!     ContentCache, EventKind, EventSink, LookupService, ManualClock, MemoryStore, ReportPolicy, RequestEvent,
//!     RequestKey, RequestState, Retention, Timestamp,
//! };
//!
//! # pollster::block_on(async {
//! let clock = Arc::new(ManualClock::at(Timestamp::from_micros(0)));
//! let store = Arc::new(MemoryStore::new(clock, Retention::default()));
//! let key = RequestKey {
//!     organization: "42".parse()?,
//!     cluster: "5d5892d3-1f74-4ccf-91af-548dfc9767aa".parse()?,
//!     request: "6d2eede257644308a8949c4ec251c5c4".parse()?,
//! };
//! let result = RequestEvent {
//!     key: key.clone(),
//!     received_at: Timestamp::from_micros(0),
//!     kind: EventKind::Processed(vec!["ccx_rules.external.tutorial_rule|TUTORIAL_ERROR".parse()?]),
//! };
//! store.store(vec![result]).await?;
//!
//! let lookup = LookupService::new(store, Arc::new(ContentCache::new(ReportPolicy::default())));
//! assert_eq!(lookup.status(&key).await?, Some(RequestState::Processed));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```

mod clock;
mod content;
mod event;
mod ids;
mod intake;
mod lookup;
mod memory;
mod message;
mod omitted;
mod report;
mod request;
mod retention;
mod rule;
mod store;
mod timestamp;

pub use clock::{Clock, ManualClock, SystemClock};
pub use content::{ContentRevision, RuleContent, RuleContentSet};
pub use event::{CoalescedBatch, EventKind, EventOutcome, FailureReason, RequestEvent, coalesce};
pub use ids::{ClusterId, IdError, OrganizationId, RequestId, RequestKey};
pub use intake::{
    BodyBytes, Framing, IntakeSummary, MessageBody, MessageIntake, NotGranted, Refusal, Tenant, WriteGrant,
};
pub use lookup::{ContentCache, LookupService, RequestList, RequestReport};
pub use memory::MemoryStore;
pub use message::{MessageKind, MessageOutcome, MessageRecord, OutcomeCounts};
pub use omitted::OmittedKinds;
pub use report::{MIN_DESCRIPTION, ReportEntry, ReportPolicy, TOTAL_RISKS, UnknownContent};
pub use request::{RequestRecord, RequestState, StoredReport};
pub use retention::Retention;
pub use rule::{RuleHit, RuleHitError};
pub use store::{ContentStore, EventSink, OrderedEventSink, RequestStore, StoreError, StoreQueue};
pub use timestamp::{Timestamp, TimestampError};
