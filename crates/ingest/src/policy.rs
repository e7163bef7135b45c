//! Which messages are taken: those that can be read, whose sender may write them, of organizations that are allowed.

use std::sync::Arc;

use gathering_domain::{MessageKind, Timestamp, WriteGrant};

use allow_list::AllowList;

use crate::announcement::judge_announcement;
use crate::message::judgement::{Judgement, Verdict};
use crate::message::problem::Problem;
use crate::message::result::judge;

pub(crate) mod allow_list;

/// The rules of one sender.
#[derive(Debug, Clone)]
pub(crate) struct Admission {
    pub(crate) grant: WriteGrant,
    pub(crate) allow_list: Option<Arc<AllowList>>,
}

impl Admission {
    /// Reads a message and judges it by these rules. Nothing is recorded for those that may not be written.
    pub(crate) fn judge(&self, kind: MessageKind, document: &[u8], arrival: Timestamp) -> Judgement {
        let mut judgement = match kind {
            MessageKind::Result => judge(document, arrival),
            MessageKind::Announcement => judge_announcement(document, arrival),
        };
        if let Err(problem) = self.check(&judgement) {
            judgement.verdict = Verdict::Rejected(problem);
        }
        judgement
    }

    fn check(&self, judgement: &Judgement) -> Result<(), Problem> {
        let Some(organization) = judgement.organization else { return Ok(()) };
        if let Some(cluster) = judgement.cluster {
            self.grant.check(organization, cluster)?;
        }
        match &self.allow_list {
            Some(allowed) if !allowed.contains(organization) => Err(Problem::NotListed),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use gathering_domain::{NotGranted, OrganizationId};

    use super::*;
    use crate::message::fixture::{ARRIVAL, CLUSTER, message, with};

    fn judged(grant: WriteGrant, allow_list: Option<Arc<AllowList>>, message: &serde_json::Value) -> Verdict {
        let admission = Admission { grant, allow_list };
        let text = message.to_string();
        admission.judge(MessageKind::Result, text.as_bytes(), ARRIVAL.parse().unwrap()).verdict
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
            assert!(!matches!(judged(own, None, &message), Verdict::Rejected(_)));
            assert_eq!(
                judged(other, None, &message),
                Verdict::Rejected(Problem::NotGranted(NotGranted::Organization))
            );
            assert_eq!(
                judged(bound, None, &message),
                Verdict::Rejected(Problem::NotGranted(NotGranted::Cluster))
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
        assert!(matches!(judged(everything, list("Org\n42\n"), &message()), Verdict::Stored(_)));
        let refused = judged(everything, list("Org\n43\n"), &message());
        assert_eq!(refused, Verdict::Rejected(Problem::NotListed));
    }
}
