//! The attributes of a result message. Each is read for itself, so that one of a wrong type does not hide the others:
//! a message that is refused for its content can still say whose it is.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use gathering_domain::ids::{ClusterId, OrganizationId};
use gathering_domain::rule::RuleHit;
use gathering_domain::time::Timestamp;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::error::MessageError;
use super::object::{is_null, members, read};
use super::report::{self, WholeReport};
use super::text::Text;
use super::warning::Warnings;

/// A result message, parsed one level deep. A complete report is parsed to its end.
pub(crate) struct Envelope<'a> {
    attributes: Attributes<'a>,
    report: Option<Report<'a>>,
}

enum Report<'a> {
    Whole(WholeReport),
    Other(&'a RawValue),
}

impl<'a> Envelope<'a> {
    pub(crate) fn parse(document: &'a [u8]) -> Result<Self, MessageError> {
        Self::at_once(document).map_or_else(|| Self::step_by_step(document), Ok)
    }

    /// Reads a message in one pass, as nearly every one can be; `None` if anything is wrong with it.
    fn at_once(document: &'a [u8]) -> Option<Self> {
        let Parts(attributes, report) = serde_json::from_str(str::from_utf8(document).ok()?).ok()?;
        Some(Self { attributes, report: report.map(Report::Whole) })
    }

    /// Skips each value first, so that nothing inside one keeps the others from being read.
    fn step_by_step(document: &'a [u8]) -> Result<Self, MessageError> {
        let Parts(attributes, report) = read(document)?;
        Ok(Self { attributes, report: report.map(Report::Other) })
    }

    pub(crate) fn organization(&self) -> Result<OrganizationId, MessageError> {
        const EXPECTED: &str = "a whole number from 1 to 4294967295";
        let number: u32 = required(self.attributes.organization, "OrgID", EXPECTED)?;
        number.try_into().map_err(|_| wrong("OrgID", EXPECTED))
    }

    pub(crate) fn cluster(&self) -> Result<ClusterId, MessageError> {
        let Text(text) = required(self.attributes.cluster, "ClusterName", "a UUID")?;
        ClusterId::from_any_spelling(&text).map_err(|_| wrong("ClusterName", "a UUID"))
    }

    /// The request ID as the message spells it; `None` where it has none.
    pub(crate) fn request(&self) -> Result<Option<Cow<'a, str>>, MessageError> {
        let text: Option<Text<'_>> = optional(self.attributes.request, "RequestId", "a string")?;
        Ok(text.map(|Text(text)| text).filter(|text| !text.is_empty()))
    }

    /// Takes the hits of the report, in the order of the message, each once.
    pub(crate) fn take_hits(&mut self, warnings: &mut Warnings) -> Result<Vec<RuleHit>, MessageError> {
        match self.report.take() {
            Some(Report::Whole(report)) => {
                warnings.append(report.warnings);
                Ok(report.hits)
            }
            Some(Report::Other(report)) if !is_null(report) => report::hits(report, warnings),
            Some(Report::Other(_)) | None => Err(MessageError::Missing("Report")),
        }
    }

    /// The schema version; `None` where the message has none.
    pub(crate) fn version(&self) -> Result<Option<u8>, MessageError> {
        optional(self.attributes.version, "Version", "a whole number from 0 to 255")
    }

    pub(crate) fn account(&self) -> Result<Option<u32>, MessageError> {
        optional(self.attributes.account, "AccountNumber", "a whole number from 0 to 4294967295")
    }

    /// When the cluster gathered; `None` where the message does not say.
    pub(crate) fn gathering_time(&self) -> Result<Option<Timestamp>, MessageError> {
        const NAME: &str = "Metadata.gathering_time";
        let Some(metadata) = self.attributes.metadata.filter(|metadata| !is_null(metadata)) else {
            return Ok(None);
        };
        let [time_text] = members(metadata, ["gathering_time"]).ok_or(wrong("Metadata", "an object"))?;
        optional(time_text, NAME, TIME)?.map(|text| time(&text, NAME)).transpose()
    }

    /// When the platform received the upload.
    pub(crate) fn last_checked(&self) -> Result<Timestamp, MessageError> {
        time(&required(self.attributes.last_checked, "LastChecked", TIME)?, "LastChecked")
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

/// The values of the attributes that are read, except for the report.
#[derive(Default)]
struct Attributes<'a> {
    organization: Option<&'a RawValue>,
    cluster: Option<&'a RawValue>,
    request: Option<&'a RawValue>,
    version: Option<&'a RawValue>,
    account: Option<&'a RawValue>,
    metadata: Option<&'a RawValue>,
    last_checked: Option<&'a RawValue>,
}

impl<'a> Attributes<'a> {
    fn set(&mut self, name: &str, value: &'a RawValue) {
        let attribute = match name {
            "OrgID" => &mut self.organization,
            "ClusterName" => &mut self.cluster,
            "RequestId" => &mut self.request,
            "Version" => &mut self.version,
            "AccountNumber" => &mut self.account,
            "Metadata" => &mut self.metadata,
            "LastChecked" => &mut self.last_checked,
            _ => return,
        };
        *attribute = Some(value);
    }
}

/// The attributes and, read as an `R`, the report. Of a key that comes twice, the later one counts.
struct Parts<'a, R>(Attributes<'a>, Option<R>);

impl<'de, R: Deserialize<'de>> Deserialize<'de> for Parts<'de, R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PartsVisitor<R>(PhantomData<R>);
        impl<'de, R: Deserialize<'de>> Visitor<'de> for PartsVisitor<R> {
            type Value = Parts<'de, R>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let (mut attributes, mut report) = (Attributes::default(), None);
                while let Some(Text(name)) = map.next_key()? {
                    if name == "Report" {
                        report = Some(map.next_value()?);
                    } else {
                        attributes.set(&name, map.next_value()?);
                    }
                }
                Ok(Parts(attributes, report))
            }
        }
        deserializer.deserialize_map(PartsVisitor(PhantomData))
    }
}

#[cfg(test)]
mod tests;
