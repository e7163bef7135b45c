//! Open connections of a listener: how many there are, what they may cost, and which ones have to go.
//!
//! The library counts connections for each thread and stops accepting over its limit, which lets whoever holds them keep
//! everybody out; it bounds no write, and decodes as many requests as it can read, whatever becomes of their answers.
//! So connections are counted here, over all threads, in the `registry`; a [`Transport`] hands the library one request at
//! a time and records what the connection does; those that keep us waiting too long, or hold too much, are closed.
//!
//! From the bottom up: what all connections of a listener have in common (`shared`), one `connection`, the `registry` of
//! all, the `call` that a connection is at, and, beside each other, its `transport` and its `response_body`.

mod call;
mod call_state;
mod connection;
mod framing;
mod limits;
mod registry;
mod response_body;
mod scratch;
mod shared;
mod stream;
mod transport;

pub(crate) use self::call::Call;
pub(crate) use self::limits::{CloseReason, ConnectionLimits, ConnectionMetrics};
pub(crate) use self::registry::{ConnectionGuard, ConnectionRegistry};
pub(crate) use self::response_body::{ResponseBody, SharedBody, track_call};
pub(crate) use self::stream::Stream;
pub(crate) use self::transport::Transport;
