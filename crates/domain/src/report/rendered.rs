//! Rule content as reports show it, and reports made of it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use super::entry::ReportEntry;
use super::policy::{MAX_NAME, MIN_DESCRIPTION, ReportPolicy, TOTAL_RISKS, UnknownContent};
use crate::content::{RuleContent, RuleContentSet};
use crate::rule::RuleHit;

/// Rule content as reports show it: worded, cut and clamped once, when it is loaded.
#[derive(Debug, Default)]
pub(super) struct RenderedContent(HashMap<RuleHit, (Arc<str>, u8)>);

impl RenderedContent {
    pub(super) fn new(content: &RuleContentSet, policy: &ReportPolicy) -> Self {
        Self(content.iter().map(|(hit, content)| (hit.clone(), render(hit, content, policy))).collect())
    }

    /// How many hits have content.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The report of these hits: without duplicates, ordered, and within the limits. Beside it, the hits that are not in
    /// it because they have no content, or a name that is too long.
    pub(super) fn report(
        &self,
        mut hits: Vec<RuleHit>,
        policy: &ReportPolicy,
    ) -> (Vec<ReportEntry>, Vec<RuleHit>) {
        hits.sort_unstable();
        hits.dedup();
        let mut omitted = Vec::new();
        let entry = |hit: RuleHit| match (self.0.get(&hit), policy.unknown_content) {
            _ if hit.module().len() + hit.error_key().len() > MAX_NAME => {
                omitted.push(hit);
                None
            }
            (Some((description, total_risk)), _) => {
                Some(ReportEntry { hit, description: Arc::clone(description), total_risk: *total_risk })
            }
            (None, UnknownContent::Omit) => {
                omitted.push(hit);
                None
            }
            (None, UnknownContent::Include) => {
                let description = cut(&last_resort(&hit), policy.max_description);
                Some(ReportEntry { hit, description, total_risk: 1 })
            }
        };
        let mut entries: Vec<_> = hits.into_iter().filter_map(entry).collect();
        // Stable: within one risk the order by module and error key stays.
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.total_risk));
        if policy.max_entries > 0 {
            entries.truncate(policy.max_entries);
        }
        (entries, omitted)
    }
}

fn render(hit: &RuleHit, content: &RuleContent, policy: &ReportPolicy) -> (Arc<str>, u8) {
    let long_enough = |text: &&str| text.chars().nth(MIN_DESCRIPTION - 1).is_some();
    let description = [content.generic.as_str(), content.summary.as_str()]
        .into_iter()
        .find(long_enough)
        .map_or_else(|| last_resort(hit), Cow::Borrowed);
    (
        cut(&description, policy.max_description),
        u8::try_from(content.total_risk.clamp(*TOTAL_RISKS.start(), *TOTAL_RISKS.end())).unwrap_or(1),
    )
}

/// What is said of a hit of which there is nothing else to say: its name, made long enough.
fn last_resort(hit: &RuleHit) -> Cow<'_, str> {
    // All of it is ASCII.
    if hit.as_str().len() < MIN_DESCRIPTION {
        format!("Recommendation {hit}").into()
    } else {
        hit.as_str().into()
    }
}

