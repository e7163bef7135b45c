//! What the demo has recorded: every state, and hits of every risk, spread over the time that requests are kept.

use std::time::Duration;

use gathering_domain::ids::{IdError, RequestKey};
use gathering_domain::rule::RuleHit;
use gathering_domain::time::Timestamp;
use gathering_ingest::SampleResult;

use crate::ServerError;

/// The organization of the demo's token, and another one.
pub(super) const ORGANIZATION: &str = "42";
pub(super) const OTHER_ORGANIZATION: &str = "43";

/// A cluster with requests in every state.
pub(super) const CLUSTER: &str = "3f0a1c52-8a0e-4c3b-9a57-6d1f0c2b7e11";
/// One that is mostly well.
pub(super) const QUIET_CLUSTER: &str = "b7c2d9e4-51f3-4b06-8e2a-0c94aa6f3d22";
/// One whose last request fails.
const FAILING_CLUSTER: &str = "5c88e0b7-3d15-49ab-b2c6-71f4a90d6e33";
/// One that is known still, though its requests have expired.
const SILENT_CLUSTER: &str = "e1946f2d-7ab8-4d70-a5f1-92c3b60e8d44";
/// One of the other organization.
pub(super) const FOREIGN_CLUSTER: &str = "9d27b4a6-06ce-4f8b-8c1d-35e2f7d91a55";

/// Requests of the first cluster that can be asked for.
pub(super) const PROCESSED: &str = "demo0000000000000000000001";
pub(super) const FAILED: &str = "demo0000000000000000000004";
pub(super) const RECEIVED: &str = "demo0000000000000000000005";

/// Hits of risk 1 to 4, and one that the rule content does not know.
const LOW: &str = "demo_rules.internal.certificate_age|CERTIFICATE_EXPIRES_SOON";
const MODERATE: &str = "demo_rules.external.memory_pressure|NODE_MEMORY_LOW";
const IMPORTANT: &str = "demo_rules.external.storage.registry_volume|REGISTRY_WITHOUT_VOLUME";
const CRITICAL: &str = "demo_rules.external.memory_pressure|NODE_MEMORY_EXHAUSTED";
const UNKNOWN: &str = "demo_rules.external.node_clock|NODE_CLOCK_SKEW";
const ALL: &[&str] = &[MODERATE, IMPORTANT, CRITICAL, LOW];

/// What became of a request.
#[derive(Clone, Copy)]
enum Outcome {
    Received,
    Failed,
    Processed(&'static [&'static str]),
}
use Outcome::{Failed, Processed, Received};

/// One request: whose it is, how long ago it was last changed, in thousandths of the retention time, how many seconds the
/// pipeline took, and what became of it.
struct Row(&'static str, &'static str, u32, u64, Outcome);

/// The IDs of the requests are those of the rows.
const ROWS: &[Row] = &[
    Row(ORGANIZATION, CLUSTER, 42, 52, Processed(ALL)),
    Row(ORGANIZATION, CLUSTER, 210, 48, Processed(&[IMPORTANT])),
    Row(ORGANIZATION, CLUSTER, 405, 44, Processed(&[])),
    Row(ORGANIZATION, CLUSTER, 118, 75, Failed),
    Row(ORGANIZATION, CLUSTER, 0, 20, Received),
    Row(ORGANIZATION, CLUSTER, 7, 61, Processed(&[CRITICAL, MODERATE])),
    Row(ORGANIZATION, CLUSTER, 163, 58, Processed(&[MODERATE, UNKNOWN])),
    Row(ORGANIZATION, CLUSTER, 288, 340, Processed(&[LOW])),
    Row(ORGANIZATION, CLUSTER, 352, 66, Processed(&[IMPORTANT, LOW])),
    Row(ORGANIZATION, CLUSTER, 481, 51, Processed(&[])),
    Row(ORGANIZATION, CLUSTER, 560, 905, Failed),
    Row(ORGANIZATION, CLUSTER, 566, 39, Processed(&[])),
    Row(ORGANIZATION, CLUSTER, 655, 57, Processed(&[UNKNOWN])),
    Row(ORGANIZATION, CLUSTER, 742, 46, Processed(&[MODERATE])),
    Row(ORGANIZATION, CLUSTER, 837, 1260, Processed(&[MODERATE, LOW])),
    Row(ORGANIZATION, CLUSTER, 921, 49, Processed(&[])),
    Row(ORGANIZATION, CLUSTER, 988, 55, Processed(&[LOW])),
    Row(ORGANIZATION, QUIET_CLUSTER, 85, 43, Processed(&[LOW])),
    Row(ORGANIZATION, QUIET_CLUSTER, 418, 47, Processed(&[])),
    Row(ORGANIZATION, QUIET_CLUSTER, 751, 45, Processed(&[])),
    Row(ORGANIZATION, FAILING_CLUSTER, 31, 70, Failed),
    Row(ORGANIZATION, FAILING_CLUSTER, 72, 68, Failed),
    Row(ORGANIZATION, FAILING_CLUSTER, 509, 53, Processed(&[CRITICAL])),
    Row(ORGANIZATION, SILENT_CLUSTER, 1050, 50, Processed(&[MODERATE])),
    Row(OTHER_ORGANIZATION, FOREIGN_CLUSTER, 128, 54, Processed(&[MODERATE, LOW])),
    Row(OTHER_ORGANIZATION, FOREIGN_CLUSTER, 633, 59, Failed),
];

