//! Findings as they are written, in steps.

use gathering_domain::content::RuleContent;
use gathering_domain::rule::RuleHit;

/// The most rows of a step, and about how many bytes of text.
pub(super) const STEP: usize = 500;
const STEP_BYTES: usize = 256 * 1024;

/// One finding with its content.
#[derive(Debug, Clone, Copy)]
pub(super) struct ContentRow<'a> {
    pub(super) hit: &'a RuleHit,
    pub(super) content: &'a RuleContent,
}

impl ContentRow<'_> {
    fn size(&self) -> usize {
        self.hit.as_str().len() + self.content.generic.len() + self.content.summary.len()
    }
}

/// Splits rows into the steps that they are written in.
pub(super) fn in_steps<'a, 'b>(mut rows: &'b [ContentRow<'a>]) -> impl Iterator<Item = &'b [ContentRow<'a>]> {
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = rows.iter().take(STEP).take_while(|row| {
            let is_first = bytes == 0;
            bytes += row.size();
            is_first || bytes <= STEP_BYTES
        });
        let (step, rest) = rows.split_at_checked(fits.count())?;
        rows = rest;
        (!step.is_empty()).then_some(step)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_bounded_in_rows_and_in_bytes() {
        let (hit, content) = ("module|KEY".parse::<RuleHit>().unwrap(), |size| RuleContent {
            generic: "x".repeat(size),
            summary: String::new(),
            total_risk: 1,
        });
        let sizes = |contents: &[RuleContent]| {
            let rows: Vec<_> = contents.iter().map(|content| ContentRow { hit: &hit, content }).collect();
            in_steps(&rows).map(<[_]>::len).collect::<Vec<_>>()
        };
        assert_eq!(sizes(&[]), [0; 0]);
        assert_eq!(sizes(&vec![content(0); 2 * STEP + 1]), [STEP, STEP, 1]);
        assert_eq!(sizes(&vec![content(STEP_BYTES / 3); 4]), [2, 2]);
        assert_eq!(sizes(&vec![content(2 * STEP_BYTES); 2]), [1, 1]);
    }
}
