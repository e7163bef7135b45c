//! One way through a body: read, judged and recorded in steps, so that it takes up little beside its bytes and lets others in
//! between.

use std::sync::Arc;

use gathering_domain::{
    BodyBytes, EventKind, EventOutcome, EventSink, Framing, IntakeSummary, MessageBody, MessageOutcome,
    OutcomeCounts, Refusal, RequestEvent, RuleHit, StoreError, StoreQueue, Timestamp,
};
use tokio::task::spawn_blocking;

use super::counters::{RecordCounters, Source};
use super::recording::BATCH;
use super::turns::Turns;
use crate::framing::lines::first_line;
use crate::message::judgement::{Judgement, Verdict};
use crate::message::problem::Problem;
use crate::policy::Admission;

/// Bodies up to this size, in bytes, are read on the thread that calls, up to so many messages: some tens of microseconds.
/// What is more would keep it from answering others.
const INLINE: usize = 16 * 1024;
const INLINE_MESSAGES: usize = 64;

/// How many messages a step reads, and after how many bytes of them, or of what is to be recorded, it ends: a few
/// milliseconds.
const STEP_MESSAGES: usize = 4096;
const STEP_BYTES: usize = 1024 * 1024;

/// A body and how far it is read.
pub(crate) struct Pass<B> {
    body: Arc<MessageBody<B>>,
    admission: Admission,
    arrival: Timestamp,
    /// Where the next message begins; `None` behind the last.
    next: Option<usize>,
    number: u64,
    summary: IntakeSummary,
}

/// What was read in one go.
#[derive(Default)]
struct Step {
    /// What became of the messages that there is nothing to be recorded of.
    counts: OutcomeCounts,
    refusals: Vec<Refusal>,
    /// What is to be recorded, and of each the number of its message and what is wrong with it.
    events: Vec<RequestEvent>,
    recorded: Vec<(u64, Option<Problem>)>,
    /// What the events take up, in bytes.
    weight: usize,
}

impl<B: BodyBytes> Pass<B> {
    pub(crate) fn new(body: MessageBody<B>, admission: Admission, arrival: Timestamp) -> Self {
        let summary = IntakeSummary::default();
        Self { body: Arc::new(body), admission, arrival, next: Some(0), number: 0, summary }
    }

    /// Takes every message in, unless nobody waits for it any more.
    pub(crate) async fn run(
        mut self,
        sink: &impl EventSink,
        counters: &RecordCounters,
        turns: &Turns,
        is_gone: impl Fn() -> bool,
    ) -> Result<IntakeSummary, StoreError> {
        if self.body.bytes.as_ref().len() <= INLINE {
            let step = self.read(INLINE_MESSAGES)?;
            self.record(step, sink, counters).await?;
        }
        while self.next.is_some() && !is_gone() {
            let turn = turns.next(self.admission.grant.tenant()).await;
            if is_gone() {
                break;
            }
            let work = move || {
                let step = self.read(STEP_MESSAGES);
                drop(turn);
                (self, step)
            };
            let (pass, step) = spawn_blocking(work).await.map_err(StoreError::defect)?;
            self = pass;
            self.record(step?, sink, counters).await?;
        }
        Ok(self.summary)
    }

    /// Reads and judges what comes next.
    ///
    /// # Errors
    /// When there is no room for what it makes of it.
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
                self.judge(message, &mut step);
            }
        }
        // What is recorded of usual messages takes up no more than they do.
        if body.bytes.reserve(step.weight.saturating_sub(end - begin)) {
            Ok(step)
        } else {
            Err(StoreError::QueueFull { queue: StoreQueue::Events, limit: step.events.len() })
        }
    }

    fn judge(&self, message: &[u8], step: &mut Step) {
        let Judgement { verdict, .. } = self.admission.judge(self.body.kind, message, self.arrival);
        let mut refuse = |outcome, reason: &dyn ToString| {
            step.counts.add(outcome);
            self.refuse(&mut step.refusals, self.number, outcome, reason);
        };
        match verdict {
            Verdict::Stored(event) => step.push(self.number, event, None),
            Verdict::Failed(event, problem) => step.push(self.number, event, Some(problem)),
            Verdict::Skipped(reason) => refuse(MessageOutcome::Skipped, &reason),
            Verdict::Rejected(problem) => refuse(MessageOutcome::Rejected, &problem),
        }
    }

    /// Notes why a message is not stored, if that is going to be told.
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

    /// Records what is to be recorded of a step, and counts all of it.
    async fn record(
        &mut self,
        step: Step,
        sink: &impl EventSink,
        counters: &RecordCounters,
    ) -> Result<(), StoreError> {
        let Step { mut counts, mut refusals, events, recorded, .. } = step;
        let outcomes = if events.is_empty() { Vec::new() } else { sink.store(events).await? };
        let mut of_events = Vec::new();
        for ((number, problem), outcome) in recorded.into_iter().zip(outcomes) {
            let (outcome, problem) = match problem {
                _ if outcome == EventOutcome::Refused => {
                    (MessageOutcome::Rejected, Some(Problem::RefusedByDatabase))
                }
                None => (MessageOutcome::Stored, None),
                Some(problem) => (MessageOutcome::Failed, Some(problem)),
            };
            counts.add(outcome);
            if let Some(problem) = problem {
                self.refuse(&mut of_events, number, outcome, &problem);
            }
        }
        refusals.append(&mut of_events);
        refusals.sort_unstable_by_key(|refusal| refusal.number);
        let told = IntakeSummary::MAX_REFUSALS - self.summary.refusals.len();
        self.summary.refusals.extend(refusals.into_iter().take(told));
        self.summary.counts.add_all(counts);
        counters.add_all(Source::Http, counts);
        Ok(())
    }
}

impl Step {
    fn push(&mut self, number: u64, event: RequestEvent, problem: Option<Problem>) {
        self.weight += weight(&event);
        self.events.push(event);
        self.recorded.push((number, problem));
    }
}

/// About how many bytes an event takes up.
fn weight(event: &RequestEvent) -> usize {
    /// What the allocator adds to a text.
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
