//! The report inside a result message: is it whole, and which rules did hit.

use std::collections::{HashMap, HashSet};

use gathering_domain::RuleHit;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::envelope::{Object, object};
use crate::text::Text;
use crate::{Problem, Warning};

/// Every report that an analysis finished has these, empty or not.
const REQUIRED: [&str; 3] = ["fingerprints", "reports", "system"];

/// The hits of a report in the order of the message, each once.
pub(crate) fn hits(report: &Object<'_>, warnings: &mut Vec<Warning>) -> Result<Vec<RuleHit>, Problem> {
    if let Some(missing) = REQUIRED.into_iter().find(|key| !report.contains_key(*key)) {
        return Err(if says_nothing(report) { Problem::EmptyReport } else { Problem::ReportKey(missing) });
    }
    let hits = list(report, "reports")?.unwrap_or_default();
    let mut found = Hits::default();
    for (index, hit) in hits.into_iter().enumerate() {
        found.add(
            &element(hit, "reports", index, "an object whose 'component' and 'key' are strings")?,
            warnings,
        );
    }
    for (index, info) in list(report, "info")?.unwrap_or_default().into_iter().enumerate() {
        element::<Info>(info, "info", index, "an object whose 'details' are strings")?;
    }
    Ok(found.hits)
}

/// True if every part of the report but `analysis_metadata`, which is written even for an analysis that failed, is
/// empty. `system` is empty when it names no host.
fn says_nothing(report: &Object<'_>) -> bool {
    #[derive(Deserialize)]
    struct System {
        #[serde(default)]
        hostname: Option<Text>,
    }
    report.iter().all(|(key, value)| match key.0.as_str() {
        "analysis_metadata" => true,
        "system" => {
            object(value).is_some()
                && serde_json::from_str::<System>(value.get())
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
    let parse = |value: &&'a RawValue| {
        serde_json::from_str(value.get()).map_err(|_| Problem::Wrong { attribute: key, expected: "a list" })
    };
    report.get(key).map(parse).transpose()
}

/// An element of a list; null stands for one without content.
fn element<'a, T: Deserialize<'a> + Default>(
    value: &'a RawValue,
    list: &'static str,
    index: usize,
    expected: &'static str,
) -> Result<T, Problem> {
    let wrong = Problem::ReportElement { list, index, expected };
    // A list would be taken for the fields of the structure in their order.
    if value.get().starts_with('[') {
        return Err(wrong);
    }
    let element: Option<T> = serde_json::from_str(value.get()).map_err(|_| wrong)?;
    Ok(element.unwrap_or_default())
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Hit {
    component: Option<Text>,
    key: Option<Text>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Info {
    #[serde(rename = "details")]
    _details: Option<HashMap<Text, Option<Text>>>,
}

#[derive(Default)]
struct Hits {
    hits: Vec<RuleHit>,
    seen: HashSet<RuleHit>,
}

impl Hits {
    /// Adds what one element names. Clients of today read hits back from a text with commas between them, so a comma
    /// inside one makes several; those that are no hits then are left out.
    fn add(&mut self, hit: &Hit, warnings: &mut Vec<Warning>) {
        let component = hit.component.as_ref().map_or("", |text| &text.0);
        let module = component.strip_suffix(".report").unwrap_or(component);
        let composite = format!("{module}|{}", hit.key.as_ref().map_or("", |text| &text.0));
        for piece in composite.split(',') {
            match piece.parse::<RuleHit>() {
                Ok(hit) => {
                    if self.seen.insert(hit.clone()) {
                        self.hits.push(hit);
                    }
                }
                Err(_) => warnings.push(Warning::dropped_hit(piece)),
            }
        }
    }
}

#[cfg(test)]
mod tests;
