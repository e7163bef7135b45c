//! The attributes of a result message. Each is read for itself, so that one of a wrong type does not hide the others:
//! a message that is refused for its content can still say whose it is.

use std::borrow::Cow;

use gathering_domain::{ClusterId, OrganizationId, RuleHit, Timestamp};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::error::MessageError;
use super::object::{is_null, members, read_members};
use super::report;
use super::text::Text;
use super::warning::Warnings;

/// A result message, parsed one level deep. Of an attribute that comes twice, the later one counts.
pub(crate) struct Envelope<'a> {
    organization: Option<&'a RawValue>,
    cluster: Option<&'a RawValue>,
    request: Option<&'a RawValue>,
    version: Option<&'a RawValue>,
    account: Option<&'a RawValue>,
    metadata: Option<&'a RawValue>,
    last_checked: Option<&'a RawValue>,
    report: Option<&'a RawValue>,
}

impl<'a> Envelope<'a> {
    pub(crate) fn parse(document: &'a [u8]) -> Result<Self, MessageError> {
        const KEYS: [&str; 8] = [
            "OrgID",
            "ClusterName",
            "RequestId",
            "Version",
            "AccountNumber",
            "Metadata",
            "LastChecked",
            "Report",
        ];
        let [organization, cluster, request, version, account, metadata, last_checked, report] =
            read_members(document, KEYS)?;
        Ok(Self { organization, cluster, request, version, account, metadata, last_checked, report })
    }

    pub(crate) fn organization(&self) -> Result<OrganizationId, MessageError> {
        const EXPECTED: &str = "a whole number from 1 to 4294967295";
        let number: u32 = required(self.organization, "OrgID", EXPECTED)?;
        number.try_into().map_err(|_| wrong("OrgID", EXPECTED))
    }

    pub(crate) fn cluster(&self) -> Result<ClusterId, MessageError> {
        let Text(text) = required(self.cluster, "ClusterName", "a UUID")?;
        ClusterId::from_any_spelling(&text).map_err(|_| wrong("ClusterName", "a UUID"))
    }

    /// The request ID as the message spells it; `None` where it has none.
    pub(crate) fn request(&self) -> Result<Option<Cow<'a, str>>, MessageError> {
        let text: Option<Text<'_>> = optional(self.request, "RequestId", "a string")?;
        Ok(text.map(|Text(text)| text).filter(|text| !text.is_empty()))
    }

    /// The hits of the report in the order of the message, each once.
    pub(crate) fn hits(&self, warnings: &mut Warnings) -> Result<Vec<RuleHit>, MessageError> {
        let report = self.report.filter(|report| !is_null(report)).ok_or(MessageError::Missing("Report"))?;
        report::hits(report, warnings)
    }

    /// The schema version; `None` where the message has none.
    pub(crate) fn version(&self) -> Result<Option<u8>, MessageError> {
        optional(self.version, "Version", "a whole number from 0 to 255")
    }

    pub(crate) fn account(&self) -> Result<Option<u32>, MessageError> {
        optional(self.account, "AccountNumber", "a whole number from 0 to 4294967295")
    }

    /// When the cluster gathered; `None` where the message does not say.
    pub(crate) fn gathering_time(&self) -> Result<Option<Timestamp>, MessageError> {
        const NAME: &str = "Metadata.gathering_time";
        let Some(metadata) = self.metadata.filter(|metadata| !is_null(metadata)) else {
            return Ok(None);
        };
        let [time_text] = members(metadata, ["gathering_time"]).ok_or(wrong("Metadata", "an object"))?;
        optional(time_text, NAME, TIME)?.map(|text| time(&text, NAME)).transpose()
    }

    /// When the platform received the upload.
    pub(crate) fn last_checked(&self) -> Result<Timestamp, MessageError> {
        time(&required(self.last_checked, "LastChecked", TIME)?, "LastChecked")
    }
}

const TIME: &str = "an RFC 3339 time";

/// A text in which half of a surrogate pair is an error.
#[derive(Deserialize)]
struct TimeText<'a>(#[serde(borrow)] Cow<'a, str>);

fn time(text: &TimeText<'_>, attribute: &'static str) -> Result<Timestamp, MessageError> {
    text.0.parse().map_err(|_| wrong(attribute, TIME))
}

fn optional<'a, T: Deserialize<'a>>(
    value: Option<&'a RawValue>,
    attribute: &'static str,
    expected: &'static str,
) -> Result<Option<T>, MessageError> {
    match value {
        None => Ok(None),
        Some(value) => serde_json::from_str(value.get()).map_err(|_| wrong(attribute, expected)),
    }
}

fn required<'a, T: Deserialize<'a>>(
    value: Option<&'a RawValue>,
    attribute: &'static str,
    expected: &'static str,
) -> Result<T, MessageError> {
    optional(value, attribute, expected)?.ok_or(MessageError::Missing(attribute))
}

const fn wrong(attribute: &'static str, expected: &'static str) -> MessageError {
    MessageError::Wrong { attribute, expected }
}

#[cfg(test)]
mod tests;
