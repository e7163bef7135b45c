//! The ingest policy: which messages are accepted, by what their sender may write and by the allow list.

use std::sync::Arc;

use gathering_domain::intake::{MessageKind, WriteGrant};
use gathering_domain::time::Timestamp;

use allow_list::AllowList;

use crate::announcement::parse_announcement;
use crate::message::error::MessageError;
use crate::message::parsed::{Disposition, ParsedMessage};
use crate::message::result::parse_result;

pub(crate) mod allow_list;

/// What one sender may send.
#[derive(Debug, Clone)]
pub(crate) struct IngestPolicy {
    pub(crate) grant: WriteGrant,
    pub(crate) allow_list: Option<Arc<AllowList>>,
}

impl IngestPolicy {
    /// Parses a message, and rejects it if the sender may not send it. Nothing is recorded of a rejected message.
    pub(crate) fn evaluate(&self, kind: MessageKind, document: &[u8], arrival: Timestamp) -> ParsedMessage {
        let mut parsed = match kind {
            MessageKind::Result => parse_result(document, arrival),
            MessageKind::Announcement => parse_announcement(document, arrival),
        };
        if let Err(error) = self.check(&parsed) {
            parsed.disposition = Disposition::Rejected(error);
        }
        parsed
    }

    fn check(&self, parsed: &ParsedMessage) -> Result<(), MessageError> {
        let Some(organization) = parsed.organization else { return Ok(()) };
        if let Some(cluster) = parsed.cluster {
            self.grant.check(organization, cluster)?;
        }
        match &self.allow_list {
            Some(allowed) if !allowed.contains(organization) => Err(MessageError::NotListed),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use gathering_domain::ids::OrganizationId;
    use gathering_domain::intake::NotGranted;

    use super::*;
    use crate::message::fixture::{ARRIVAL, CLUSTER, message, with};

    fn disposition(
        grant: WriteGrant,
        allow_list: Option<Arc<AllowList>>,
        message: &serde_json::Value,
    ) -> Disposition {
        let policy = IngestPolicy { grant, allow_list };
        let text = message.to_string();
        policy.evaluate(MessageKind::Result, text.as_bytes(), ARRIVAL.parse().unwrap()).disposition
    }

    fn organization(number: u32) -> OrganizationId {
        number.try_into().unwrap()
    }

    #[test]
    fn a_sender_writes_what_it_may_and_nothing_else() {
        let own = WriteGrant::new(Some(organization(42)), None);
        let other = WriteGrant::new(Some(organization(7)), None);
        let bound = WriteGrant::new(None, Some(CLUSTER.replace('5', "6").parse().unwrap()));
        for message in [message(), with("/Report", serde_json::json!({})), with("/RequestId", None)] {
            assert!(!matches!(disposition(own, None, &message), Disposition::Rejected(_)));
            assert_eq!(
                disposition(other, None, &message),
                Disposition::Rejected(MessageError::NotGranted(NotGranted::Organization))
            );
            assert_eq!(
                disposition(bound, None, &message),
                Disposition::Rejected(MessageError::NotGranted(NotGranted::Cluster))
            );
        }
    }

    #[test]
    fn an_allow_list_lets_in_whom_it_has() {
        let list = |content: &str| {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), content).unwrap();
            Some(Arc::new(AllowList::open(file.path()).unwrap()))
        };
        let everything = WriteGrant::everything();
        assert!(matches!(disposition(everything, list("Org\n42\n"), &message()), Disposition::Stored(_)));
        let refused = disposition(everything, list("Org\n43\n"), &message());
        assert_eq!(refused, Disposition::Rejected(MessageError::NotListed));
    }
}
