//! Validated inputs of handlers: what the caller may do with what it names.

mod access;
mod body;
mod decompression;
mod messages;
mod path;
mod request_ids;
mod room;

pub(crate) use access::{ReadableCluster, ReadableRequest, ReadableSelection, WritableMessages};
pub(crate) use messages::{MessageRoom, read_messages};
pub(crate) use request_ids::ListRoom;
pub(crate) use room::Room;
