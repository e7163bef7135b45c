//! Texts of others as one line, for the log and for terminals.

use std::borrow::Cow;

/// The text without control characters. Whatever a message quotes can neither start another line nor command a terminal,
/// and what drivers say in several lines is one sentence.
pub(crate) fn one_line(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return text.into();
    }
    let parts = text.split(char::is_control).map(str::trim).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join(" ").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_one() {
        assert_eq!(one_line(" as it is "), " as it is ");
        assert_eq!(one_line("ERROR: no\n\tDETAIL: none\r\n"), "ERROR: no DETAIL: none");
        assert_eq!(one_line("\u{1b}[31mred"), "[31mred");
    }
}
