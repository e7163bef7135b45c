//! The ports that a store implements, the errors that it may have, and the rule of a row, which every store shares.
//!
//! A store applies retention on every read: what has expired is absent, purged or not. [`StoredRequest`] holds the rules of
//! a row, and the feature `conformance` has a suite that finds out whether a store keeps to them.
//!
//! Methods return futures, so that an implementation may answer at once or from another thread; they need no particular
//! runtime. An implementation may write `async fn`. The ports are not dyn compatible: be generic over the store. `Arc`,
//! `Box` and references of a store are stores too. [`MemoryStore`](crate::memory::MemoryStore) is the whole example; this
//! one implements a single port:
//!
//! ```
//! use std::collections::BTreeMap;
//! use std::sync::Mutex;
//! use gathering_domain::prelude::*;
//!
//! /// Records events in memory.
//! struct Rows {
//!     rows: Mutex<BTreeMap<RequestKey, StoredRequest>>,
//!     clock: SystemClock,
//!     retention: Retention,
//! }
//!
//! impl EventSink for Rows {
//!     async fn store(&self, events: Vec<RequestEvent>) -> Result<Vec<EventOutcome>, StoreError> {
//!         let now = self.clock.now();
//!         let mut rows = self.rows.lock().map_err(|_| StoreError::defect("a thread panicked"))?;
//!         let outcomes = events.iter().map(|event| {
//!             match StoredRequest::after(rows.get(&event.key), event, now, &self.retention) {
//!                 Some(row) => {
//!                     rows.insert(event.key.clone(), row);
//!                     EventOutcome::Applied
//!                 }
//!                 None => EventOutcome::Ignored,
//!             }
//!         });
//!         Ok(outcomes.collect())
//!     }
//! }
//!
//! # pollster::block_on(async {
//! let rows = Rows { rows: Mutex::default(), clock: SystemClock, retention: Retention::default() };
//! let key = RequestKey::parse("42", "5d5892d3-1f74-4ccf-91af-548dfc9767aa", "6d2eede257644308")?;
//! let received_at = rows.clock.now();
//! let event = |kind| RequestEvent { key: key.clone(), received_at, kind };
//! let outcomes = rows.store(vec![event(EventKind::Processed(vec![])), event(EventKind::Announced)]).await?;
//! assert_eq!(outcomes, [EventOutcome::Applied, EventOutcome::Ignored]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```

mod error;
mod pointers;
mod ports;
mod stored;

pub use error::{StoreError, StoreQueue};
pub use ports::{ContentStore, EventSink, OrderedEventSink, Purge, Purged, RequestStore};
pub use stored::StoredRequest;
