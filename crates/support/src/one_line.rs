//! Texts of others, in one line.

/// The text as one line: control characters, line breaks among them, separate words like a space does. So what a driver or a
/// stranger says can neither begin another line of a log nor control a terminal.
pub fn one_line(text: &str) -> String {
    let parts = text.split(char::is_control).map(str::trim).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join(" ")
}

/// The text as one line without anything that a terminal obeys, such as control characters and marks that turn the direction of
/// writing.
pub fn visible(text: &str) -> String {
    let is_mark = |c: char| {
        matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
    };
    one_line(text).chars().filter(|c| !is_mark(*c)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_visible_turns_no_direction_and_hides_nothing() {
        assert_eq!(visible("a\u{202e}b\u{2066}c\u{200b}d\u{1b}[0m\u{61c}\u{feff}e"), "abcd [0me");
        assert_eq!(visible("Zażółć 漢字 עברית"), "Zażółć 漢字 עברית");
    }

    #[test]
    fn a_text_is_one_line_without_control_characters() {
        for (text, expected) in [
            ("", ""),
            ("one line", "one line"),
            ("one  line", "one  line"),
            ("one\nline", "one line"),
            ("ERROR: no\r\n  DETAIL: none \n\n", "ERROR: no DETAIL: none"),
            ("\u{1b}[31mred\u{7}", "[31mred"),
            ("next\u{85}line", "next line"),
        ] {
            assert_eq!(one_line(text), expected);
        }
    }
}
