//! What probes are told of a service and of its parts.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// Finds out how a service is.
pub type Readiness = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = ReadinessReport> + Send>> + Send + Sync>;

/// How a service is.
#[derive(Debug, Clone, Serialize)]
pub struct ReadinessReport {
    /// `ready`, or in one sentence why the service is not.
    pub status: String,
    #[serde(skip)]
    pub is_ready: bool,
    /// In the order in which they are named as the reason.
    #[serde(serialize_with = "by_name")]
    pub parts: Vec<PartState>,
}

/// How a part of a service is.
#[derive(Debug, Clone, Serialize)]
pub struct PartState {
    #[serde(skip)]
    pub name: &'static str,
    pub ready: bool,
    /// Whether the service is ready only with this part.
    pub required: bool,
    /// In one sentence why the part is not ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl ReadinessReport {
    /// Whether a service of these parts is ready: each one is that it requires.
    pub fn new(parts: Vec<PartState>) -> Self {
        let missing = parts.iter().find(|part| part.required && !part.ready);
        let reason = missing.map(|part| part.reason.clone().unwrap_or_else(|| part.name.to_owned()));
        Self { is_ready: reason.is_none(), status: reason.unwrap_or_else(|| "ready".to_owned()), parts }
    }

    /// The same of a service that takes nothing new any more.
    #[must_use]
    pub fn stopping(self) -> Self {
        Self { is_ready: false, status: "the service is stopping".to_owned(), ..self }
    }
}

impl PartState {
    pub fn new(name: &'static str, required: bool, state: Result<(), String>) -> Self {
        Self { name, ready: state.is_ok(), required, reason: state.err() }
    }
}

fn by_name<S: Serializer>(parts: &[PartState], serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(parts.len()))?;
    for part in parts {
        map.serialize_entry(part.name, part)?;
    }
    map.end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_required_part_that_is_not_ready_is_the_reason() {
        let failing = |name, required| PartState::new(name, required, Err(format!("no {name}")));
        let report = ReadinessReport::new(vec![failing("a", false), failing("b", true), failing("c", true)]);
        assert_eq!((report.is_ready, report.status.as_str()), (false, "no b"));
        let report = ReadinessReport::new(vec![failing("a", false), PartState::new("b", true, Ok(()))]);
        assert!(report.is_ready);
        assert_eq!(
            serde_json::to_string(&report).unwrap(),
            r#"{"status":"ready","parts":{"a":{"ready":false,"required":false,"reason":"no a"},"b":{"ready":true,"required":true}}}"#
        );
        assert!(!report.stopping().is_ready);
    }
}
