//! JSON as lines that turn nothing in a terminal: what JSON leaves as it is, and terminals obey or hide.

use std::fmt::Write;

/// The same JSON with control characters, marks of direction and characters that nobody sees as `\\uXXXX`. They stand in texts
/// alone, so that it means the same.
pub(super) fn escaped(json: &str) -> String {
    let mut line = String::with_capacity(json.len());
    for character in json.chars() {
        if character.is_ascii_graphic() || character == ' ' || !is_hidden(character) {
            line.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            // Writing to a String does not fail.
            let _ = write!(line, "\\u{unit:04x}");
        }
    }
    line
}

const fn is_hidden(character: char) -> bool {
    matches!(
        character,
        '\0'..='\u{1f}'
            | '\u{7f}'..='\u{9f}'
            | '\u{ad}'
            | '\u{61c}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_that_a_terminal_obeys_and_it_means_the_same() {
        let text = "a\u{9b}31m\u{202e}b\u{7f}\u{e0041}\u{2028}\u{1b}[0m Zażółć עברית \\u0041 \"q\"";
        let json = serde_json::json!({ "text": text }).to_string();
        let line = escaped(&json);
        assert!(
            line.contains("a\\u009b31m\\u202eb\\u007f\\udb40\\udc41\\u2028\\u001b[0m Zażółć עברית"),
            "{line}"
        );
        assert!(!line.chars().any(is_hidden));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&line).unwrap()["text"], text);
    }
}
