//! From the bytes of one result message to what is to be done about it.

use gathering_domain::{EventKind, FailureReason, RequestEvent, RuleHit, Timestamp};

use super::envelope::Envelope;
use super::judgement::{Judgement, SkipReason, Verdict, key, shown};
use super::problem::Problem;
use super::warning::{Warning, Warnings};

/// Schema versions that publishers write; 0 stands for none.
const KNOWN_VERSIONS: std::ops::RangeInclusive<u8> = 0..=2;

/// Reads one result message that arrived at this time.
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
    let mut envelope = match Envelope::parse(document) {
        Ok(envelope) => envelope,
        Err(problem) => {
            return Judgement::unreadable(problem);
        }
    };
    let mut warnings = Warnings::default();
    let organization = envelope.organization();
    let cluster = envelope.cluster();
    let request = envelope.request();
    let (account, times) = (envelope.account(), Times::of(&envelope));
    let content = organization
        .and(cluster)
        .and(request.as_ref().map(|_| ()).map_err(|problem| *problem))
        .and(account)
        .and_then(|_| content(&mut envelope, &times, arrival, &mut warnings));

    let (organization, cluster, request) = (organization.ok(), cluster.ok(), request.ok().flatten());
    let key = key(organization, cluster, request.as_deref());
    let event = |key, kind| RequestEvent { key, received_at: times.received_at(arrival), kind };
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
    let account = account.ok().flatten();
    let (request, warnings) = (request.as_deref().map(shown), warnings.into());
    Judgement { organization, account, cluster, request, verdict, warnings }
}

/// When things happened, as far as the message says so.
struct Times {
    gathering: Result<Option<Timestamp>, Problem>,
    last_checked: Result<Timestamp, Problem>,
}

impl Times {
    fn of(envelope: &Envelope<'_>) -> Self {
        Self { gathering: envelope.gathering_time(), last_checked: envelope.last_checked() }
    }

    fn received_at(&self, arrival: Timestamp) -> Timestamp {
        let gathered = self.gathering.ok().flatten();
        gathered.or(self.last_checked.ok()).unwrap_or(arrival)
    }
}

/// What is neither identity nor account, in the order in which today's writer looks at it: an empty report is found
/// before an unusable `LastChecked` is.
fn content(
    envelope: &mut Envelope<'_>,
    times: &Times,
    arrival: Timestamp,
    warnings: &mut Warnings,
) -> Result<Vec<RuleHit>, Problem> {
    let version = envelope.version()?.unwrap_or_default();
    times.gathering?;
    let hits = envelope.take_hits(warnings)?;
    if !KNOWN_VERSIONS.contains(&version) {
        warnings.push(Warning::UnknownVersion(version));
    }
    if times.last_checked? > arrival {
        warnings.push(Warning::FutureLastChecked);
    }
    Ok(hits)
}

#[cfg(test)]
mod tests;
