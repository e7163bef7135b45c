//! Audit lines of commands: what somebody read or wrote on the machine itself.

use gathering_domain::ids::{ClusterId, OrganizationId, RequestId};
use gathering_http::AUDIT_TARGET;

/// Of what something was read or written; nothing stands for all.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Of<'a> {
    pub(super) organization: Option<OrganizationId>,
    pub(super) cluster: Option<ClusterId>,
    pub(super) request: Option<&'a RequestId>,
}

/// Writes the line of a command that has ended, with how much it did.
pub(super) fn audit(action: &str, of: Of<'_>, outcome: &str) {
    let text = |shown: Option<String>| shown.unwrap_or_default();
    log::info!(
        target: AUDIT_TARGET,
        action = action, user = rustix::process::getuid().as_raw(),
        organization = text(of.organization.map(|id| id.to_string())).as_str(),
        cluster = text(of.cluster.map(|id| id.to_string())).as_str(),
        request = of.request.map_or("", RequestId::as_str), outcome = outcome;
        "done"
    );
}
