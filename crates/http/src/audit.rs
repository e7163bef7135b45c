//! The audit: a line for each call that reads or writes what is recorded, and for each request that a call writes, with who
//! called, and what became of it.
//!
//! Lines go to a log target of their own. The server writes them apart from all others, in JSON, and drops none: a call waits
//! until its line is written. Of calls whose caller is not known, some are left out under a flood, and counted. Where the target is
//! off, this costs one question to the logger.

use std::sync::LazyLock;

use actix_web::http::Method;
use actix_web::{HttpMessage, HttpRequest};
use gathering_auth::{Identity, ShownIdentity};
use gathering_domain::ids::RequestKey;
use gathering_domain::intake::{IntakeSummary, MessageOutcome};
use gathering_support::ThrottledLog;
use log::kv::Value;
use log::{Level, Record};

use crate::call_id::current_call_id;
use crate::gone;
use crate::metrics::Endpoint;

/// The log target of audit lines.
pub const AUDIT_TARGET: &str = "gathering::audit";

/// Lines about calls whose caller is not known: those that were refused before, and those whose client has gone.
static OF_UNKNOWN: LazyLock<ThrottledLog> = LazyLock::new(|| ThrottledLog::new(AUDIT_TARGET));

/// The longest part of a path that is repeated, in characters: it may be nobody's ID.
const MAX_REPEATED: usize = 128;

/// The caller of a call, once it is known.
#[derive(Debug, Clone)]
struct Caller(ShownIdentity);

/// What became of the messages of a call.
#[derive(Debug, Clone)]
struct Written(String);

/// What a line about one written request says of the call.
#[derive(Debug, Clone)]
pub(crate) struct AuditedCall {
    caller: Option<ShownIdentity>,
    call_id: String,
}

pub(crate) fn is_on() -> bool {
    log::log_enabled!(target: AUDIT_TARGET, Level::Info)
}

/// Remembers who calls.
pub(crate) fn identified(request: &HttpRequest, caller: &Identity) {
    if is_on() {
        request.extensions_mut().insert(Caller(caller.shown()));
    }
}

/// Remembers how many messages had which outcome.
pub(crate) fn ingested(request: &HttpRequest, summary: &IntakeSummary) {
    if is_on() {
        let counts =
            MessageOutcome::ALL.map(|outcome| format!("{outcome} {}", summary.counts.count(outcome)));
        request.extensions_mut().insert(Written(counts.join(", ")));
    }
}

impl AuditedCall {
    /// The call of this task, if it is to be audited.
    pub(crate) fn of(request: &HttpRequest) -> Option<Self> {
        is_on().then(|| Self { caller: caller(request), call_id: current_call_id().unwrap_or_default() })
    }

    /// Writes the line of one request that is written.
    pub(crate) fn written(&self, key: &RequestKey, outcome: MessageOutcome) {
        let (by, subject) = named(self.caller.as_ref());
        log::info!(
            target: AUDIT_TARGET,
            action = "write.request", call_id = self.call_id.as_str(), caller_organization = by,
            caller = subject, organization:% = key.organization, cluster:% = key.cluster,
            request = key.request.as_str(), outcome = outcome.as_str();
            "written"
        );
    }
}

/// Writes the line of a call that was answered, refused, or left by its client.
pub(crate) fn answered(request: &HttpRequest, status: u16) {
    if !is_on() {
        return;
    }
    let Some(action) = action(request) else { return };
    let caller = caller(request);
    let (by, subject) = named(caller.as_ref());
    let part = |name| request.match_info().get(name).unwrap_or_default().chars().take(MAX_REPEATED);
    let (cluster, asked) = (part("clusterID").collect::<String>(), part("requestID").collect::<String>());
    let messages = request.extensions().get::<Written>().map(|Written(counts)| counts.clone());
    let peer = request.peer_addr().map(|peer| peer.ip().to_string()).unwrap_or_default();
    let outcome = match status {
        200..=399 => "answered",
        401 | 403 => "refused",
        404 => "unknown",
        gone::STATUS => "left",
        _ => "failed",
    };
    let (call_id, messages) = (current_call_id().unwrap_or_default(), messages.unwrap_or_default());
    let fields = [
        ("action", Value::from(action)),
        ("call_id", call_id.as_str().into()),
        ("caller_organization", by.into()),
        ("caller", subject.into()),
        ("peer", peer.as_str().into()),
        ("cluster", cluster.as_str().into()),
        ("request", asked.as_str().into()),
        ("messages", messages.as_str().into()),
        ("outcome", outcome.into()),
        ("status", status.into()),
    ];
    if caller.is_some() {
        let mut record = Record::builder();
        record.target(AUDIT_TARGET).level(Level::Info).key_values(&fields);
        log::logger().log(&record.args(format_args!("called")).build());
    } else {
        // Anybody can cause any number of these.
        OF_UNKNOWN.log_with(Level::Info, &fields, format_args!("called"));
    }
}

fn caller(request: &HttpRequest) -> Option<ShownIdentity> {
    request.extensions().get::<Caller>().map(|Caller(shown)| shown.clone())
}

/// The organization and the subject of a caller; empty where they are not known.
fn named(caller: Option<&ShownIdentity>) -> (&str, &str) {
    let subject = caller.and_then(|caller| caller.subject.as_deref());
    (caller.map(|caller| caller.organization.as_str()).unwrap_or_default(), subject.unwrap_or_default())
}

/// What the call does; nothing if it neither reads nor writes what is recorded.
fn action(request: &HttpRequest) -> Option<&'static str> {
    let template = request.app_data::<Endpoint>()?.template();
    let is_read = request.method() == Method::GET || request.method() == Method::HEAD;
    let is_post = request.method() == Method::POST;
    if is_read && template.ends_with("/status") {
        Some("read.status")
    } else if is_read && template.ends_with("/report") {
        Some("read.report")
    } else if is_read && template.ends_with("/requests") {
        Some("read.list")
    } else if is_post && template.ends_with("/requests") {
        Some("read.selection")
    } else if is_post && template == "/ingest/results" {
        Some("write.results")
    } else if is_post && template == "/ingest/announcements" {
        Some("write.announcements")
    } else {
        None
    }
}
