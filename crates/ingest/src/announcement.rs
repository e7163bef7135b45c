//! Upload announcements: what the platform's ingress publishes when a cluster's archive arrives.

use std::borrow::Cow;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use gathering_domain::event::{EventKind, RequestEvent};
use gathering_domain::ids::{ClusterId, OrganizationId};
use gathering_domain::time::Timestamp;
use serde_json::value::RawValue;

use crate::message::error::MessageError;
use crate::message::object::{is_null, member, members, read_members};
use crate::message::parsed::{Disposition, ParsedMessage, SkipReason, printable, request_key};
use crate::message::text::Text;

/// The service whose uploads are recorded.
pub(crate) const SERVICE: &str = "openshift";

/// Some publishers pad, some do not.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Parses one announcement that arrived at this time.
///
/// The organization and the cluster are those of the identity in it; the organization is `internal.org_id`, which is
/// what the pipeline takes for the result, and `org_id` where that is missing.
pub fn parse_announcement(document: &[u8], arrival: Timestamp) -> ParsedMessage {
    let announcement = match Announcement::read(document) {
        Ok(announcement) => announcement,
        Err(error) => return ParsedMessage::unreadable(error),
    };
    if text(announcement.service).is_some_and(|service| service != SERVICE) {
        return ParsedMessage {
            disposition: Disposition::Skipped(SkipReason::OtherService),
            ..ParsedMessage::unreadable(MessageError::NotAnObject)
        };
    }
    let identity = announcement.identity();
    let organization = identity.as_ref().map_err(|error| *error).and_then(Identity::organization);
    let cluster = identity.as_ref().map_err(|error| *error).and_then(Identity::cluster);
    let request = text(announcement.request).filter(|request| !request.is_empty());
    let disposition = match (organization, cluster) {
        (Err(error), _) | (_, Err(error)) => Disposition::Rejected(error),
        (Ok(_), Ok(None)) => Disposition::Skipped(SkipReason::NoCluster),
        (Ok(organization), Ok(Some(cluster))) => {
            match (request_key(Some(organization), Some(cluster), request.as_deref()), &request) {
                (Some(key), _) => Disposition::Stored(RequestEvent {
                    key,
                    received_at: announcement.received_at().unwrap_or(arrival),
                    kind: EventKind::Announced,
                }),
                (None, None) => Disposition::Skipped(SkipReason::NoRequestId),
                (None, Some(_)) => Disposition::Skipped(SkipReason::UnusableRequestId),
            }
        }
    };
    ParsedMessage {
        organization: organization.ok(),
        account: None,
        cluster: cluster.ok().flatten(),
        request: request.as_deref().map(printable),
        disposition,
        warnings: Vec::new(),
    }
}

fn text(value: Option<&RawValue>) -> Option<Cow<'_, str>> {
    Text::of(value?).map(|Text(text)| text)
}

/// The members of an announcement that are read.
struct Announcement<'a> {
    service: Option<&'a RawValue>,
    request: Option<&'a RawValue>,
    identity: Option<&'a RawValue>,
    metadata: Option<&'a RawValue>,
    timestamp: Option<&'a RawValue>,
}

impl<'a> Announcement<'a> {
    fn read(document: &'a [u8]) -> Result<Self, MessageError> {
        const KEYS: [&str; 5] = ["service", "request_id", "b64_identity", "metadata", "timestamp"];
        let [service, request, identity, metadata, timestamp] = read_members(document, KEYS)?;
        Ok(Self { service, request, identity, metadata, timestamp })
    }

    /// The gathering time, or the time when ingress received the upload.
    fn received_at(&self) -> Option<Timestamp> {
        let custom = self.metadata.and_then(|metadata| member(metadata, "custom_metadata"));
        let gathered = text(custom.and_then(|custom| member(custom, "gathering_time")));
        let gathered = gathered.and_then(|text| text.parse().ok());
        gathered.or_else(|| text(self.timestamp)?.parse().ok())
    }

