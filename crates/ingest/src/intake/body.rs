//! Ingestion of a body in steps: each reads some messages and records them, so that a large body takes up little beside its
//! bytes and lets others in between.

use std::sync::Arc;

use gathering_domain::event::{EventKind, EventOutcome, RequestEvent};
use gathering_domain::intake::{
    BodyBytes, Framing, IntakeSummary, MessageBody, MessageOutcome, OutcomeCounts, Refusal, Tenant,
};
use gathering_domain::rule::RuleHit;
use gathering_domain::store::{EventSink, StoreError, StoreQueue};
use gathering_domain::time::Timestamp;
use gathering_support::FairSemaphore;
use tokio::task::spawn_blocking;

use super::counters::{RecordCounters, Source};
use super::recording::BATCH;
use crate::framing::lines::first_line;
use crate::message::error::MessageError;
use crate::message::parsed::{Disposition, ParsedMessage};
use crate::policy::IngestPolicy;

/// Bodies up to this size, in bytes, are read on the caller's thread, up to this many messages. That takes some tens of
/// microseconds; more would keep the thread from answering others.
const INLINE: usize = 16 * 1024;
const INLINE_MESSAGES: usize = 64;

/// How many messages a step reads at most. It also ends after this many bytes of messages, or of events made of them. A step
/// takes a few milliseconds.
const STEP_MESSAGES: usize = 4096;
const STEP_BYTES: usize = 1024 * 1024;

/// A body, how far it is read, and what became of its messages so far.
pub(crate) struct BodyIngestion<B> {
    body: Arc<MessageBody<B>>,
    policy: IngestPolicy,
    arrival: Timestamp,
    /// The offset of the next message; `None` after the last.
    next: Option<usize>,
    number: u64,
    summary: IntakeSummary,
}

/// What one step has read.
#[derive(Default)]
struct Step {
    /// The outcomes of messages without an event.
    counts: OutcomeCounts,
    refusals: Vec<Refusal>,
    /// The events to be recorded, and for each the number of its message and what is wrong with it.
    events: Vec<RequestEvent>,
    recorded: Vec<(u64, Option<MessageError>)>,
    /// The approximate size of the events, in bytes.
    weight: usize,
}

impl<B: BodyBytes> BodyIngestion<B> {
    pub(crate) fn new(body: MessageBody<B>, policy: IngestPolicy, arrival: Timestamp) -> Self {
        let summary = IntakeSummary::default();
        Self { body: Arc::new(body), policy, arrival, next: Some(0), number: 0, summary }
    }

    /// Ingests every message, unless nobody waits for the answer any more.
    pub(crate) async fn run(
        mut self,
        sink: &impl EventSink,
        counters: &RecordCounters,
        semaphore: &FairSemaphore<Tenant>,
        is_gone: impl Fn() -> bool,
    ) -> Result<IntakeSummary, StoreError> {
        if self.body.bytes.as_ref().len() <= INLINE {
            let step = self.read(INLINE_MESSAGES)?;
            self.record(step, sink, counters).await?;
        }
        while self.next.is_some() && !is_gone() {
            let permit = semaphore.acquire(self.policy.grant.tenant()).await;
            if is_gone() {
                break;
            }
            let work = move || {
                let step = self.read(STEP_MESSAGES);
                drop(permit);
                (self, step)
            };
            let (ingestion, step) = spawn_blocking(work).await.map_err(StoreError::defect)?;
            self = ingestion;
            self.record(step?, sink, counters).await?;
        }
        Ok(self.summary)
    }

    /// Reads and evaluates the next messages.
    ///
    /// # Errors
    /// When there is no memory left for their events.
    fn read(&mut self, messages: usize) -> Result<Step, StoreError> {
        let body = Arc::clone(&self.body);
        let (bytes, begin) = (body.bytes.as_ref(), self.next.unwrap_or_default());
        let (mut step, mut read, mut end) = (Step::default(), 0, begin);
        while let Some(start) = self.next
            && read < messages
            && step.events.len() < BATCH
            && (end - begin).max(step.weight) < STEP_BYTES
        {
            let rest = bytes.get(start..).unwrap_or_default();
            let message = match body.framing {
                Framing::One => rest,
                Framing::Lines => first_line(rest),
            };
            end = start + message.len();
            self.next = Some(end + 1).filter(|next| *next < bytes.len());
            if body.framing == Framing::One || !message.trim_ascii().is_empty() {
                read += 1;
                self.number += 1;
                self.evaluate(message, &mut step);
            }
        }
        // The events of usual messages are no larger than the messages.
        if body.bytes.reserve(step.weight.saturating_sub(end - begin)) {
            Ok(step)
        } else {
            Err(StoreError::QueueFull { queue: StoreQueue::Events, limit: step.events.len() })
        }
    }

