//! Rule content as tests write it.

use gathering_domain::content::{RuleContent, RuleContentSet};

/// Content of findings that are written as hit, generic text and total risk.
pub(super) fn set(content: &[(&str, &str, i32)]) -> RuleContentSet {
    content
        .iter()
        .map(|&(hit, generic, total_risk)| {
            let content = RuleContent { generic: generic.to_owned(), summary: String::new(), total_risk };
            (hit.parse().expect("a hit"), content)
        })
        .collect()
}
