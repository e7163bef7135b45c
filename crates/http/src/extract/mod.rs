//! Validated inputs of handlers. They run in the order in which a handler names them: the caller, then parameters.

mod body;
mod caller;
mod messages;
mod path;

pub(crate) use body::read_request_ids;
pub(crate) use caller::Caller;
pub(crate) use messages::{MessageHeaders, Room, read_messages};
pub(crate) use path::{ClusterPath, RequestPath};
