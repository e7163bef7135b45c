//! From the bytes of one result message to what is to be done about it.

use gathering_domain::{
    ClusterId, EventKind, FailureReason, OrganizationId, RequestEvent, RequestId, RequestKey, RuleHit,
    Timestamp,
};

use crate::envelope::Envelope;
use crate::{Problem, report};

/// What one message is, as far as it could be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// Whose message it is.
    pub organization: Option<OrganizationId>,
    /// Which cluster it is about.
    pub cluster: Option<ClusterId>,
    /// Its request ID as it spells it, usable or not, without control characters and within 500 characters.
    pub request: Option<String>,
    /// What is to be done about it.
    pub verdict: Verdict,
    /// What is odd about it without being a reason to refuse it.
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
    /// Not usable, and nobody knows whose it is.
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
}

/// What is odd about a message that is taken nevertheless.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Warning {
    /// A hit that no rule can have; it is left out.
    #[error("the hit '{0}' has characters that no rule has and is left out")]
    DroppedHit(FailureReason),
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

/// Schema versions that publishers write; 0 stands for none.
const KNOWN_VERSIONS: std::ops::RangeInclusive<u8> = 0..=2;

/// Reads one message that arrived at this time.
///
/// ```
/// use gathering_domain::Timestamp;
/// use gathering_ingest::{Verdict, judge};
/// let message = br#"{
///     "OrgID": 42, "ClusterName": "5d5892d3-1f74-4ccf-91af-548dfc9767aa", "RequestId": "abc",
///     "LastChecked": "2026-01-02T03:04:05Z",
///     "Report": {"system": {}, "fingerprints": [], "reports": [{"component": "m.rule.report", "key": "KEY"}]}
/// }"#;
/// let judgement = judge(message, Timestamp::from_micros(0));
/// assert!(matches!(judgement.verdict, Verdict::Stored(_)));
/// ```
pub fn judge(document: &[u8], arrival: Timestamp) -> Judgement {
    let envelope = match Envelope::parse(document) {
        Ok(envelope) => envelope,
        Err(problem) => {
            return Judgement {
                organization: None,
                cluster: None,
                request: None,
                verdict: Verdict::Rejected(problem),
                warnings: Vec::new(),
            };
        }
    };
    let mut warnings = Vec::new();
    let organization = envelope.organization();
    let cluster = envelope.cluster();
    let request = envelope.request();
    let content = organization
        .and(cluster)
        .and(request.as_ref().map(|_| ()).map_err(|problem| *problem))
        .and_then(|()| content(&envelope, arrival, &mut warnings));

    let (organization, cluster, request) = (organization.ok(), cluster.ok(), request.ok().flatten());
    let key = key(organization, cluster, request.as_deref());
    let received_at = || {
        let gathered = envelope.gathering_time().ok().flatten();
        gathered.or_else(|| envelope.last_checked().ok()).unwrap_or(arrival)
    };
    let event = |key, kind| RequestEvent { key, received_at: received_at(), kind };
    let verdict = match (content, key) {
        (Ok(hits), Some(key)) => Verdict::Stored(event(key, EventKind::Processed(hits))),
        (Err(problem), Some(key)) => {
            let reason = FailureReason::new(&problem.to_string());
            Verdict::Failed(event(key, EventKind::Failed(reason)), problem)
        }
        (Ok(_) | Err(Problem::EmptyReport), None) => Verdict::Skipped(match request {
            None => SkipReason::NoRequestId,
            Some(_) => SkipReason::UnusableRequestId,
        }),
        (Err(problem), None) => Verdict::Rejected(problem),
    };
    let request = request.map(|text| FailureReason::new(&text).as_str().to_owned());
    Judgement { organization, cluster, request, verdict, warnings }
}

/// Everything that is not identity, in the order in which today's writer looks at it: an empty report is found before
/// an unusable `LastChecked` is.
fn content(
    envelope: &Envelope<'_>,
    arrival: Timestamp,
    warnings: &mut Vec<Warning>,
) -> Result<Vec<RuleHit>, Problem> {
    envelope.check_account()?;
    let version = envelope.version()?.unwrap_or_default();
    envelope.gathering_time()?;
    let hits = report::hits(&envelope.report()?, warnings)?;
    if !KNOWN_VERSIONS.contains(&version) {
        warnings.push(Warning::UnknownVersion(version));
    }
    if envelope.last_checked()? > arrival {
        warnings.push(Warning::FutureLastChecked);
    }
    Ok(hits)
}

fn key(
    organization: Option<OrganizationId>,
    cluster: Option<ClusterId>,
    request: Option<&str>,
) -> Option<RequestKey> {
    let request: RequestId = request?.parse().ok()?;
    Some(RequestKey { organization: organization?, cluster: cluster?, request })
}

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;