/// An ID of the demo's data cannot be read.
pub(super) fn broken(error: IdError) -> ServerError {
    ServerError::system("the demo's data is broken")(error)
}

/// A request that the demo has recorded.
pub(super) struct DemoRequest {
    pub(super) key: RequestKey,
    /// When it was last changed.
    pub(super) changed_at: Timestamp,
    pub(super) gathered_at: Timestamp,
    /// The message that its analysis ended with; `None` for one whose result is yet to come.
    pub(super) result: Option<SampleResult>,
}

/// Every request, the one first that was changed first.
pub(super) fn requests(now: Timestamp, retention: Duration) -> Result<Vec<DemoRequest>, IdError> {
    let mut requests = Vec::with_capacity(ROWS.len());
    for (Row(organization, cluster, age, took, outcome), number) in ROWS.iter().zip(1..) {
        let key = RequestKey::parse(organization, cluster, &format!("demo{number:022}"))?;
        let changed_at = now.saturating_sub(retention * *age / 1000);
        let gathered_at = changed_at.saturating_sub(Duration::from_secs(*took));
        let hits = match outcome {
            Received => None,
            Failed => Some(None),
            Processed(hits) => Some(Some(hits_of(hits))),
        };
        let result = hits.map(|hits| result_of(&key, gathered_at, changed_at, hits));
        requests.push(DemoRequest { key, changed_at, gathered_at, result });
    }
    requests.sort_by_key(|request| request.changed_at);
    Ok(requests)
}

/// The result that is yet to come.
pub(super) fn outstanding_result(now: Timestamp) -> Result<SampleResult, IdError> {
    let key = RequestKey::parse(ORGANIZATION, CLUSTER, RECEIVED)?;
    Ok(result_of(&key, now, now, Some(hits_of(&[CRITICAL, LOW]))))
}

fn result_of(
    key: &RequestKey,
    gathered_at: Timestamp,
    checked_at: Timestamp,
    hits: Option<Vec<RuleHit>>,
) -> SampleResult {
    SampleResult { key: key.clone(), gathered_at, checked_at, hits }
}

fn hits_of(hits: &[&str]) -> Vec<RuleHit> {
    hits.iter().filter_map(|hit| hit.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_requests_that_are_shown_are_there_and_the_oldest_come_first() {
        let now = Timestamp::from_micros(1_772_370_000_000_000);
        let requests = requests(now, Duration::from_secs(86_400)).unwrap();
        assert!(requests.is_sorted_by_key(|request| request.changed_at));
        let found = |id: &str| {
            let key = RequestKey::parse(ORGANIZATION, CLUSTER, id).unwrap();
            let request = requests.iter().find(|request| request.key == key).unwrap();
            request.result.as_ref().map(|result| result.hits.as_ref().map(Vec::len))
        };
        assert_eq!([found(PROCESSED), found(FAILED), found(RECEIVED)], [Some(Some(4)), Some(None), None]);
        for hit in ALL.iter().chain([&UNKNOWN]) {
            assert!(hit.parse::<RuleHit>().is_ok(), "{hit}");
        }
    }
}
