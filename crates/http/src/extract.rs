//! Validated inputs of handlers: what the caller may do with what it names.

mod access;
mod body;
mod body_budget;
mod decompression_queue;
mod messages;
mod path;
mod request_ids;

pub(crate) use access::{ReadableCluster, ReadableRequest, ReadableSelection, WritableMessages};
pub(crate) use body_budget::BodyBudget;
pub(crate) use messages::{MessageBudget, read_messages};
pub(crate) use request_ids::ListBudget;
