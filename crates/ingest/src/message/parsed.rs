//! A parsed message and its disposition: what is to be done about it.

use gathering_domain::event::{EventOutcome, FailureReason, RequestEvent};
use gathering_domain::ids::{ClusterId, OrganizationId, RequestId, RequestKey};
use gathering_domain::intake::{MessageOutcome, MessageRecord};

use super::error::MessageError;
use super::warning::Warning;

/// A message, as far as it could be read, and what is to be done about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParsedMessage {
    /// The organization that owns the cluster.
    pub organization: Option<OrganizationId>,
    /// The account number. It is only passed on to the payload tracker.
    pub account: Option<u32>,
    /// The cluster that was analysed.
    pub cluster: Option<ClusterId>,
    /// The request ID as the message spells it, usable or not: at most 500 characters, none of them a control character.
    pub request: Option<String>,
    /// What is to be done about it.
    pub disposition: Disposition,
    /// Oddities that are no reason to refuse it; at most eleven.
    pub warnings: Vec<Warning>,
}

/// What is to be done about a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Disposition {
    /// The message is good. Its event is to be recorded.
    Stored(RequestEvent),
    /// The request is known but its content is not usable. The event to be recorded says that the request failed.
    Failed(RequestEvent, MessageError),
    /// Nobody could ever ask for the request. The message is only counted.
    Skipped(SkipReason),
    /// The message is not usable and its request is not known, or it is not allowed.
    Rejected(MessageError),
}

/// Why a message is skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SkipReason {
    #[error("the message has no request ID")]
    NoRequestId,
    #[error(
        "the request ID is not 1 to 128 ASCII letters, digits or hyphens, with no hyphen at its start, so nobody can ask for it"
    )]
    UnusableRequestId,
    #[error("the identity in the announcement names no cluster")]
    NoCluster,
    /// The announcement is for another service of the platform.
    #[error("the announcement is for another service")]
    OtherService,
}

impl ParsedMessage {
    /// A message of which nothing can be read.
    pub(crate) const fn unreadable(error: MessageError) -> Self {
        Self {
            organization: None,
            account: None,
            cluster: None,
            request: None,
            disposition: Disposition::Rejected(error),
            warnings: Vec::new(),
        }
    }

    /// Whether the message is to be kept as a dead letter. All refused ones are, except for empty reports: sending
    /// those again would not help.
    pub const fn is_dead_letter(&self) -> bool {
        match self.disposition {
            Disposition::Rejected(_) => true,
            Disposition::Failed(_, error) => !matches!(error, MessageError::EmptyReport),
            Disposition::Stored(_) | Disposition::Skipped(_) => false,
        }
    }

    /// The outcome of the message once its event, if it has one, is recorded.
    pub fn record(&self) -> MessageRecord {
        let reason = match &self.disposition {
            Disposition::Stored(_) => None,
            Disposition::Failed(_, error) | Disposition::Rejected(error) => Some(error.to_string()),
            Disposition::Skipped(reason) => Some(reason.to_string()),
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
        match &self.disposition {
            Disposition::Stored(_) => MessageOutcome::Stored,
            Disposition::Failed(..) => MessageOutcome::Failed,
            Disposition::Skipped(_) => MessageOutcome::Skipped,
            Disposition::Rejected(_) => MessageOutcome::Rejected,
        }
    }

    /// Applies what the store did with the event.
    pub(crate) fn apply(&mut self, outcome: EventOutcome) {
        if outcome == EventOutcome::Refused {
            self.disposition = Disposition::Rejected(MessageError::RefusedByDatabase);
        }
    }

    pub(crate) const fn event(&self) -> Option<&RequestEvent> {
        match &self.disposition {
            Disposition::Stored(event) | Disposition::Failed(event, _) => Some(event),
            Disposition::Skipped(_) | Disposition::Rejected(_) => None,
        }
    }
}

/// A request ID that can be stored and logged, whatever the message holds.
pub(crate) fn printable(request: &str) -> String {
    FailureReason::new(request).into()
}

/// The key of the request, if all of it is known and usable.
pub(crate) fn request_key(
    organization: Option<OrganizationId>,
    cluster: Option<ClusterId>,
    request: Option<&str>,
) -> Option<RequestKey> {
    let request: RequestId = request?.parse().ok()?;
    Some(RequestKey { organization: organization?, cluster: cluster?, request })
}