    fn evaluate(&self, message: &[u8], step: &mut Step) {
        let ParsedMessage { disposition, .. } = self.policy.evaluate(self.body.kind, message, self.arrival);
        let mut refuse = |outcome, reason: &dyn ToString| {
            step.counts.add(outcome);
            self.refuse(&mut step.refusals, self.number, outcome, reason);
        };
        match disposition {
            Disposition::Stored(event) => step.push(self.number, event, None),
            Disposition::Failed(event, error) => step.push(self.number, event, Some(error)),
            Disposition::Skipped(reason) => refuse(MessageOutcome::Skipped, &reason),
            Disposition::Rejected(error) => refuse(MessageOutcome::Rejected, &error),
        }
    }

    /// Keeps the reason why a message is not stored, unless there are enough of them.
    fn refuse(
        &self,
        refusals: &mut Vec<Refusal>,
        number: u64,
        outcome: MessageOutcome,
        reason: &dyn ToString,
    ) {
        if self.summary.refusals.len() + refusals.len() < IntakeSummary::MAX_REFUSALS {
            refusals.push(Refusal { number, outcome, reason: reason.to_string() });
        }
    }

    /// Records the events of a step, and counts all of its messages.
    async fn record(
        &mut self,
        step: Step,
        sink: &impl EventSink,
        counters: &RecordCounters,
    ) -> Result<(), StoreError> {
        let Step { mut counts, mut refusals, events, recorded, .. } = step;
        let is_audited = self.body.bytes.is_audited();
        let keys: Vec<_> = events.iter().filter(|_| is_audited).map(|event| event.key.clone()).collect();
        let mut keys = keys.iter();
        let outcomes = if events.is_empty() { Vec::new() } else { sink.store(events).await? };
        let mut of_events = Vec::new();
        for ((number, error), outcome) in recorded.into_iter().zip(outcomes) {
            let (outcome, error) = match error {
                _ if outcome == EventOutcome::Refused => {
                    (MessageOutcome::Rejected, Some(MessageError::RefusedByDatabase))
                }
                None => (MessageOutcome::Stored, None),
                Some(error) => (MessageOutcome::Failed, Some(error)),
            };
            counts.add(outcome);
            if let Some(key) = keys.next() {
                self.body.bytes.written(key, outcome);
            }
            if let Some(error) = error {
                self.refuse(&mut of_events, number, outcome, &error);
            }
        }
        refusals.append(&mut of_events);
        refusals.sort_unstable_by_key(|refusal| refusal.number);
        let told = IntakeSummary::MAX_REFUSALS - self.summary.refusals.len();
        self.summary.refusals.extend(refusals.into_iter().take(told));
        self.summary.counts.add_all(counts);
        counters.add_all(Source::Http, self.body.kind, counts);
        Ok(())
    }
}

impl Step {
    fn push(&mut self, number: u64, event: RequestEvent, error: Option<MessageError>) {
        self.weight += weight(&event);
        self.events.push(event);
        self.recorded.push((number, error));
    }
}

/// The approximate size of an event in memory, in bytes.
fn weight(event: &RequestEvent) -> usize {
    /// The overhead of one allocation.
    const TEXT: usize = 16;
    let hit = |hit: &RuleHit| size_of::<RuleHit>() + TEXT + hit.as_str().len();
    let kind = match &event.kind {
        EventKind::Processed(hits) => hits.iter().map(hit).sum(),
        EventKind::Failed(reason) => TEXT + reason.as_str().len(),
        EventKind::Announced => 0,
    };
    size_of::<RequestEvent>() + TEXT + event.key.request.as_str().len() + kind
}

#[cfg(test)]
mod tests;
