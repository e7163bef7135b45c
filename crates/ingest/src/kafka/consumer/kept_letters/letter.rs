//! What a message of the dead letter topic is: a letter of ours, the mark of one, or something of others.

use gathering_domain::time::Timestamp;
use rdkafka::Message;
use rdkafka::message::{BorrowedMessage, Headers};

use crate::announcement::parse_announcement;
use crate::kafka::letters::Letter;
use crate::message::result::parse_result;

/// The header of a mark: the partition and the offset of the letter that was sent again.
pub(super) const REPLAYED: &str = "gathering-replayed";

/// What that header says in a mark of no letter, which only tries whether there can be marks.
pub(super) const NO_LETTER: &str = "none";

/// The longest reason that is told, in characters: whoever may write to the topic may write any.
const MAX_REASON: usize = 1000;

/// The letter that a mark is for; nothing if it is no mark.
pub(super) fn marked(message: &BorrowedMessage<'_>) -> Option<(i32, i64)> {
    let (partition, offset) = header(message, REPLAYED)?.split_once('/')?;
    Some((partition.parse().ok()?, offset.parse().ok()?))
}

/// A letter of ours; nothing if others put it into the topic, which services often share.
pub(super) fn read_letter(message: &BorrowedMessage<'_>, announcements: Option<&str>) -> Option<Letter> {
    let topic = header(message, "gathering-topic")?;
    let document = message.payload().unwrap_or_default();
    let arrival = Timestamp::from_micros(0);
    let parsed = if Some(topic) == announcements {
        parse_announcement(document, arrival)
    } else {
        parse_result(document, arrival)
    };
    let kept = message.timestamp().to_millis().and_then(|millis| millis.checked_mul(1000));
    Some(Letter {
        partition: message.partition(),
        offset: message.offset(),
        kept: kept.map(Timestamp::from_micros),
        topic: topic.to_owned(),
        outcome: header(message, "gathering-outcome").map(str::to_owned),
        reason: header(message, "gathering-reason").map(|reason| reason.chars().take(MAX_REASON).collect()),
        organization: parsed.organization,
        cluster: parsed.cluster,
        request: parsed.request,
        is_replayed: false,
    })
}

/// The value of the last header of this name, if it is a text.
fn header<'m>(message: &'m BorrowedMessage<'_>, name: &str) -> Option<&'m str> {
    let headers = message.headers()?;
    let found = (0..headers.count()).rev().filter_map(|index| headers.try_get(index));
    let value = found.into_iter().find(|header| header.key == name)?.value?;
    std::str::from_utf8(value).ok()
}
