//! Why calls could not be answered, in the log. However many calls fail, there are only as many lines as somebody can read.

use std::fmt::Arguments;

use gathering_auth::Denied;
use gathering_domain::intake::{MessageOutcome, Refusal, Tenant};
use gathering_support::{FairLog, ThrottledLog};
use log::Level;
use log::kv::Value;

const TARGET: &str = "gathering_http";

/// The targets of lines about who is refused, and about which message is, so that each can be switched off alone.
const AUTH: &str = "gathering::auth";
const INGEST: &str = "gathering::ingest";

/// Lines about failed calls. Failures that may pass do not hide defects.
#[derive(Debug)]
pub(crate) struct FailureLog {
    passing: ThrottledLog,
    defects: ThrottledLog,
    /// Calls that may not do what they ask, and messages that are refused. Each organization has lines of its own.
    denied: FairLog,
    refused: FairLog,
}

impl Default for FailureLog {
    fn default() -> Self {
        let (passing, defects) = (ThrottledLog::new(TARGET), ThrottledLog::new(TARGET));
        Self { passing, defects, denied: FairLog::new(AUTH), refused: FairLog::new(INGEST) }
    }
}

impl FailureLog {
    pub(crate) fn log(&self, level: Level, line: Arguments<'_>) {
        let log = if level == Level::Error { &self.defects } else { &self.passing };
        log.log(level, line);
    }

    /// A caller that is known and may not do this. Its path was found to be one that the service has.
    pub(crate) fn denied(&self, tenant: Tenant, method: &str, path: &str, denied: Denied) {
        let organization = tenant.to_string();
        let fields = [
            ("organization", Value::from(organization.as_str())),
            ("method", Value::from(method)),
            ("path", Value::from(path)),
        ];
        self.denied.log_with(tenant, Level::Info, &fields, format_args!("refused a call: {denied}"));
    }

    /// Messages of a body that were refused; those that nobody could ask for are none.
    pub(crate) fn refused(&self, tenant: Tenant, refusals: &[Refusal]) {
        let organization = tenant.to_string();
        for refusal in refusals.iter().filter(|refusal| refusal.outcome != MessageOutcome::Skipped) {
            let fields = [
                ("organization", Value::from(organization.as_str())),
                ("record", Value::from(refusal.number)),
                ("outcome", Value::from(refusal.outcome.as_str())),
            ];
            let line = format_args!("refused a message over HTTP: {}", refusal.reason);
            self.refused.log_with(tenant, Level::Warn, &fields, line);
        }
    }
}
