//! From the bytes of one result message to what is to be done about it.

use gathering_domain::{
    ClusterId, EventKind, FailureReason, OrganizationId, RequestEvent, RequestId, RequestKey, RuleHit,
    Timestamp,
};

use crate::envelope::Envelope;
use crate::judgement::{Judgement, SkipReason, Verdict, Warning};
use crate::{Problem, report};

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
    let envelope = match Envelope::parse(document) {
        Ok(envelope) => envelope,
        Err(problem) => {
            return Judgement::unreadable(problem);
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
    let account = envelope.account().ok().flatten();
    Judgement { organization, account, cluster, request: request.as_deref().map(shown), verdict, warnings }
}

/// Everything that is not identity, in the order in which today's writer looks at it: an empty report is found before
/// an unusable `LastChecked` is.
fn content(
    envelope: &Envelope<'_>,
    arrival: Timestamp,
    warnings: &mut Vec<Warning>,
) -> Result<Vec<RuleHit>, Problem> {
    envelope.account()?;
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

/// The ID as it may be shown.
pub(crate) fn shown(request: &str) -> String {
    FailureReason::new(request).as_str().to_owned()
}

pub(crate) fn key(
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
