//! The body that says what the analysis of a request found.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::event::FailureReason;
use crate::ids::{ClusterId, RequestId, RequestKey};
use crate::lookup::RequestReport;
use crate::report::ReportEntry;
use crate::request::RequestState;
use crate::time::Timestamp;

/// What the analysis found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = RequestReport))]
pub struct ReportBody<'a> {
    /// The cluster, in lower case.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = "uuid"))]
    pub cluster: ClusterId,
    /// The request.
    #[serde(rename = "requestID")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub request_id: Cow<'a, RequestId>,
    /// Where the request stands.
    pub status: RequestState,
    /// The hits, the highest risk first; empty until the request is processed.
    pub report: Vec<ReportHit<'a>>,
    /// Why the request failed; left out unless it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, required = false))]
    pub reason: Option<Cow<'a, FailureReason>>,
    /// When the service forgets the request, unless it is recorded anew.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub expires: Timestamp,
}

impl<'a> ReportBody<'a> {
    /// The body for the report of this request.
    pub fn new(key: &'a RequestKey, report: &'a RequestReport) -> Self {
        Self {
            cluster: key.cluster,
            request_id: Cow::Borrowed(&key.request),
            status: report.state,
            report: report.entries.iter().map(ReportHit::from).collect(),
            reason: report.failure.as_ref().map(Cow::Borrowed),
            expires: report.expires_at,
        }
    }

    /// About how many bytes it has as JSON.
    pub fn json_len(&self) -> usize {
        const FRAME: usize = 256;
        const NAMES: usize = 80;
        let hit = |hit: &ReportHit<'_>| {
            // Line ends become two characters.
            let description = hit.description.len() + hit.description.len() / 32;
            NAMES + hit.rule_fqdn.len() + hit.error_key.len() + description
        };
        let reason = self.reason.as_ref().map_or(0, |reason| reason.as_str().len());
        FRAME + reason + self.report.iter().map(hit).sum::<usize>()
    }
}

/// One rule that did hit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = RuleHit))]
pub struct ReportHit<'a> {
    /// The rule's Python module.
    pub rule_fqdn: Cow<'a, str>,
    /// Which finding of the rule.
    pub error_key: Cow<'a, str>,
    /// What to tell the user, Markdown.
    pub description: Cow<'a, str>,
    /// 1 (low) to 4 (critical).
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 4))]
    pub total_risk: u8,
}

impl<'a> From<&'a ReportEntry> for ReportHit<'a> {
    fn from(entry: &'a ReportEntry) -> Self {
        Self {
            rule_fqdn: entry.hit.module().into(),
            error_key: entry.hit.error_key().into(),
            description: (&*entry.description).into(),
            total_risk: entry.total_risk,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_can_be_read_back() {
        let key = RequestKey::parse("42", "5d5892d3-1f74-4ccf-91af-548dfc9767aa", "6d2e").unwrap();
        let hit = "ccx_rules.external.tutorial_rule|TUTORIAL_ERROR".parse().unwrap();
        let entry = ReportEntry { hit, description: "\u{e9}\n\"quoted\"".into(), total_risk: 3 };
        let expires_at = Timestamp::from_micros(0);
        for (state, entries, failure) in [
            (RequestState::Processed, vec![entry], None),
            (RequestState::Failed, Vec::new(), Some("no report".into())),
        ] {
            let report = RequestReport { state, entries, failure, expires_at };
            let body = ReportBody::new(&key, &report);
            let text = serde_json::to_string(&body).unwrap();
            assert_eq!(serde_json::from_str::<ReportBody<'static>>(&text).unwrap(), body);
            assert!(body.json_len() >= text.len());
        }
    }
}