/// The text within `max` characters, the ellipsis of a cut one included; `max` 0 cuts nothing.
fn cut(text: &str, max: usize) -> Arc<str> {
    const ELLIPSIS: &str = "\u{2026}";
    if max == 0 || text.chars().nth(max).is_none() {
        return text.into();
    }
    text.chars().take(max - 1).chain(ELLIPSIS.chars()).collect::<String>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(generic: &str, summary: &str, total_risk: i32) -> RuleContent {
        RuleContent { generic: generic.to_owned(), summary: summary.to_owned(), total_risk }
    }

    fn hit(text: &str) -> RuleHit {
        text.parse().unwrap()
    }

    fn report(set: &RuleContentSet, hits: &[&str], policy: &ReportPolicy) -> Vec<(String, String, u8)> {
        RenderedContent::new(set, policy)
            .report(hits.iter().map(|text| hit(text)).collect(), policy)
            .0
            .into_iter()
            .map(|entry| (entry.hit.to_string(), entry.description.to_string(), entry.total_risk))
            .collect()
    }

    fn set() -> RuleContentSet {
        [("m.b|K", 2), ("m.a|L", 2), ("m.a|K", 2), ("m.z|TOP", 4)]
            .map(|(name, risk)| (hit(name), content(&format!("text of {name}"), "", risk)))
            .into_iter()
            .collect()
    }

    #[test]
    fn ordered_by_risk_then_module_then_key_without_duplicates() {
        let hits = ["m.b|K", "m.a|L", "m.z|TOP", "m.a|K", "m.b|K"];
        let names: Vec<_> =
            report(&set(), &hits, &ReportPolicy::default()).into_iter().map(|(name, ..)| name).collect();
        assert_eq!(names, ["m.z|TOP", "m.a|K", "m.a|L", "m.b|K"]);
    }

    #[test]
    fn the_highest_risks_stay_when_there_are_too_many() {
        let hits = ["m.a|K", "m.z|TOP", "m.b|K"];
        let limited = ReportPolicy { max_entries: 1, ..ReportPolicy::default() };
        assert_eq!(report(&set(), &hits, &limited), [("m.z|TOP".into(), "text of m.z|TOP".into(), 4)]);
        let unlimited = ReportPolicy { max_entries: 0, ..ReportPolicy::default() };
        assert_eq!(report(&set(), &hits, &unlimited).len(), 3);
    }

    #[test]
    fn hits_without_content_are_left_out_or_named() {
        assert_eq!(report(&set(), &["x.y|NONE"], &ReportPolicy::default()), []);
        let include = ReportPolicy { unknown_content: UnknownContent::Include, ..ReportPolicy::default() };
        let named = |hit: &str| report(&set(), &[hit], &include)[0].1.clone();
        assert_eq!(
            report(&set(), &["xx.yy|NONE"], &include),
            [("xx.yy|NONE".into(), "xx.yy|NONE".into(), 1)]
        );
        assert_eq!(named("xx.y|NONE"), "Recommendation xx.y|NONE");
        let cut = ReportPolicy { max_description: 10, ..include };
        assert_eq!(report(&set(), &["a|K"], &cut)[0].1, "Recommend\u{2026}");
    }

    #[test]
    fn hits_with_long_names_are_left_out_and_told() {
        let name = |length: usize| format!("{}|K", "m".repeat(length - 1));
        let (fits, too_long) = (name(MAX_NAME), name(MAX_NAME + 1));
        let set: RuleContentSet =
            [&fits, &too_long].map(|name| (hit(name), content("text enough", "", 1))).into_iter().collect();
        let include = ReportPolicy { unknown_content: UnknownContent::Include, ..ReportPolicy::default() };
        for (set, policy) in [(&set, ReportPolicy::default()), (&RuleContentSet::default(), include)] {
            let rendered = RenderedContent::new(set, &policy);
            let (entries, omitted) = rendered.report(vec![hit(&fits), hit(&too_long)], &policy);
            assert_eq!(entries.iter().map(|entry| entry.hit.as_str()).collect::<Vec<_>>(), [&fits]);
            assert_eq!(omitted, [hit(&too_long)]);
        }
    }

    #[test]
    fn descriptions_stay_within_ten_and_the_limit() {
        let long = "\u{e9}".repeat(2049);
        let cases = [
            ("ten chars.", "summary long enough", 0, "ten chars.".to_owned()),
            ("nine char", "summary long enough", 0, "summary long enough".to_owned()),
            ("\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}", "short", 0, "module.name|KEY".to_owned()),
            (&long[..2 * 2048], "", 2048, "\u{e9}".repeat(2048)),
            (&long, "", 2048, format!("{}\u{2026}", "\u{e9}".repeat(2047))),
            (&long, "", 0, long.clone()),
            (" keeps space\n", "", 2048, " keeps space\n".to_owned()),
        ];
        for (generic, summary, max_description, expected) in cases {
            let set = [(hit("module.name|KEY"), content(generic, summary, 1))].into_iter().collect();
            let policy = ReportPolicy { max_description, ..ReportPolicy::default() };
            assert_eq!(report(&set, &["module.name|KEY"], &policy)[0].1, expected);
        }
    }

    #[test]
    fn risk_is_clamped() {
        for (risk, expected) in [(-1, 1), (0, 1), (1, 1), (4, 4), (5, 4), (i32::MAX, 4)] {
            let set = [(hit("m|K"), content("text enough", "", risk))].into_iter().collect();
            assert_eq!(report(&set, &["m|K"], &ReportPolicy::default())[0].2, expected);
        }
    }
}
