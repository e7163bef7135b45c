//! The consumer's thread: poll, judge, record, keep dead letters, store offsets.

use std::collections::{HashSet, VecDeque};
use std::time::{Duration, Instant};

use futures_util::future::poll_immediate;
use gathering_domain::{OrderedEventSink, StoreError, Timestamp};
use log::Level;
use rdkafka::Message;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError as ClientError;
use rdkafka::message::BorrowedMessage;
use tokio::runtime::Handle;

use super::KafkaError;
use super::backoff::Backoff;
use super::batch::{Item, Topics, is_of};
use super::client::{Client, Partition};
use super::consumer::StopHandle;
use super::dead_letter::DeadLetters;
use super::health::ConsumerHealth;
use super::lines::Lines;
use super::offsets::Offsets;
use super::settings::Start;
use super::start::Ends;
use super::tracker::Tracker;
use crate::admission::Admission;
use crate::{Intake, Source};

/// The most messages in hand, and the bytes from which on no more are taken.
const IN_HAND: usize = 4000;
const IN_HAND_BYTES: usize = 8 * 1024 * 1024;

/// How many of them are judged while those before are written.
const STEP: usize = 500;

/// How long to wait for a message; a stop is noticed as soon.
const POLL: Duration = Duration::from_millis(100);

/// Everything that the thread works with.
pub(super) struct Worker<'c, S> {
    pub(super) consumer: &'c BaseConsumer<Client>,
    pub(super) runtime: Handle,
    pub(super) intake: Intake<S>,
    pub(super) admission: Admission,
    pub(super) topics: Topics,
    pub(super) dead_letters: DeadLetters,
    pub(super) tracker: Option<Tracker>,
    pub(super) lines: &'c Lines,
    pub(super) health: ConsumerHealth,
    pub(super) stop: StopHandle,
    /// Messages that came although their partition was to be paused: the next ones.
    pub(super) late: VecDeque<BorrowedMessage<'c>>,
    pub(super) offsets: Offsets,
    pub(super) is_paused: bool,
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
        let topics = self.topics.names();
        self.consumer.subscribe(&topics).map_err(|source| KafkaError::Subscription { source })?;
        while self.stop.deadline().is_none() {
            self.resume();
            let messages = self.collect()?;
            if messages.is_empty() {
                continue;
            }
            let mut items = messages.into_iter().map(Item::new).collect();
            if self.finish(&mut items)? == Next::End {
                log::warn!("stopped with {} messages in hand; they will come again", items.len());
                break;
            }
        }
        Ok(())
    }

    /// Commits the ends of topics that the group has no offset in, for as long as it takes to find them.
    fn skip_what_waits(&mut self) -> Result<Next, KafkaError> {
        let topics = self.topics.names().into_iter().map(str::to_owned).collect();
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
        let mut messages: Vec<_> = self.late.drain(..).collect();
        let mut wait = if messages.is_empty() { POLL } else { Duration::ZERO };
        let mut bytes = 0;
        while messages.len() < IN_HAND && bytes < IN_HAND_BYTES {
            let polled = self.poll(wait, |revoked| messages.retain(|message| !is_of(message, revoked)))?;
            let Some(message) = polled else { break };
            bytes += message.payload_len();
            messages.push(message);
            wait = Duration::ZERO;
        }
        Ok(messages)
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
            forget(&revoked);
        }
        match polled {
            Some(Ok(message)) => Ok(Some(message)),
            Some(Err(source @ ClientError::MessageConsumptionFatal(_))) => Err(KafkaError::Fatal { source }),
            // The client's context has told of an error.
            None | Some(Err(_)) => Ok(None),
        }
    }

    /// Records what is to be recorded, keeps dead letters, stores offsets, in this order and for as long as it takes.
    fn finish(&mut self, items: &mut Vec<Item<'c>>) -> Result<Next, KafkaError> {
        let arrival = self.intake.now();
        let mut backoff = Backoff::default();
        loop {
            let Err(error) = self.record(items, arrival) else { break };
            let cause = std::error::Error::source(&error).map(|cause| format!(" ({cause})"));
            log::warn!("messages cannot be recorded: {error}{}", cause.unwrap_or_default());
            if self.stall(items, error.to_string(), &mut backoff)? == Next::End {
                return Ok(Next::End);
            }
        }
        let mut backoff = Backoff::default();
        while let Err(error) = self.dead_letters.keep(items) {
            log::warn!("the dead letter topic does not acknowledge: {error}");
            let reason = format!("the dead letter topic does not acknowledge: {error}");
            if self.stall(items, reason, &mut backoff)? == Next::End {
                return Ok(Next::End);
            }
        }
        let done = items.iter().map(|item| &item.message);
        if let Err(error) = self.offsets.store(self.consumer, done) {
            // They are recorded; at worst they come again.
            self.lines.group_warning("offsets cannot be stored", error);
        }
        let now = self.intake.now();
        for item in items.iter() {
            let Some(judgement) = &item.judgement else { continue };
            for warning in &judgement.warnings {
                self.lines.odd.tell(Level::Warn, format_args!("{}: {warning}", item.place()));
            }
            let outcome = judgement.outcome();
            self.intake.count(Source::Kafka, outcome);
            log::debug!("{}: {outcome}", item.place());
            if let Some(tracker) =
                self.tracker.as_ref().filter(|_| item.message.topic() == self.topics.results)
            {
                tracker.tell(judgement, arrival, now);
            }
        }
        Ok(Next::Continue)
    }

    /// Judges what is not judged yet, and records all of it in order; the next step is judged while one is written.
    ///
    /// Whatever becomes of a step, all of them are over when this returns: a rebalance finds no write on its way. After
    /// an error everything is to be recorded again, so that what comes last stays last.
    fn record(&self, items: &mut [Item<'c>], arrival: Timestamp) -> Result<(), StoreError> {
        self.runtime.block_on(async {
            let (mut result, mut writing) = (Ok(()), Vec::with_capacity(IN_HAND / STEP));
            for step in items.chunks_mut(STEP) {
                for item in &mut *step {
                    item.judge(&self.topics, &self.admission, arrival);
                }
                let judgements = step.iter_mut().filter_map(|item| item.judgement.as_mut());
                let mut write = Box::pin(self.intake.store(judgements));
                match poll_immediate(&mut write).await {
                    Some(written) => result = result.and(written),
                    None => writing.push(write),
                }
            }
            for write in writing {
                result = result.and(write.await);
            }
            result
        })
    }

    /// Fetches nothing and waits a little, as a member of the group that answers in time.
    fn stall(
        &mut self,
        items: &mut Vec<Item<'c>>,
        reason: String,
        backoff: &mut Backoff,
    ) -> Result<Next, KafkaError> {
        self.health.set_stalled(Some(reason));
        let until = Instant::now() + backoff.next();
        loop {
            // Each time: a rebalance may have brought more partitions.
            self.pause();
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

    fn pause(&mut self) {
        self.is_paused = true;
        let paused = self.consumer.assignment().and_then(|partitions| self.consumer.pause(&partitions));
        if let Err(error) = paused {
            self.lines.group_warning("partitions cannot be paused", error);
        }
    }

    /// Fetches again, if it did not.
    fn resume(&mut self) {
        if !self.is_paused {
            return;
        }
        let resumed = self.consumer.assignment().and_then(|partitions| self.consumer.resume(&partitions));
        match resumed {
            Ok(()) => {
                self.is_paused = false;
                self.health.set_stalled(None);
                log::info!("messages are taken again");
            }
            // The next round tries again.
            Err(error) => self.lines.group_warning("partitions cannot be resumed", error),
        }
    }
}
