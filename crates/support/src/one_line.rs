//! Texts of others, in one line.

/// The text as one line: control characters, line breaks among them, separate words like a space does. So what a driver or a
/// stranger says can neither begin another line of a log nor control a terminal.
pub fn one_line(text: &str) -> String {
    let parts = text.split(char::is_control).map(str::trim).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

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
