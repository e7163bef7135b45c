//! What a transport hands over: bytes, what kind of messages they hold, and how these are told apart.

use super::outcome::{MessageKind, MessageOutcome};
use crate::ids::RequestKey;

/// How messages lie in a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// The whole body is one message.
    One,
    /// Every line that is not blank is one message.
    Lines,
}

/// Bytes that a sender handed over.
#[derive(Debug, Clone)]
pub struct MessageBody<B = Vec<u8>> {
    /// What kind of message it holds.
    pub kind: MessageKind,
    /// How they lie in it.
    pub framing: Framing,
    /// The bytes, uncompressed. They are dropped once nothing works on them any more, whether or not anybody waits for it.
    pub bytes: B,
}

/// The bytes of a body, whose memory a transport may count.
pub trait BodyBytes: AsRef<[u8]> + Send + Sync + 'static {
    /// Counts so many bytes beside those of the body for as long as these are there; the most that was asked for counts.
    /// False if there is no room for them.
    fn reserve(&self, beside: usize) -> bool;

    /// Whether to be told of each request that is written.
    fn is_audited(&self) -> bool {
        false
    }

    /// Is told of each request that a message of these bytes wrote, once that is durable, if [it asks for it](Self::is_audited).
    fn written(&self, _key: &RequestKey, _outcome: MessageOutcome) {}
}

/// Bytes that nobody counts.
impl BodyBytes for Vec<u8> {
    fn reserve(&self, _: usize) -> bool {
        true
    }
}
