//! What happens to a request: events, the table of states that they go through, and batches of them.

mod coalesce;
mod failure_reason;
mod kind;

pub use coalesce::{CoalescedBatch, coalesce};
pub use failure_reason::FailureReason;
pub use kind::{EventKind, EventOutcome, RequestEvent};
