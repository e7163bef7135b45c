//! Messages as publishers write them, for the demo and for whoever tests against the service. What is written here is read by
//! `message` and `announcement`.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gathering_domain::ids::RequestKey;
use gathering_domain::rule::RuleHit;
use gathering_domain::time::Timestamp;
use serde_json::{Value, json};

use crate::announcement::SERVICE;

/// The result of an analysis. As text it is one line of JSON.
#[derive(Debug, Clone)]
pub struct SampleResult {
    /// Which request was analysed.
    pub key: RequestKey,
    /// When the cluster gathered its data.
    pub gathered_at: Timestamp,
    /// When the analysis ended.
    pub checked_at: Timestamp,
    /// What it found; `None` for an analysis that failed, whose report is empty.
    pub hits: Option<Vec<RuleHit>>,
}

impl SampleResult {
    fn report(&self) -> Value {
        let Some(hits) = &self.hits else { return json!({}) };
        let element = |hit: &RuleHit| {
            let component = format!("{}.report", hit.module());
            json!({"component": component, "key": hit.error_key(), "type": "rule", "details": {}})
        };
        json!({
            "system": {"metadata": {}, "hostname": null},
            "fingerprints": [],
            "reports": hits.iter().map(element).collect::<Vec<_>>(),
            "info": [],
            "skips": []
        })
    }
}

impl fmt::Display for SampleResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message = json!({
            "OrgID": self.key.organization.get(),
            "AccountNumber": 1,
            "ClusterName": self.key.cluster.to_string(),
            "RequestId": self.key.request.as_str(),
            "LastChecked": self.checked_at.to_string(),
            "Version": 2,
            "Metadata": {"gathering_time": self.gathered_at.to_string()},
            "Report": self.report()
        });
        message.fmt(f)
    }
}

/// The announcement of an upload. As text it is one line of JSON.
#[derive(Debug, Clone)]
pub struct SampleAnnouncement {
    /// Which request was uploaded.
    pub key: RequestKey,
    /// When the cluster gathered its data.
    pub gathered_at: Timestamp,
}

impl fmt::Display for SampleAnnouncement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let organization = self.key.organization.to_string();
        let identity = json!({"identity": {
            "org_id": organization,
            "internal": {"org_id": organization},
            "type": "System",
            "auth_type": "cert-auth",
            "system": {"cluster_id": self.key.cluster.to_string()}
        }});
        let time = self.gathered_at.to_string();
        let message = json!({
            "service": SERVICE,
            "request_id": self.key.request.as_str(),
            "b64_identity": STANDARD.encode(identity.to_string()),
            "metadata": {"custom_metadata": {"gathering_time": time}},
            "timestamp": time
        });
        message.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use gathering_domain::event::{EventKind, RequestEvent};

    use super::*;
    use crate::{Disposition, parse_announcement, parse_result};

    const CLUSTER: &str = "5d5892d3-1f74-4ccf-91af-548dfc9767aa";

    fn key() -> RequestKey {
        RequestKey::parse("4294967295", CLUSTER, "a-1").unwrap()
    }

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn sample(hits: Option<&[&str]>) -> SampleResult {
        let hits = hits.map(|hits| hits.iter().map(|hit| hit.parse().unwrap()).collect());
        let (gathered_at, checked_at) = (time("2026-03-01T11:29:00Z"), time("2026-03-01T11:30:00.5Z"));
        SampleResult { key: key(), gathered_at, checked_at, hits }
    }

    #[test]
    fn a_sample_is_read_as_it_was_meant() {
        for hits in [&[][..], &["rules.a|KEY"], &["rules.odd.report|K.1", "a|B"]] {
            let text = sample(Some(hits)).to_string();
            assert!(!text.contains('\n'));
            let parsed = parse_result(text.as_bytes(), time("2026-03-01T12:00:00Z"));
            let kind = EventKind::Processed(hits.iter().map(|hit| hit.parse().unwrap()).collect());
            let event = RequestEvent { key: key(), received_at: time("2026-03-01T11:29:00Z"), kind };
            assert_eq!(parsed.disposition, Disposition::Stored(event));
            assert!(parsed.warnings.is_empty(), "{:?}", parsed.warnings);
        }
    }

    #[test]
    fn one_without_hits_of_a_failed_analysis_is_recorded_as_failed() {
        let parsed = parse_result(sample(None).to_string().as_bytes(), time("2026-03-01T12:00:00Z"));
        assert!(matches!(parsed.disposition, Disposition::Failed(..)), "{parsed:?}");
    }

    #[test]
    fn an_announcement_is_read_as_it_was_meant() {
        let gathered_at = time("2026-03-01T11:29:00Z");
        let text = SampleAnnouncement { key: key(), gathered_at }.to_string();
        let parsed = parse_announcement(text.as_bytes(), time("2026-03-01T12:00:00Z"));
        let event = RequestEvent { key: key(), received_at: gathered_at, kind: EventKind::Announced };
        assert_eq!(parsed.disposition, Disposition::Stored(event));
    }
}
