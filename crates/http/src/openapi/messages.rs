//! The messages of bodies, as the document describes them.
//!
//! Nothing is demanded of them there: whatever JSON a message is, the answer is 200 and says what became of it. Their attributes
//! are named all the same, for readers, and for clients that are generated.

use std::borrow::Cow;

use utoipa::openapi::schema::SchemaType;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// What the pipeline publishes of one archive.
pub(crate) struct ResultMessage;

/// What ingress publishes of one upload.
pub(crate) struct AnnouncementMessage;

/// Many messages, one on each line, as bytes: a client is to send them as they are.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "a part of the document; handlers read the body")]
pub(crate) struct Lines(Vec<u8>);

/// Attributes with what they mean.
fn message(description: &str, attributes: &[(&str, &str)]) -> RefOr<Schema> {
    let anything = || ObjectBuilder::new().schema_type(SchemaType::AnyValue);
    let message = anything().description(Some(description));
    let message = attributes.iter().fold(message, |message, (name, meaning)| {
        message.property(*name, anything().description(Some(*meaning)).build())
    });
    message.build().into()
}

impl PartialSchema for ResultMessage {
    fn schema() -> RefOr<Schema> {
        message(
            "What the pipeline publishes of one archive. Other attributes are ignored. One that is not as it has to be is refused, \
             or makes its request a failed one; the answer says so.",
            &[
                ("OrgID", "The organization: a whole number from 1 to 4294967295. Needed."),
                ("ClusterName", "The cluster: a UUID. Needed."),
                (
                    "RequestId",
                    "The request: 1 to 128 ASCII letters, digits or hyphens, with no hyphen at its start. Without it nobody \
                     can ask for the result, and the message is skipped.",
                ),
                ("LastChecked", "When the cluster was analysed, RFC 3339. Needed."),
                ("Metadata", "An object; its `gathering_time`, RFC 3339, is when the request was received."),
                (
                    "Report",
                    "An object with `system`, `fingerprints` and `reports`, a list of hits, each with `component` and `key`. \
                     Needed.",
                ),
                ("Version", "A whole number from 0 to 255."),
                ("AccountNumber", "A whole number from 0 to 4294967295."),
            ],
        )
    }
}

impl PartialSchema for AnnouncementMessage {
    fn schema() -> RefOr<Schema> {
        message(
            "What ingress publishes of one upload. Other attributes are ignored. One that is not as it has to be is refused, or \
             skipped; the answer says so.",
            &[
                (
                    "b64_identity",
                    "The sender's identity, an object in base64, with organization and cluster. Needed.",
                ),
                (
                    "request_id",
                    "The request: 1 to 128 ASCII letters, digits or hyphens, with no hyphen at its start. Without it the \
                     message is skipped.",
                ),
                ("service", "`openshift`; announcements for others are skipped."),
                ("timestamp", "When the upload arrived, RFC 3339."),
                (
                    "metadata",
                    "An object; the `gathering_time` of its `custom_metadata`, RFC 3339, is when the request was received.",
                ),
            ],
        )
    }
}

impl ToSchema for ResultMessage {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("ResultMessage")
    }
}

impl ToSchema for AnnouncementMessage {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("AnnouncementMessage")
    }
}
