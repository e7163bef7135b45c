//! Messages in hand: polled, judged, and not yet done with.

use std::collections::HashSet;

use gathering_domain::{MessageKind, StoreError, Timestamp};
use rdkafka::Message;
use rdkafka::message::{BorrowedMessage, Headers};

use super::client::Partition;
use crate::announcement::SERVICE;
use crate::message::judgement::Judgement;
use crate::policy::Admission;

/// A message in hand.
pub(super) struct Item<'c> {
    pub(super) message: BorrowedMessage<'c>,
    /// `None` for a message that is not for us.
    pub(super) judgement: Option<Judgement>,
    is_judged: bool,
    /// Why its event is not recorded, if the last attempt failed or has to be repeated.
    pub(super) error: Option<StoreError>,
    /// Whether it was kept as a dead letter already.
    pub(super) is_kept: bool,
    /// When it came.
    pub(super) arrival: Timestamp,
}

impl<'c> Item<'c> {
    pub(super) const fn new(message: BorrowedMessage<'c>, arrival: Timestamp) -> Self {
        Self { message, judgement: None, is_judged: false, error: None, is_kept: false, arrival }
    }

    /// Judges it, once.
    pub(super) fn judge(&mut self, topics: &Topics, admission: &Admission) {
        if !self.is_judged {
            let payload = self.message.payload().unwrap_or_default();
            self.judgement =
                topics.kind(&self.message).map(|kind| admission.judge(kind, payload, self.arrival));
            self.is_judged = true;
        }
    }

    /// Whether it has to be kept as a dead letter before its offset may be stored.
    pub(super) fn is_unkept_dead_letter(&self) -> bool {
        !self.is_kept && self.judgement.as_ref().is_some_and(Judgement::is_dead_letter)
    }

    /// Whose partition it waits in, or would.
    pub(super) fn partition(&self) -> Partition {
        partition_of(&self.message)
    }

    /// `topic/partition@offset`
    pub(super) fn place(&self) -> String {
        format!("{}/{}@{}", self.message.topic(), self.message.partition(), self.message.offset())
    }
}

/// Which topics are read, and what they hold.
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
    fn kind(&self, message: &BorrowedMessage<'_>) -> Option<MessageKind> {
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

/// The partition of a message.
pub(super) fn partition_of(message: &BorrowedMessage<'_>) -> Partition {
    (message.topic().to_owned(), message.partition())
}

/// Whether a message is of one of these partitions.
pub(super) fn is_of(message: &BorrowedMessage<'_>, partitions: &HashSet<Partition>) -> bool {
    partitions.iter().any(|(topic, partition)| *partition == message.partition() && topic == message.topic())
}
