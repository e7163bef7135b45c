//! The report inside a result message: is it whole, and which rules did hit.

use std::collections::HashMap;

use gathering_domain::RuleHit;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::object::{Object, object};
use crate::report::element::{Element, Hit, Info};
use crate::report::found::Found;
use crate::text::Text;
use crate::{Problem, Warning};

mod element;
mod found;
mod whole;

pub(crate) use whole::WholeReport;

/// Every report that an analysis finished has these, empty or not.
const REQUIRED: [&str; 3] = ["fingerprints", "reports", "system"];

/// The hits of a report in the order of the message, each once, or what is wrong with it.
pub(crate) fn hits(report: &Object<'_>, warnings: &mut Vec<Warning>) -> Result<Vec<RuleHit>, Problem> {
    if let Some(missing) = REQUIRED.into_iter().find(|key| report.get(key).is_none()) {
        return Err(if says_nothing(report) { Problem::EmptyReport } else { Problem::ReportKey(missing) });
    }
    let mut found = Found::default();
    for (index, hit) in list(report, "reports")?.unwrap_or_default().into_iter().enumerate() {
        let expected = "an object whose 'component' and 'key' are strings";
        found.add(&element::<Hit<'_>>(hit, "reports", index, expected)?, warnings);
    }
    for (index, info) in list(report, "info")?.unwrap_or_default().into_iter().enumerate() {
        element::<Info>(info, "info", index, "an object whose 'details' are strings")?;
    }
    Ok(found.into_hits())
}

/// True if every part of the report but `analysis_metadata`, which is written even for an analysis that failed, is
/// empty. `system` is empty when it names no host.
fn says_nothing(report: &Object<'_>) -> bool {
    #[derive(Deserialize)]
    struct System<'a> {
        #[serde(default, borrow)]
        hostname: Option<Text<'a>>,
    }
    // The later one of a key that comes twice.
    let members: HashMap<&str, &RawValue> = report.members().collect();
    members.into_iter().all(|(key, value)| match key {
        "analysis_metadata" => true,
        "system" => {
            object(value).is_some()
                && serde_json::from_str::<System<'_>>(value.get())
                    .is_ok_and(|system| system.hostname.is_none_or(|name| name.0.is_empty()))
        }
        _ => {
            object(value).is_some_and(|object| object.is_empty())
                || serde_json::from_str::<Vec<&RawValue>>(value.get()).is_ok_and(|list| list.is_empty())
        }
    })
}

/// The list under a key; `None` where there is no such key. Null is no list: it means that something went wrong.
fn list<'a>(report: &Object<'a>, key: &'static str) -> Result<Option<Vec<&'a RawValue>>, Problem> {
    let parse = |value: &'a RawValue| {
        serde_json::from_str(value.get()).map_err(|_| Problem::Wrong { attribute: key, expected: "a list" })
    };
    report.get(key).map(parse).transpose()
}

fn element<'a, T: Deserialize<'a> + Default>(
    value: &'a RawValue,
    list: &'static str,
    index: usize,
    expected: &'static str,
) -> Result<T, Problem> {
    let wrong = Problem::ReportElement { list, index, expected };
    let Element(element) = serde_json::from_str(value.get()).map_err(|_| wrong)?;
    Ok(element)
}

#[cfg(test)]
mod tests;
