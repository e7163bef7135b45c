//! What is to be done about a message, and what became of it.

use gathering_domain::{
    ClusterId, EventOutcome, FailureReason, MessageOutcome, MessageRecord, OrganizationId, RequestEvent,
    RequestId, RequestKey,
};

use super::problem::Problem;
use super::warning::Warning;

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

    /// Takes note of what the store said of its event.
    pub(crate) fn decide(&mut self, outcome: EventOutcome) {
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

/// The ID as it may be shown.
pub(crate) fn shown(request: &str) -> String {
    FailureReason::new(request).into()
}

pub(crate) fn key(
    organization: Option<OrganizationId>,
    cluster: Option<ClusterId>,
    request: Option<&str>,
) -> Option<RequestKey> {
    let request: RequestId = request?.parse().ok()?;
    Some(RequestKey { organization: organization?, cluster: cluster?, request })
}
