//! The attributes of a result message, each read for itself, so that one of a wrong type does not hide the others:
//! a message that is refused for its content can still say whose it is.

use std::collections::HashMap;

use gathering_domain::{ClusterId, OrganizationId, Timestamp};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::Problem;
use crate::text::Text;

/// The keys of a JSON object with the text of their values. Of a key that comes twice, the later one counts.
pub(crate) type Object<'a> = HashMap<Text, &'a RawValue>;

/// A result message, parsed one level deep.
pub(crate) struct Envelope<'a>(Object<'a>);

impl<'a> Envelope<'a> {
    pub(crate) fn parse(document: &'a [u8]) -> Result<Self, Problem> {
        object_of(document).map(Self)
    }

    pub(crate) fn organization(&self) -> Result<OrganizationId, Problem> {
        let number: u32 = self.required("OrgID", "a whole number from 1 to 4294967295")?;
        number.try_into().map_err(|_| wrong("OrgID", "a whole number from 1 to 4294967295"))
    }

    pub(crate) fn cluster(&self) -> Result<ClusterId, Problem> {
        let Text(text) = self.required("ClusterName", "a UUID")?;
        ClusterId::from_any_spelling(&text).map_err(|_| wrong("ClusterName", "a UUID"))
    }

    /// The request ID as the message spells it; `None` where it has none.
    pub(crate) fn request(&self) -> Result<Option<String>, Problem> {
        let text: Option<Text> = self.optional("RequestId", "a string")?;
        Ok(text.map(|Text(text)| text).filter(|text| !text.is_empty()))
    }

    pub(crate) fn report(&self) -> Result<Object<'a>, Problem> {
        let report =
            self.0.get("Report").filter(|report| !is_null(report)).ok_or(Problem::Missing("Report"))?;
        object(report).ok_or(wrong("Report", "an object"))
    }

    /// The schema version; `None` where the message has none.
    pub(crate) fn version(&self) -> Result<Option<u8>, Problem> {
        self.optional("Version", "a whole number from 0 to 255")
    }

    pub(crate) fn account(&self) -> Result<Option<u32>, Problem> {
        self.optional("AccountNumber", "a whole number from 0 to 4294967295")
    }

    /// When the cluster gathered; `None` where the message does not say.
    pub(crate) fn gathering_time(&self) -> Result<Option<Timestamp>, Problem> {
        let Some(metadata) = self.0.get("Metadata").filter(|metadata| !is_null(metadata)) else {
            return Ok(None);
        };
        let metadata = object(metadata).ok_or(wrong("Metadata", "an object"))?;
        let wrong = wrong("Metadata.gathering_time", "an RFC 3339 time");
        let Some(text) = metadata.get("gathering_time") else { return Ok(None) };
        let text: Option<String> = serde_json::from_str(text.get()).map_err(|_| wrong)?;
        text.map(|text| text.parse().map_err(|_| wrong)).transpose()
    }

    /// When the platform took the upload in.
    pub(crate) fn last_checked(&self) -> Result<Timestamp, Problem> {
        let text: String = self.required("LastChecked", "an RFC 3339 time")?;
        text.parse().map_err(|_| wrong("LastChecked", "an RFC 3339 time"))
    }

    fn optional<T: DeserializeOwned>(
        &self,
        attribute: &'static str,
        expected: &'static str,
    ) -> Result<Option<T>, Problem> {
        match self.0.get(attribute) {
            None => Ok(None),
            Some(value) => serde_json::from_str(value.get()).map_err(|_| wrong(attribute, expected)),
        }
    }

    fn required<T: DeserializeOwned>(
        &self,
        attribute: &'static str,
        expected: &'static str,
    ) -> Result<T, Problem> {
        self.optional(attribute, expected)?.ok_or(Problem::Missing(attribute))
    }
}

const fn wrong(attribute: &'static str, expected: &'static str) -> Problem {
    Problem::Wrong { attribute, expected }
}

pub(crate) fn is_null(value: &RawValue) -> bool {
    value.get() == "null"
}

/// The members of the object that a document is.
pub(crate) fn object_of(document: &[u8]) -> Result<Object<'_>, Problem> {
    serde_json::from_slice(document).map_err(|error| {
        if error.is_data() {
            Problem::NotAnObject
        } else {
            Problem::NotJson { line: error.line(), column: error.column() }
        }
    })
}

/// The members of an object, `None` for any other value.
pub(crate) fn object(value: &RawValue) -> Option<Object<'_>> {
    serde_json::from_str(value.get()).ok()
}
