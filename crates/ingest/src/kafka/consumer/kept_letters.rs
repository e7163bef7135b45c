//! Dead letters as people deal with them: told of, and sent again.
//!
//! Which ones were sent again is in the topic itself: a message with a header that names the letter. So it
//! holds on every machine, for each letter by itself, and for as long as the letters are there.

mod letter;
mod reader;

use std::collections::{BTreeMap, HashSet};

use gathering_domain::time::Timestamp;
use rdkafka::Message;
use rdkafka::error::KafkaError as ClientError;
use rdkafka::message::{BorrowedMessage, Header, Headers, OwnedHeaders};
use rdkafka::producer::{DeliveryFuture, FutureProducer, FutureRecord};
use tokio::runtime::Handle;

use self::letter::{NO_LETTER, REPLAYED, marked, read_letter};
use self::reader::Reader;
use super::client_config::unusable;
use super::dead_letter::PREFIX;
use crate::kafka::error::KafkaError;
use crate::kafka::letters::{Letter, LetterFilter, ListedLetters, ReplayedLetters};
use crate::kafka::settings::KafkaSettings;

/// Where a letter lies: its partition and its offset.
type Place = (i32, i64);

/// Letters that are sent before the first of them is waited for, and the number of their bytes from which on no more are.
const IN_FLIGHT: usize = 200;
const IN_FLIGHT_BYTES: usize = 8 * 1024 * 1024;

/// The dead letter topic. Asking it blocks.
pub struct KeptLetters {
    settings: KafkaSettings,
    reader: Reader,
    topic: String,
}

impl std::fmt::Debug for KeptLetters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeptLetters").field("topic", &self.topic).finish_non_exhaustive()
    }
}

impl KeptLetters {
    /// The dead letter topic of these settings.
    pub fn open(settings: &KafkaSettings) -> Result<Self, KafkaError> {
        let topic = settings.dead_letter_topic.clone().ok_or(KafkaError::NoDeadLetterTopic)?;
        let reader = Reader::new(settings, &topic)?;
        Ok(Self { settings: settings.clone(), reader, topic })
    }

    /// The newest `most` letters that fit.
    pub fn list(&self, filter: &LetterFilter, most: usize) -> Result<ListedLetters, KafkaError> {
        let mut newest: BTreeMap<(Option<Timestamp>, Place), Letter> = BTreeMap::new();
        let (mut replayed, mut total) = (HashSet::new(), 0);
        self.read(|message| {
            if let Some(place) = marked(message) {
                replayed.insert(place);
            } else if let Some(letter) = self.letter(message).filter(|letter| filter.fits(letter)) {
                total += 1;
                newest.insert((letter.kept, (letter.partition, letter.offset)), letter);
                if newest.len() > most {
                    newest.pop_first();
                }
            }
            Ok(())
        })?;
        let letters = newest.into_values().map(|letter| {
            let is_replayed = replayed.contains(&(letter.partition, letter.offset));
            Letter { is_replayed, ..letter }
        });
        Ok(ListedLetters { letters: letters.collect(), total })
    }

    /// Sends letters that fit to the topics that they came from, as they came, and marks them as sent. Those that are marked
    /// are passed over, unless all are to be sent `again`. A dry run sends nothing. Letters that come meanwhile are left for
    /// the next time. Needs a tokio runtime.
    ///
    /// # Errors
    /// When a topic does not take one. Those that it took are marked, unless marking is what failed.
    pub fn replay(
        &self,
        filter: &LetterFilter,
        again: bool,
        is_dry: bool,
    ) -> Result<ReplayedLetters, KafkaError> {
        let mut fitting: Vec<Place> = Vec::new();
        let (mut replayed, mut counts) = (HashSet::new(), ReplayedLetters::default());
        self.read(|message| {
            if let Some(place) = marked(message) {
                replayed.insert(place);
            } else if let Some(letter) = self.letter(message).filter(|letter| filter.fits(letter)) {
                if self.is_read(&letter.topic) {
                    fitting.push((letter.partition, letter.offset));
                } else {
                    counts.elsewhere += 1;
                }
            }
            Ok(())
        })?;
        let all = fitting.len();
        let wanted: HashSet<Place> =
            fitting.into_iter().filter(|place| again || !replayed.contains(place)).collect();
        counts.before = (all - wanted.len()) as u64;
        counts.sent = wanted.len() as u64;
        if is_dry || wanted.is_empty() {
            return Ok(counts);
        }
        let producer = self.settings.producer()?.create().map_err(|error| unusable(&error))?;
        let mut batch = Batch::new(producer, &self.topic);
        // Where marks cannot be written, each run would send the same letters.
        batch.probe()?;
        let read = self.read(|message| {
            if wanted.contains(&(message.partition(), message.offset()))
                && let Some(letter) = self.letter(message)
            {
                batch.send(message, &letter)?;
            }
            Ok(())
        });
        // What is on its way counts, whatever happened.
        let finished = batch.finish();
        read.and(finished).map_err(|source| batch.stopped(source))?;
        // Some may have been deleted meanwhile, since they were too old.
        Ok(ReplayedLetters { sent: batch.acknowledged, ..counts })
    }

