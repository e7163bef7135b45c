//! The consumer's thread: poll, judge, record, keep dead letters, store offsets.

use std::collections::{HashSet, VecDeque};
use std::time::{Duration, Instant};

use gathering_domain::OrderedEventSink;
use log::Level;
use rdkafka::Message;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError as ClientError;
use rdkafka::message::BorrowedMessage;

use super::backoff::Backoff;
use super::batch::{Item, is_of};
use super::client::{Client, Partition};
use super::dead_letter::DeadLetters;
use super::error::KafkaError;
use super::flow_control::FlowControl;
use super::health::ConsumerHealth;
use super::lines::Lines;
use super::offsets::Offsets;
use super::recorder::Recorder;
use super::settings::Start;
use super::start::Ends;
use super::stop::StopHandle;
use super::tracker::Tracker;
use crate::intake::counters::Source;

/// The most messages in hand, and the bytes from which on no more are taken.
const IN_HAND: usize = 4000;
const IN_HAND_BYTES: usize = 8 * 1024 * 1024;

/// How long to wait for a message; a stop is noticed as soon.
const POLL: Duration = Duration::from_millis(100);

/// Everything that the thread works with.
pub(super) struct Worker<'c, S> {
    pub(super) consumer: &'c BaseConsumer<Client>,
    pub(super) recorder: Recorder<S>,
    pub(super) dead_letters: DeadLetters,
    pub(super) tracker: Option<Tracker>,
    pub(super) lines: &'c Lines,
    pub(super) health: ConsumerHealth,
    pub(super) stop: StopHandle,
    /// Messages that came although their partition was to be paused: the next ones.
    pub(super) late: VecDeque<BorrowedMessage<'c>>,
    pub(super) flow: FlowControl<'c>,
    pub(super) offsets: Offsets,
}

/// Whether the batch is done with, or the time to do so is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Continue,
    End,
}

impl<'c, S: OrderedEventSink> Worker<'c, S> {
    /// Works until it is to stop.
    pub(super) fn run(mut self, start: Start) -> Result<(), KafkaError> {
        if start == Start::Latest && self.skip_what_waits()? == Next::End {
            return Ok(());
        }
        let topics = self.recorder.topics.names();
        self.consumer.subscribe(&topics).map_err(|source| KafkaError::Subscription { source })?;
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

    /// Takes what is there, and what waits and is due, and is done with all of it that can be recorded.
    fn round(&mut self, items: &mut Vec<Item<'c>>) -> Result<Next, KafkaError> {
        let is_full = self.flow.held.len() >= IN_HAND || self.flow.held.bytes() >= IN_HAND_BYTES;
        if let Some(due) = self.flow.held.due().filter(|_| is_full || self.stop.deadline().is_some()) {
            let reason = format!("{} messages wait to be recorded", self.flow.held.len());
            if self.stall(items, reason, due)? == Next::End {
                return Ok(Next::End);
            }
        } else {
            self.flow.resume();
            let messages = self.collect()?;
            let arrival = self.recorder.intake.now();
            items.extend(messages.into_iter().map(|message| Item::new(message, arrival)));
        }
        items.extend(self.flow.held.take_due(Instant::now()));
        if items.is_empty() { Ok(Next::Continue) } else { self.finish(items) }
    }

    /// Commits the ends of topics that the group has no offset in, for as long as it takes to find them.
    fn skip_what_waits(&mut self) -> Result<Next, KafkaError> {
        let topics = self.recorder.topics.names().into_iter().map(str::to_owned).collect();
        let mut ends = Ends::new(self.consumer, self.lines, topics);
        let mut backoff = Backoff::default();
        let stop = self.stop.clone();
        while let Err(reason) = ends.commit(|| stop.deadline().is_some()) {
            self.lines.group.tell(Level::Warn, format_args!("no messages are taken yet: {reason}"));
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

    /// The messages that are there, at most a batch; waits a little for the first.
    fn collect(&mut self) -> Result<Vec<BorrowedMessage<'c>>, KafkaError> {
        let (waiting, mut messages): (Vec<_>, Vec<_>) =
            self.late.drain(..).partition(|message| self.flow.held.has_partition_of(message));
        self.late.extend(waiting);
        let mut wait = if messages.is_empty() { self.until_due() } else { Duration::ZERO };
        let (others, mut bytes) = (self.flow.held.len(), self.flow.held.bytes());
        while messages.len() + self.late.len() + others < IN_HAND && bytes < IN_HAND_BYTES {
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

    /// How long to wait for a message at most.
    fn until_due(&self) -> Duration {
        let until_due = self.flow.held.due().map(|due| due.saturating_duration_since(Instant::now()));
        until_due.map_or(POLL, |wait| wait.min(POLL))
    }

    /// Polls once. `forget` drops the messages in hand of partitions that were taken away meanwhile: whoever has them
    /// now reads those messages again, and ours could come after newer ones.
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
            Some(Err(source @ ClientError::MessageConsumptionFatal(_))) => Err(KafkaError::Fatal { source }),
            // The client's context has told of an error.
            None | Some(Err(_)) => Ok(None),
        }
    }

    /// Records what can be recorded, keeps its dead letters, and stores offsets up to the first message in each partition that
    /// is not recorded. Those that are not wait in `held` for another attempt.
    fn finish(&mut self, items: &mut Vec<Item<'c>>) -> Result<Next, KafkaError> {
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
            self.lines.group_warning("offsets cannot be stored", error);
        }
        self.flow.release();
        let now = self.recorder.intake.now();
        for item in items.iter() {
            let Some(judgement) = &item.judgement else { continue };
            for warning in &judgement.warnings {
                self.lines.odd.tell(Level::Warn, format_args!("{}: {warning}", item.place()));
            }
            let outcome = judgement.outcome();
            self.recorder.intake.count(Source::Kafka, outcome);
            log::debug!("{}: {outcome}", item.place());
            if let Some(tracker) =
                self.tracker.as_ref().filter(|_| item.message.topic() == self.recorder.topics.results)
            {
                tracker.tell(judgement, item.arrival, now);
            }
        }
        Ok(Next::Continue)
    }

    /// Fetches nothing and waits until then, as a member of the group that answers in time.
    fn stall(
        &mut self,
        items: &mut Vec<Item<'c>>,
        reason: String,
        until: Instant,
    ) -> Result<Next, KafkaError> {
        self.health.set_stalled(Some(reason));
        loop {
            // Each time: a rebalance may have brought more partitions.
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
