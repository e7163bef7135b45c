//! What is to be done about a message, and what became of it.

use gathering_domain::{
    ClusterId, EventOutcome, EventSink, FailureReason, MessageOutcome, MessageRecord, OrderedEventSink,
    OrganizationId, RequestEvent, StoreError,
};

use crate::Problem;
use crate::report::{MAX_HITS, MAX_HITS_LENGTH};

/// What one message is, as far as it could be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// Whose message it is.
    pub organization: Option<OrganizationId>,
    /// Its account number. Nothing depends on it; the payload tracker is told of it.
    pub account: Option<u32>,
    /// Which cluster it is about.
    pub cluster: Option<ClusterId>,
    /// Its request ID as it spells it, usable or not, without control characters and within 500 characters.
    pub request: Option<String>,
    /// What is to be done about it.
    pub verdict: Verdict,
    /// What is odd about it without being a reason to refuse it, a few at most.
    pub warnings: Vec<Warning>,
}

/// What is to be done about a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// A good one: record the event.
    Stored(RequestEvent),
    /// Its request is known and its content is not usable: record the event, which says that it failed.
    Failed(RequestEvent, Problem),
    /// Nobody could ever ask for it: count it, nothing else.
    Skipped(SkipReason),
    /// Not usable and nobody knows whose it is, or not allowed.
    Rejected(Problem),
}

/// Why a message is skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SkipReason {
    /// It has no request ID.
    #[error("the message has no request ID")]
    NoRequestId,
    /// Its request ID is none that a client can ask for.
    #[error("the request ID is not 1 to 128 ASCII letters or digits, so nobody can ask for it")]
    UnusableRequestId,
    /// It is an announcement and does not say which cluster it is about.
    #[error("the identity in the announcement names no cluster")]
    NoCluster,
    /// It is an announcement for another service of the platform.
    #[error("the announcement is for another service")]
    OtherService,
}

/// What is odd about a message that is taken nevertheless.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Warning {
    /// A hit that no rule can have; it is left out.
    #[error("the hit '{0}' has characters that no rule has and is left out")]
    DroppedHit(FailureReason),
    /// Hits beyond the most that a message may have.
    #[error("{0} hits are left out: a message has at most {MAX_HITS}, of {MAX_HITS_LENGTH} bytes together")]
    TooManyHits(u64),
    /// More of what is odd than is told.
    #[error("{0} more warnings about this message are left out")]
    More(u64),
    /// A schema version that this reader was not written for.
    #[error("the schema version {0} is unknown")]
    UnknownVersion(u8),
    /// `LastChecked` is yet to come.
    #[error("LastChecked is in the future")]
    FutureLastChecked,
}

impl Warning {
    pub(crate) fn dropped_hit(text: &str) -> Self {
        Self::DroppedHit(FailureReason::new(text))
    }
}

/// What is odd about one message, as it is found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Warnings {
    told: Vec<Warning>,
    left_out: u64,
}

impl Warnings {
    /// How many are told: a message can be odd in as many ways as it has bytes.
    const MOST: usize = 10;

    pub(crate) fn push(&mut self, warning: Warning) {
        if self.told.len() < Self::MOST {
            self.told.push(warning);
        } else {
            self.left_out += 1;
        }
    }

    /// A hit that is left out. Its text is taken only if it is told of.
    pub(crate) fn push_dropped_hit(&mut self, text: &str) {
        if self.told.len() < Self::MOST {
            self.told.push(Warning::dropped_hit(text));
        } else {
            self.left_out += 1;
        }
    }

    pub(crate) fn append(&mut self, others: Self) {
        self.left_out += others.left_out;
        for warning in others.told {
            self.push(warning);
        }
    }
}

impl From<Warnings> for Vec<Warning> {
    fn from(warnings: Warnings) -> Self {
        let Warnings { mut told, left_out } = warnings;
        if left_out > 0 {
            told.push(Warning::More(left_out));
        }
        told
    }
}

