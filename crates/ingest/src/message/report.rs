//! The report inside a result message: whether it is complete, and the hits of rules in it.

use gathering_domain::RuleHit;
use serde_json::value::RawValue;

use super::error::MessageError;
use super::object::members;
use super::warning::Warnings;
use content::Content;
use emptiness::says_nothing;

mod content;
mod element;
mod emptiness;
mod hit_set;

/// Every report of a finished analysis has these keys, with or without content.
const REQUIRED: [&str; 3] = ["fingerprints", "reports", "system"];

/// The hits of a report in the order of the message, each once, or the first error.
pub(crate) fn hits(report: &RawValue, warnings: &mut Warnings) -> Result<Vec<RuleHit>, MessageError> {
    let no_object = MessageError::Wrong { attribute: "Report", expected: "an object" };
    let content = Content::read(report).ok_or(no_object)?;
    if let Some(key) = missing_key(report, &content) {
        let is_empty = says_nothing(report);
        return Err(if is_empty { MessageError::EmptyReport } else { MessageError::ReportKey(key) });
    }
    let hits = content.reports.map(|reports| {
        warnings.append(reports.warnings);
        reports.error.map_or(Ok(reports.hits), Err)
    });
    let hits = hits.transpose()?.unwrap_or_default();
    content.broken_off.or(content.info).map_or(Ok(()), Err)?;
    Ok(hits.into_hits(warnings))
}

fn missing_key(report: &RawValue, content: &Content) -> Option<&'static str> {
    let has = if content.broken_off.is_none() {
        [content.has_fingerprints, content.reports.is_some(), content.has_system]
    } else {
        members(report, REQUIRED)?.map(|value| value.is_some())
    };
    REQUIRED.into_iter().zip(has).find_map(|(key, has)| (!has).then_some(key))
}

#[cfg(test)]
mod tests;