    fn identity(&self) -> Result<Identity, MessageError> {
        let value = self.identity.filter(|value| !is_null(value));
        let value = value.ok_or(MessageError::Missing("b64_identity"))?;
        let Text(encoded) = Text::of(value).ok_or(WRONG)?;
        BASE64.decode(&*encoded).map(Identity).map_err(|_| WRONG)
    }
}

/// The JSON text of the sender's identity.
struct Identity(Vec<u8>);

const WRONG: MessageError =
    MessageError::Wrong { attribute: "b64_identity", expected: "an identity: a JSON object in base64" };

impl Identity {
    /// The values of these keys in the identity.
    fn members<const N: usize>(&self, keys: [&str; N]) -> Result<[Option<&RawValue>; N], MessageError> {
        let [inner] = read_members(&self.0, ["identity"]).map_err(|_| WRONG)?;
        inner.and_then(|inner| members(inner, keys)).ok_or(WRONG)
    }

    fn organization(&self) -> Result<OrganizationId, MessageError> {
        const EXPECTED: &str = "an identity with an organization from 1 to 4294967295";
        let [internal, own] = self.members(["internal", "org_id"])?;
        let internal = internal.and_then(|internal| member(internal, "org_id"));
        let organization = number(internal).or_else(|| number(own)).and_then(|text| text.parse().ok());
        organization.ok_or(MessageError::Wrong { attribute: "b64_identity", expected: EXPECTED })
    }

    /// `None` for an identity that is not a cluster's.
    fn cluster(&self) -> Result<Option<ClusterId>, MessageError> {
        const EXPECTED: &str = "an identity whose cluster ID is a UUID";
        let [system] = self.members(["system"])?;
        text(system.and_then(|system| member(system, "cluster_id")))
            .filter(|text| !text.is_empty())
            .map(|text| ClusterId::from_any_spelling(&text))
            .transpose()
            .map_err(|_| MessageError::Wrong { attribute: "b64_identity", expected: EXPECTED })
    }
}

