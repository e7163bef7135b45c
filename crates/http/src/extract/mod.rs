//! Validated inputs of handlers: what the caller may do with what it names.

mod access;
mod body;
mod messages;
mod path;

pub(crate) use access::{ReadableCluster, ReadableRequest, ReadableSelection, WritableMessages};
pub(crate) use messages::{Room, read_messages};
