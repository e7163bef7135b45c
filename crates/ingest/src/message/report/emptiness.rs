//! Whether a report says nothing: the pipeline publishes such a report for an archive that it could not analyse.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::message::object::{for_each, is_empty};
use crate::message::text::Text;

/// No report that says nothing has more parts than this, counting those that a later one of the same name replaces.
const MAX_PARTS: usize = 100;

/// True if every part of the report is empty, except for `analysis_metadata`, which is written even for an analysis that
/// failed. `system` is empty if it names no host.
pub(super) fn says_nothing(report: &RawValue) -> bool {
    let (mut count, mut parts) = (0, HashMap::new());
    let read = for_each(report, |name, value| {
        count += 1;
        if count <= MAX_PARTS {
            // The later one of a key that comes twice.
            parts.insert(name.to_owned(), value);
        }
    });
    read.is_some()
        && count <= MAX_PARTS
        && parts.into_iter().all(|(name, value)| says_nothing_in(&name, value))
}

fn says_nothing_in(name: &str, value: &RawValue) -> bool {
    match name {
        "analysis_metadata" => true,
        "system" => names_no_host(value),
        _ => is_empty(value),
    }
}

fn names_no_host(system: &RawValue) -> bool {
    #[derive(Deserialize)]
    struct System<'a> {
        #[serde(default, borrow)]
        hostname: Option<Text<'a>>,
    }
    // Asked for a structure, serde_json would take a list for its fields.
    system.get().starts_with('{')
        && serde_json::from_str::<System<'_>>(system.get())
            .is_ok_and(|system| system.hostname.is_none_or(|name| name.0.is_empty()))
}
