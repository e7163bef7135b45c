//! The report inside a result message: whether it is complete, and the hits of rules in it.
//!
//! This is the thorough parser. It says what is wrong with a report that the fast one, in `whole`, could not read.

use std::collections::HashMap;

use gathering_domain::rule::RuleHit;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::error::MessageError;
use super::object::{for_each, for_each_element, is_empty, members};
use super::text::Text;
use super::warning::Warnings;
use element::{Element, Hit, Info};
use hit_set::HitSet;

mod element;
mod hit_set;
mod whole;

pub(crate) use whole::WholeReport;

/// The hits of a report in the order of the message, each once, or the first error.
pub(crate) fn hits(report: &RawValue, warnings: &mut Warnings) -> Result<Vec<RuleHit>, MessageError> {
    // Every report that an analysis finished has the first three, empty or not.
    const KEYS: [&str; 4] = ["fingerprints", "reports", "system", "info"];
    let values =
        members(report, KEYS).ok_or(MessageError::Wrong { attribute: "Report", expected: "an object" })?;
    let [_, reports, _, info] = values;
    let required = KEYS.into_iter().zip(values).take(3);
    if let Some((missing, _)) = required.into_iter().find(|(_, value)| value.is_none()) {
        return Err(if says_nothing(report) {
            MessageError::EmptyReport
        } else {
            MessageError::ReportKey(missing)
        });
    }
    let mut found = HitSet::default();
    for_each_of(reports, "reports", |index, hit| {
        let expected = "an object whose 'component' and 'key' are strings";
        found.add(&element::<Hit<'_>>(hit, "reports", index, expected)?, warnings);
        Ok(())
    })?;
    for_each_of(info, "info", |index, info| {
        element::<Info>(info, "info", index, "an object whose 'details' are strings").map(|_| ())
    })?;
    Ok(found.into_hits(warnings))
}

/// True if every part of the report is empty, except for `analysis_metadata`, which is written even for an analysis that
/// failed. `system` is empty if it names no host.
fn says_nothing(report: &RawValue) -> bool {
    /// No report that says nothing has more parts than this, counting those that a later one of the same name replaces.
    const PARTS: usize = 100;
    #[derive(Deserialize)]
    struct System<'a> {
        #[serde(default, borrow)]
        hostname: Option<Text<'a>>,
    }
    let (mut count, mut parts) = (0, HashMap::new());
    let read = for_each(report, |name, value| {
        count += 1;
        if count <= PARTS {
            // The later one of a key that comes twice.
            parts.insert(name.to_owned(), value);
        }
    });
    read.is_some()
        && count <= PARTS
        && parts.into_iter().all(|(name, value)| match name.as_str() {
            "analysis_metadata" => true,
            "system" => {
                value.get().starts_with('{')
                    && serde_json::from_str::<System<'_>>(value.get())
                        .is_ok_and(|system| system.hostname.is_none_or(|name| name.0.is_empty()))
            }
            _ => is_empty(value),
        })
}

/// Calls `each` for the elements of a list, if there is one. Null is an error: it means that something went wrong.
fn for_each_of<'a>(
    list: Option<&'a RawValue>,
    name: &'static str,
    each: impl FnMut(usize, &'a RawValue) -> Result<(), MessageError>,
) -> Result<(), MessageError> {
    let wrong = MessageError::Wrong { attribute: name, expected: "a list" };
    list.map_or(Ok(()), |list| for_each_element(list, each).ok_or(wrong)?)
}

fn element<'a, T: Deserialize<'a> + Default>(
    value: &'a RawValue,
    list: &'static str,
    index: usize,
    expected: &'static str,
) -> Result<T, MessageError> {
    let wrong = MessageError::ReportElement { list, index, expected };
    let Element(element) = serde_json::from_str(value.get()).map_err(|_| wrong)?;
    Ok(element)
}

#[cfg(test)]
mod tests;
