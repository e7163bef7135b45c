//! Which topics are read, and what kinds of messages they hold.

use gathering_domain::intake::MessageKind;
use rdkafka::Message;
use rdkafka::message::{BorrowedMessage, Headers};

use crate::announcement::SERVICE;

/// The topics that are read.
#[derive(Debug, Clone)]
pub(super) struct Topics {
    pub(super) results: String,
    pub(super) announcements: Option<String>,
}

impl Topics {
    pub(super) fn names(&self) -> Vec<&str> {
        std::iter::once(self.results.as_str()).chain(self.announcements.as_deref()).collect()
    }

    /// What kind of message this is; `None` if it is an announcement for another service.
    pub(super) fn kind(&self, message: &BorrowedMessage<'_>) -> Option<MessageKind> {
        if message.topic() == self.results {
            return Some(MessageKind::Result);
        }
        let headers = message.headers();
        let service = headers
            .as_ref()
            .and_then(|headers| headers.iter().find(|header| header.key == "service"))
            .and_then(|header| header.value);
        // Without the header, the message itself says whose it is.
        service.is_none_or(|service| service == SERVICE.as_bytes()).then_some(MessageKind::Announcement)
    }
}