    fn read(
        &self,
        visit: impl FnMut(&BorrowedMessage<'_>) -> Result<(), KafkaError>,
    ) -> Result<(), KafkaError> {
        self.reader.read(visit)
    }

    fn letter(&self, message: &BorrowedMessage<'_>) -> Option<Letter> {
        read_letter(message, self.settings.announcements_topic.as_deref())
    }

    fn is_read(&self, topic: &str) -> bool {
        topic == self.settings.results_topic || Some(topic) == self.settings.announcements_topic.as_deref()
    }
}

/// Letters that were sent and are yet to be acknowledged and marked.
struct Batch<'t> {
    producer: FutureProducer,
    topic: &'t str,
    sent: Vec<(Place, DeliveryFuture)>,
    bytes: usize,
    /// Letters that their topics have, and those of them that could not be marked.
    acknowledged: u64,
    unmarked: u64,
}

impl<'t> Batch<'t> {
    const fn new(producer: FutureProducer, topic: &'t str) -> Self {
        Self { producer, topic, sent: Vec::new(), bytes: 0, acknowledged: 0, unmarked: 0 }
    }

    fn send(&mut self, message: &BorrowedMessage<'_>, letter: &Letter) -> Result<(), KafkaError> {
        let mut headers = OwnedHeaders::new();
        for header in message.headers().iter().flat_map(|headers| headers.iter()) {
            if !header.key.starts_with(PREFIX) {
                headers = headers.insert(Header { key: header.key, value: header.value });
            }
        }
        let mut record: FutureRecord<'_, [u8], [u8]> = FutureRecord::to(&letter.topic).headers(headers);
        record.payload = message.payload();
        record.key = message.key();
        let place = (letter.partition, letter.offset);
        let delivery = self.producer.send_result(record).map_err(|(error, _)| refused(place, error))?;
        self.sent.push((place, delivery));
        self.bytes += message.payload_len();
        if self.sent.len() >= IN_FLIGHT || self.bytes >= IN_FLIGHT_BYTES { self.finish() } else { Ok(()) }
    }

    /// Waits for what was sent, and marks what arrived.
    fn finish(&mut self) -> Result<(), KafkaError> {
        self.bytes = 0;
        let (mut marks, mut result) = (Vec::new(), Ok(()));
        for (place, delivery) in std::mem::take(&mut self.sent) {
            if let Err(error) = acknowledged(delivery) {
                result = Err(refused(place, error));
                continue;
            }
            self.acknowledged += 1;
            marks.push((place, self.mark(&format!("{}/{}", place.0, place.1))));
        }
        for ((partition, offset), mark) in marks {
            if let Err(source) = mark.and_then(acknowledged) {
                self.unmarked += 1;
                result = Err(KafkaError::NotMarked { partition, offset, source: source.into() });
            }
        }
        result
    }

    /// Finds out whether the topic takes marks, with one of no letter.
    fn probe(&self) -> Result<(), KafkaError> {
        let marked = self.mark(NO_LETTER).and_then(acknowledged);
        marked.map_err(|source| KafkaError::NoMarks { topic: self.topic.to_owned(), source: source.into() })
    }

    /// Puts a mark into the topic. It has a key and a value: a compacted topic takes nothing without the one, and deletes what is
    /// without the other.
    fn mark(&self, name: &str) -> Result<DeliveryFuture, ClientError> {
        let headers = OwnedHeaders::new().insert(Header { key: REPLAYED, value: Some(name) });
        let key = format!("{REPLAYED}/{name}");
        let record = FutureRecord::to(self.topic).headers(headers).key(&key).payload("sent again");
        self.producer.send_result(record).map_err(|(error, _)| error)
    }

    /// The error, with how much was sent before it.
    fn stopped(&self, source: KafkaError) -> KafkaError {
        let (sent, unmarked) = (self.acknowledged, self.unmarked);
        KafkaError::ReplayStopped { sent, unmarked, source: Box::new(source) }
    }
}

fn acknowledged(delivery: DeliveryFuture) -> Result<(), ClientError> {
    match Handle::current().block_on(delivery) {
        Ok(Ok(_)) => Ok(()),
        Ok(Err((error, _))) => Err(error),
        Err(_) => Err(ClientError::Canceled),
    }
}

fn refused((partition, offset): Place, source: ClientError) -> KafkaError {
    KafkaError::NotReplayed { partition, offset, source: source.into() }
}
