//! The consumer's thread: poll, parse, record, keep dead letters, store offsets.

use std::collections::{HashSet, VecDeque};
use std::time::{Duration, Instant};

use gathering_domain::intake::MessageKind;
use gathering_domain::store::OrderedEventSink;
use log::Level;
use rdkafka::Message;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError as ClientError;
use rdkafka::message::BorrowedMessage;

use super::backoff::Backoff;
use super::callbacks::ConsumerCallbacks;
use super::consumer_log::ConsumerLog;
use super::dead_letter::DeadLetters;
use super::flow_control::FlowControl;
use super::in_flight::InFlight;
use super::offsets::Offsets;
use super::partition::{Partition, is_of};
use super::recorder::Recorder;
use super::topic_ends::TopicEnds;
use super::tracker::Tracker;
use crate::intake::counters::Source;
use crate::kafka::error::KafkaError;
use crate::kafka::health::ConsumerHealth;
use crate::kafka::settings::Start;
use crate::kafka::stop::StopHandle;

/// The most messages in flight, and the number of their bytes from which on no more are polled.
const MAX_IN_FLIGHT: usize = 4000;
const MAX_IN_FLIGHT_BYTES: usize = 8 * 1024 * 1024;

/// How long a poll waits for a message, at most. A stop is noticed after as long.
const POLL: Duration = Duration::from_millis(100);

/// What the thread works with.
pub(super) struct Worker<'c, S> {
    pub(super) consumer: &'c BaseConsumer<ConsumerCallbacks>,
    pub(super) recorder: Recorder<S>,
    pub(super) dead_letters: DeadLetters,
    pub(super) tracker: Option<Tracker>,
    pub(super) log: &'c ConsumerLog,
    pub(super) health: ConsumerHealth,
    pub(super) stop: StopHandle,
    /// Messages that arrived although their partition was to be paused. They are the next ones.
    pub(super) late: VecDeque<BorrowedMessage<'c>>,
    pub(super) flow: FlowControl<'c>,
    pub(super) offsets: Offsets,
}

/// Whether to go on with the next round, or to end because the time for a stop is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Continue,
    End,
}

impl<'c, S: OrderedEventSink> Worker<'c, S> {
    /// Works until it is told to stop.
    pub(super) fn run(mut self, start: Start) -> Result<(), KafkaError> {
        if start == Start::Latest && self.skip_what_waits()? == Next::End {
            return Ok(());
        }
        let topics = self.recorder.topics.names();
        self.consumer
            .subscribe(&topics)
            .map_err(|source| KafkaError::Subscription { source: source.into() })?;
        let mut items = Vec::new();
        while self.stop.deadline().is_none() || !self.flow.held.is_empty() {
            if self.round(&mut items)? == Next::End {
                let left = items.len() + self.flow.held.len();
                log::warn!("stopped with {left} messages in hand; they will come again");
                break;
            }
            items.clear();
        }
        Ok(())
    }

    /// Polls messages, adds those held ones that are due, and finishes all that can be recorded.
    fn round(&mut self, items: &mut Vec<InFlight<'c>>) -> Result<Next, KafkaError> {
        let is_full = self.flow.held.len() >= MAX_IN_FLIGHT || self.flow.held.bytes() >= MAX_IN_FLIGHT_BYTES;
        if let Some(due) = self.flow.held.due().filter(|_| is_full || self.stop.deadline().is_some()) {
            let reason = format!("{} messages wait to be recorded", self.flow.held.len());
            if self.stall(items, reason, due)? == Next::End {
                return Ok(Next::End);
            }
        } else {
            self.flow.resume();
            let messages = self.collect()?;
            let arrival = self.recorder.intake.now();
            items.extend(messages.into_iter().map(|message| InFlight::new(message, arrival)));
        }
        items.extend(self.flow.held.take_due(Instant::now()));
        if items.is_empty() { Ok(Next::Continue) } else { self.finish(items) }
    }

    /// Commits the ends of topics in which the group has no offset. Tries until it succeeds.
    fn skip_what_waits(&mut self) -> Result<Next, KafkaError> {
        let topics = self.recorder.topics.names().into_iter().map(str::to_owned).collect();
        let mut ends = TopicEnds::new(self.consumer, self.log, topics);
        let mut backoff = Backoff::default();
        let stop = self.stop.clone();
        while let Err(reason) = ends.commit(|| stop.deadline().is_some()) {
            self.log.group.log(Level::Warn, format_args!("no messages are taken yet: {reason}"));
            self.health.set_stalled(Some(reason));
            let until = Instant::now() + backoff.next();
            while Instant::now() < until {
                if self.stop.deadline().is_some() {
                    return Ok(Next::End);
                }
                self.poll(POLL, |_| {})?;
            }
        }
        self.health.set_stalled(None);
        Ok(Next::Continue)
    }

