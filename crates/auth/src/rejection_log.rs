//! Rejections in the log: with their reasons and never with a credential.

use gathering_support::ThrottledLog;
use log::Level;
use log::kv::Value;

use crate::credentials::Credentials;
use crate::rejection::{AuthRejection, Remedy};

/// The target of lines about who is refused, so that they can be switched off alone: `log.filter = "info,gathering::auth=off"`.
pub(crate) const TARGET: &str = "gathering::auth";

/// Logs rejections, each kind within limits of its own. A caller that calls too often does not hide one that forges tokens.
pub(crate) struct RejectionLog {
    credentials: ThrottledLog,
    limits: ThrottledLog,
}

impl Default for RejectionLog {
    fn default() -> Self {
        Self { credentials: ThrottledLog::new(TARGET), limits: ThrottledLog::new(TARGET) }
    }
}

impl RejectionLog {
    pub(crate) fn log(&self, rejection: AuthRejection, call: &impl Credentials) {
        let log = match rejection.remedy() {
            Remedy::Authenticate => &self.credentials,
            Remedy::CallLess(_) | Remedy::TryAgain => &self.limits,
        };
        let fields = [("reason", Value::from(rejection.label()))];
        match call.peer() {
            Some(peer) => {
                log.log_with(Level::Info, &fields, format_args!("refused a call of {peer}: {rejection}"));
            }
            None => log.log_with(
                Level::Info,
                &fields,
                format_args!("refused a call of an unknown address: {rejection}"),
            ),
        }
    }
}