/// The digits of a number, or a text; `None` if the value is neither.
fn number(value: Option<&RawValue>) -> Option<Cow<'_, str>> {
    let value = value.filter(|value| !is_null(value))?;
    let text = text(Some(value)).unwrap_or(Cow::Borrowed(value.get()));
    Some(text).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const CLUSTER: &str = "5d5892d3-1f74-4ccf-91af-548dfc9767aa";

    fn identity() -> Value {
        json!({"identity": {
            "org_id": "7", "internal": {"org_id": "42"}, "type": "System", "system": {"cluster_id": CLUSTER}
        }})
    }

    fn announcement(identity: &Value) -> Value {
        json!({
            "service": "openshift", "request_id": "req1", "size": 10, "url": "https://bucket.example/req1",
            "metadata": {"custom_metadata": {"gathering_time": "2026-03-01T13:29:00+02:00"}},
            "timestamp": "2026-03-01T11:30:00.5Z",
            "b64_identity": BASE64.encode(identity.to_string())
        })
    }

    fn parse(announcement: &Value) -> ParsedMessage {
        parse_announcement(announcement.to_string().as_bytes(), "2026-03-01T12:00:00Z".parse().unwrap())
    }

    fn disposition(announcement: &Value) -> String {
        match parse(announcement).disposition {
            Disposition::Stored(event) => format!("stored {} {}", event.key.organization, event.received_at),
            Disposition::Failed(..) => "failed".to_owned(),
            Disposition::Skipped(reason) => format!("skipped: {reason}"),
            Disposition::Rejected(error) => format!("rejected: {error}"),
        }
    }

    fn with(key: &str, value: Value) -> Value {
        let mut announcement = announcement(&identity());
        announcement[key] = value;
        announcement
    }

    #[test]
    fn an_announcement_is_recorded_for_the_internal_organization() {
        let parsed = parse(&announcement(&identity()));
        let Disposition::Stored(event) = &parsed.disposition else { panic!("{parsed:?}") };
        assert_eq!(event.kind, EventKind::Announced);
        assert_eq!(event.key.organization.get(), 42);
        assert_eq!(event.key.cluster.to_string(), CLUSTER);
        assert_eq!(event.key.request.as_str(), "req1");
        assert_eq!(event.received_at.to_string(), "2026-03-01T11:29:00Z");
    }

    #[test]
    fn organizations_have_several_spellings() {
        for (org_id, internal, expected) in [
            (json!("7"), json!({"org_id": "42"}), "stored 42"),
            (json!("7"), json!({"org_id": 42}), "stored 42"),
            (json!("7"), json!({}), "stored 7"),
            (json!(7), json!(null), "stored 7"),
            (json!("7"), json!({"org_id": ""}), "stored 7"),
            (json!(null), json!({"org_id": null}), "rejected"),
            (json!("0"), json!({}), "rejected"),
            (json!("-1"), json!({}), "rejected"),
            (json!("7.0"), json!({}), "rejected"),
            (json!(7.5), json!({}), "rejected"),
            (json!("4294967296"), json!({}), "rejected"),
            (json!(["7"]), json!({}), "rejected"),
        ] {
            let mut identity = identity();
            identity["identity"]["org_id"] = org_id;
            identity["identity"]["internal"] = internal;
            let disposition = disposition(&announcement(&identity));
            assert!(disposition.starts_with(expected), "{identity}: {disposition}");
        }
    }

    #[test]
    fn times_fall_back() {
        assert_eq!(disposition(&with("metadata", json!({}))), "stored 42 2026-03-01T11:30:00.5Z");
        let odd = json!({"custom_metadata": {"gathering_time": "yesterday"}});
        assert_eq!(disposition(&with("metadata", odd)), "stored 42 2026-03-01T11:30:00.5Z");
        let mut neither = with("metadata", json!(7));
        neither["timestamp"] = json!("?");
        assert_eq!(disposition(&neither), "stored 42 2026-03-01T12:00:00Z");
    }

    #[test]
    fn what_cannot_be_asked_for_is_skipped() {
        for (key, value, reason) in [
            ("request_id", json!(null), SkipReason::NoRequestId),
            ("request_id", json!(""), SkipReason::NoRequestId),
            ("request_id", json!("host/abc-000001"), SkipReason::UnusableRequestId),
            ("service", json!("compliance"), SkipReason::OtherService),
        ] {
            assert_eq!(disposition(&with(key, value)), format!("skipped: {reason}"));
        }
        let mut user = identity();
        user["identity"]["system"] = json!({"cn": "x"});
        assert_eq!(disposition(&announcement(&user)), format!("skipped: {}", SkipReason::NoCluster));
    }

    #[test]
    fn what_cannot_be_read_is_rejected() {
        assert_eq!(disposition(&json!([])), "rejected: the message is not a JSON object");
        assert_eq!(
            disposition(&with("b64_identity", json!(null))),
            "rejected: the attribute 'b64_identity' is missing"
        );
        for identity in ["%", "e30=", "bm8=", ""] {
            assert_eq!(disposition(&with("b64_identity", json!(identity))), format!("rejected: {WRONG}"));
        }
        let mut odd = identity();
        odd["identity"]["system"]["cluster_id"] = json!("x");
        assert!(disposition(&announcement(&odd)).ends_with("an identity whose cluster ID is a UUID"));
        assert_eq!(parse_announcement(b"{", Timestamp::from_micros(0)).organization, None);
    }

    #[test]
    fn bases_may_lack_their_padding() {
        let encoded = BASE64.encode(identity().to_string());
        let bare = encoded.trim_end_matches('=');
        assert!(disposition(&with("b64_identity", json!(bare))).starts_with("stored"));
    }
}
