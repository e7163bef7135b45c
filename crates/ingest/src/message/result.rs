//! Parsing one result message: from its bytes to its disposition.

use gathering_domain::event::{EventKind, FailureReason, RequestEvent};
use gathering_domain::rule::RuleHit;
use gathering_domain::time::Timestamp;

use super::envelope::Envelope;
use super::error::MessageError;
use super::parsed::{Disposition, ParsedMessage, SkipReason, printable, request_key};
use super::warning::{Warning, Warnings};

/// Schema versions that publishers write; 0 stands for none.
const KNOWN_VERSIONS: std::ops::RangeInclusive<u8> = 0..=2;

/// Parses one result message that arrived at this time. One that cannot be used is no error: its disposition says why.
///
/// ```
/// use gathering_domain::time::Timestamp;
/// use gathering_ingest::{Disposition, parse_result};
/// let message = br#"{
///     "OrgID": 42, "ClusterName": "5d5892d3-1f74-4ccf-91af-548dfc9767aa", "RequestId": "abc",
///     "LastChecked": "2026-01-02T03:04:05Z",
///     "Report": {"system": {}, "fingerprints": [], "reports": [{"component": "m.rule.report", "key": "KEY"}]}
/// }"#;
/// let parsed = parse_result(message, Timestamp::from_micros(0));
/// assert!(matches!(parsed.disposition, Disposition::Stored(_)));
/// ```
pub fn parse_result(document: &[u8], arrival: Timestamp) -> ParsedMessage {
    let mut envelope = match Envelope::parse(document) {
        Ok(envelope) => envelope,
        Err(error) => return ParsedMessage::unreadable(error),
    };
    let mut warnings = Warnings::default();
    let organization = envelope.organization();
    let cluster = envelope.cluster();
    let request = envelope.request();
    let (account, times) = (envelope.account(), Times::of(&envelope));
    let content = organization
        .and(cluster)
        .and(request.as_ref().map(|_| ()).map_err(|error| *error))
        .and(account)
        .and_then(|_| content(&mut envelope, &times, arrival, &mut warnings));

    let (organization, cluster, request) = (organization.ok(), cluster.ok(), request.ok().flatten());
    let key = request_key(organization, cluster, request.as_deref());
    let event = |key, kind| RequestEvent { key, received_at: times.received_at(arrival), kind };
    let disposition = match (content, key) {
        (Ok(hits), Some(key)) => Disposition::Stored(event(key, EventKind::Processed(hits))),
        (Err(error), Some(key)) => {
            let reason = FailureReason::new(&error.to_string());
            Disposition::Failed(event(key, EventKind::Failed(reason)), error)
        }
        (Ok(_) | Err(MessageError::EmptyReport), None) => Disposition::Skipped(match request {
            None => SkipReason::NoRequestId,
            Some(_) => SkipReason::UnusableRequestId,
        }),
        (Err(error), None) => Disposition::Rejected(error),
    };
    let account = account.ok().flatten();
    let (request, warnings) = (request.as_deref().map(printable), warnings.into());
    ParsedMessage { organization, account, cluster, request, disposition, warnings }
}

/// The times that the message gives, each with what is wrong with it.
struct Times {
    gathering: Result<Option<Timestamp>, MessageError>,
    last_checked: Result<Timestamp, MessageError>,
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

/// Checks what is neither identity nor account, in the order of today's writer: it finds an empty report before an
/// unusable `LastChecked`. Returns the hits.
fn content(
    envelope: &mut Envelope<'_>,
    times: &Times,
    arrival: Timestamp,
    warnings: &mut Warnings,
) -> Result<Vec<RuleHit>, MessageError> {
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