    /// Polls the messages that are there, up to the limits in flight. Waits a little for the first.
    fn collect(&mut self) -> Result<Vec<BorrowedMessage<'c>>, KafkaError> {
        let (waiting, mut messages): (Vec<_>, Vec<_>) =
            self.late.drain(..).partition(|message| self.flow.held.has_partition_of(message));
        self.late.extend(waiting);
        let mut wait = if messages.is_empty() { self.until_due() } else { Duration::ZERO };
        let (others, mut bytes) = (self.flow.held.len(), self.flow.held.bytes());
        while messages.len() + self.late.len() + others < MAX_IN_FLIGHT && bytes < MAX_IN_FLIGHT_BYTES {
            let polled = self.poll(wait, |revoked| messages.retain(|message| !is_of(message, revoked)))?;
            let Some(message) = polled else { break };
            bytes += message.payload_len();
            if self.flow.held.has_partition_of(&message) {
                self.late.push_back(message);
            } else {
                messages.push(message);
            }
            wait = Duration::ZERO;
        }
        Ok(messages)
    }

    /// How long to wait for a message: not beyond the next attempt at held ones.
    fn until_due(&self) -> Duration {
        let until_due = self.flow.held.due().map(|due| due.saturating_duration_since(Instant::now()));
        until_due.map_or(POLL, |wait| wait.min(POLL))
    }

    /// Polls once. `forget` has to drop messages of partitions that were revoked meanwhile: their new owner reads those messages
    /// again, and ours could be written after newer ones.
    fn poll(
        &mut self,
        wait: Duration,
        forget: impl FnOnce(&HashSet<Partition>),
    ) -> Result<Option<BorrowedMessage<'c>>, KafkaError> {
        let polled = self.consumer.poll(wait);
        self.health.show();
        let revoked = self.consumer.context().take_revoked();
        if !revoked.is_empty() {
            self.late.retain(|message| !is_of(message, &revoked));
            self.offsets.forget(&revoked);
            self.flow.forget(&revoked);
            forget(&revoked);
        }
        match polled {
            Some(Ok(message)) => Ok(Some(message)),
            Some(Err(source @ ClientError::MessageConsumptionFatal(_))) => {
                Err(KafkaError::Fatal { source: source.into() })
            }
            // The callbacks have logged the error.
            None | Some(Err(_)) => Ok(None),
        }
    }

    /// Records what can be recorded, keeps dead letters, and stores offsets up to the first message in each partition that is
    /// not recorded. Unrecorded messages are held for another attempt.
    fn finish(&mut self, items: &mut Vec<InFlight<'c>>) -> Result<Next, KafkaError> {
        self.recorder.record(items);
        self.flow.hold(items);
        let mut backoff = Backoff::default();
        while let Err(error) = self.dead_letters.keep(items) {
            log::warn!("the dead letter topic does not acknowledge: {error}");
            let reason = format!("the dead letter topic does not acknowledge: {error}");
            if self.stall(items, reason, Instant::now() + backoff.next())? == Next::End {
                return Ok(Next::End);
            }
        }
        let next = self.flow.held.next(items.iter());
        if let Err(error) = self.offsets.store(self.consumer, next) {
            // They are recorded; at worst they come again.
            self.log.group_warning("offsets cannot be stored", error);
        }
        self.flow.release();
        let now = self.recorder.intake.now();
        for item in items.iter_mut() {
            let Some(parsed) = &item.parsed else { continue };
            for warning in &parsed.warnings {
                self.log.odd.log(Level::Warn, format_args!("{}: {warning}", item.place()));
            }
            let outcome = parsed.outcome();
            let is_result = item.message.topic() == self.recorder.topics.results;
            let kind = if is_result { MessageKind::Result } else { MessageKind::Announcement };
            self.recorder.intake.count(Source::Kafka, kind, outcome);
            log::debug!("{}: {outcome}", item.place());
            if let Some(tracker) = self.tracker.as_ref().filter(|_| is_result) {
                tracker.tell(item, parsed, now);
            }
            item.end_span(outcome);
        }
        Ok(Next::Continue)
    }

    /// Waits until then with every partition paused. It goes on polling, so that the group keeps this member.
    fn stall(
        &mut self,
        items: &mut Vec<InFlight<'c>>,
        reason: String,
        until: Instant,
    ) -> Result<Next, KafkaError> {
        self.health.set_stalled(Some(reason));
        loop {
            // In each turn, since a rebalance may have assigned more partitions.
            self.flow.pause();
            let now = Instant::now();
            if self.stop.deadline().is_some_and(|deadline| now >= deadline) {
                return Ok(Next::End);
            }
            if now >= until {
                return Ok(Next::Continue);
            }
            let wait = POLL.min(until - now);
            let late = self.poll(wait, |revoked| items.retain(|item| !is_of(&item.message, revoked)))?;
            self.late.extend(late);
        }
    }
}