impl Judgement {
    /// Of a message of which nothing can be read.
    pub(crate) const fn unreadable(problem: Problem) -> Self {
        Self {
            organization: None,
            account: None,
            cluster: None,
            request: None,
            verdict: Verdict::Rejected(problem),
            warnings: Vec::new(),
        }
    }

    /// Whether the message belongs to the dead letters: all that are refused, but for empty reports, of which no
    /// sender could make anything better.
    pub const fn is_dead_letter(&self) -> bool {
        match self.verdict {
            Verdict::Rejected(_) => true,
            Verdict::Failed(_, problem) => !matches!(problem, Problem::EmptyReport),
            Verdict::Stored(_) | Verdict::Skipped(_) => false,
        }
    }

    /// What becomes of the message once its event, if any, is recorded.
    pub fn record(&self) -> MessageRecord {
        let reason = match &self.verdict {
            Verdict::Stored(_) => None,
            Verdict::Failed(_, problem) | Verdict::Rejected(problem) => Some(problem.to_string()),
            Verdict::Skipped(reason) => Some(reason.to_string()),
        };
        MessageRecord {
            outcome: self.outcome(),
            organization: self.organization,
            cluster: self.cluster,
            request: self.request.clone(),
            reason,
        }
    }

    pub(crate) const fn outcome(&self) -> MessageOutcome {
        match &self.verdict {
            Verdict::Stored(_) => MessageOutcome::Stored,
            Verdict::Failed(..) => MessageOutcome::Failed,
            Verdict::Skipped(_) => MessageOutcome::Skipped,
            Verdict::Rejected(_) => MessageOutcome::Rejected,
        }
    }

    fn decide(&mut self, outcome: EventOutcome) {
        if outcome == EventOutcome::Refused {
            self.verdict = Verdict::Rejected(Problem::RefusedByDatabase);
        }
    }

    pub(crate) const fn event(&self) -> Option<&RequestEvent> {
        match &self.verdict {
            Verdict::Stored(event) | Verdict::Failed(event, _) => Some(event),
            Verdict::Skipped(_) | Verdict::Rejected(_) => None,
        }
    }
}

/// Records the events of all these messages, in order. Messages whose event the store refuses are rejected.
///
/// # Errors
/// When the store takes nothing at the moment; the judgements are as they were.
pub(crate) async fn store(
    sink: &impl EventSink,
    judgements: impl IntoIterator<Item = &mut Judgement>,
) -> Result<(), StoreError> {
    let mut with_event: Vec<&mut Judgement> =
        judgements.into_iter().filter(|judgement| judgement.event().is_some()).collect();
    let events: Vec<RequestEvent> =
        with_event.iter().filter_map(|judgement| judgement.event().cloned()).collect();
    if events.is_empty() {
        return Ok(());
    }
    let outcomes = sink.store(events).await?;
    for (judgement, outcome) in with_event.iter_mut().zip(outcomes) {
        judgement.decide(outcome);
    }
    Ok(())
}

/// Records the events of all these messages, in order, and says beside each why its event is not recorded, if it is not. Messages
/// whose event the store refuses are rejected.
pub(crate) async fn store_each<'j>(
    sink: &impl OrderedEventSink,
    judgements: impl IntoIterator<Item = (&'j mut Judgement, &'j mut Option<StoreError>)>,
) {
    let (mut with_event, mut events) = (Vec::new(), Vec::new());
    for (judgement, error) in judgements {
        if let Some(event) = judgement.event() {
            events.push(event.clone());
            with_event.push((judgement, error));
        }
    }
    if events.is_empty() {
        return;
    }
    let outcomes = sink.store_each(events).await;
    for ((judgement, error), outcome) in with_event.into_iter().zip(outcomes) {
        match outcome {
            Ok(outcome) => {
                *error = None;
                judgement.decide(outcome);
            }
            Err(reason) => *error = Some(reason),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
