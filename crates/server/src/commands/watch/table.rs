//! A report as a table.

use std::fmt::Write;
use std::io::{IsTerminal, stdout};

use gathering_support::visible;
use serde::Deserialize;
use unicode_width::UnicodeWidthStr;

/// One rule hit of a report.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Hit {
    rule_fqdn: String,
    error_key: String,
    description: String,
    total_risk: i64,
}

/// What stands between columns.
const GAP: usize = 2;

/// The narrowest column of descriptions. Where there is less room, a description stands below its rule.
const NARROWEST: usize = 24;

/// The width of the terminal that standard output is; `None` if it is none.
pub(super) fn terminal_width() -> Option<usize> {
    let stdout = stdout();
    if !stdout.is_terminal() {
        return None;
    }
    let size = rustix::termios::tcgetwinsize(&stdout).ok()?;
    Some(usize::from(size.ws_col)).filter(|width| *width > 0)
}

/// A line for each hit, or two or three where lines are short, none of them wider than `width`.
pub(super) fn report_table(hits: &[Hit], width: Option<usize>) -> String {
    if hits.is_empty() {
        return cut("The analysis found nothing.", width) + "\n";
    }
    let rows = hits.iter().map(|hit| {
        let rule = visible(&format!("{}|{}", hit.rule_fqdn, hit.error_key));
        let description = hit.description.lines().map(visible).find(|line| !line.is_empty());
        [risk(hit.total_risk), rule, description.unwrap_or_default()]
    });
    let head = ["RISK", "RULE", "DESCRIPTION"].map(str::to_owned);
    let rows: Vec<[String; 3]> = std::iter::once(head).chain(rows).collect();
    let widest = |column: fn(&[String; 3]) -> &String| {
        rows.iter().map(|row| column(row).width()).max().unwrap_or_default()
    };
    let (risks, rules) = (widest(|[risk, ..]| risk), widest(|[_, rule, _]| rule));
    let is_wide = width.is_none_or(|width| width >= risks + rules + 2 * GAP + NARROWEST);
    let mut table = String::new();
    for [risk, rule, description] in &rows {
        let (risk, indent) = (pad(risk, risks + GAP), pad("", risks + GAP));
        let lines = if is_wide {
            vec![format!("{risk}{}{description}", pad(rule, rules + GAP))]
        } else {
            let is_long = width.is_some_and(|width| (risk.width() + rule.width()) > width);
            let (rule, key) = rule.split_once('|').filter(|_| is_long).unwrap_or((rule, ""));
            let key = if key.is_empty() { String::new() } else { format!("{indent}|{key}") };
            vec![format!("{risk}{rule}"), key, format!("{indent}{description}")]
        };
        for line in lines.iter().map(|line| line.trim_end()).filter(|line| !line.is_empty()) {
            let _ = writeln!(table, "{}", cut(line, width));
        }
    }
    table
}

fn risk(total_risk: i64) -> String {
    match total_risk {
        1 => "1 low".to_owned(),
        2 => "2 moderate".to_owned(),
        3 => "3 important".to_owned(),
        4 => "4 critical".to_owned(),
        other => other.to_string(),
    }
}

fn pad(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(text.width())))
}

/// The text within a width, the ellipsis of a cut one included.
fn cut(text: &str, width: Option<usize>) -> String {
    let Some(width) = width.filter(|width| text.width() > *width) else {
        return text.to_owned();
    };
    let mut kept = String::new();
    for c in text.chars() {
        kept.push(c);
        if kept.width() >= width {
            kept.pop();
            break;
        }
    }
    if width > 0 { kept + "\u{2026}" } else { kept }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit(rule_fqdn: &str, total_risk: i64, description: &str) -> Hit {
        let (rule_fqdn, error_key) = (rule_fqdn.to_owned(), "KEY".to_owned());
        Hit { rule_fqdn, error_key, description: description.to_owned(), total_risk }
    }

    fn hits() -> [Hit; 2] {
        [
            hit("rules.disk", 4, "\n\n  A disk is nearly full, and that will not end well.\nSecond line."),
            hit("rules.memory", 2, "M\u{e9}moire"),
        ]
    }

    #[test]
    fn a_wide_terminal_gets_a_line_for_each_hit() {
        let table = "RISK        RULE              DESCRIPTION\n\
                     4 critical  rules.disk|KEY    A disk is nearly full, and that will not end well.\n\
                     2 moderate  rules.memory|KEY  M\u{e9}moire\n";
        assert_eq!(report_table(&hits(), None), table);
        assert_eq!(report_table(&hits(), Some(80)), table);
        let cut = report_table(&hits(), Some(60));
        assert!(
            cut.contains("4 critical  rules.disk|KEY    A disk is nearly full, and th\u{2026}\n"),
            "{cut}"
        );
    }

    #[test]
    fn a_narrow_one_gets_two_and_none_is_too_long() {
        let table = "RISK        RULE\n            DESCRIPTION\n\
                     4 critical  rules.disk|KEY\n            A disk is nearly full, a\u{2026}\n\
                     2 moderate  rules.memory|KEY\n            M\u{e9}moire\n";
        assert_eq!(report_table(&hits(), Some(37)), table);
        let broken = report_table(&hits(), Some(27));
        assert!(broken.contains("2 moderate  rules.memory\n            |KEY\n"), "{broken}");
        for width in 0..100 {
            for line in report_table(&hits(), Some(width)).lines() {
                assert!(line.width() <= width, "{width}: {line}");
            }
            assert!(report_table(&[], Some(width)).trim_end().width() <= width);
        }
    }

    #[test]
    fn wide_characters_take_up_their_room() {
        let table = report_table(&[hit("r", 1, &"\u{6f22}".repeat(50))], Some(60));
        assert_eq!(table.lines().nth(1).map(UnicodeWidthStr::width), Some(59), "none of them is halved");
    }

    #[test]
    fn nothing_that_a_terminal_obeys_is_left() {
        let table = report_table(
            &[hit("r\u{1b}]0;title\u{7}", 1, "a\u{9b}31mb\u{202e}c\td\u{2066}e\u{7f}f\rg")],
            None,
        );
        assert!(!table.chars().any(|c| c.is_control() && c != '\n'), "{table:?}");
        assert!(table.contains("r ]0;title |KEY") && table.contains("a 31mbc de f g"), "{table:?}");
    }
}
